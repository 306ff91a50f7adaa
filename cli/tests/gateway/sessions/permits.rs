//! What is refused, what is forced, and what goes with a session.

use std::fs;
use std::process::{Command, Stdio};

use adit_tests::keys::{Keys, Type};

use crate::house::{ALL, House, adit, run};
use crate::sessions::{SESSIONS, exec, house, me, ssh};

/// A house where ann has everything, and `bob` a key with these options.
fn with_bob(options: &str) -> House {
    let house = House::new();
    Keys::generate(house.at(), "bob", Type::Ed25519);
    let key = house.read("bob.pub");
    house.configure(&format!(
        "account = \"{0}\"\n[[user]]\nname = \"bob\"\naccount = \"{0}\"\n\
         keys = ['''{options},{2} {1}''']\n{SESSIONS}",
        me(),
        key.trim_end(),
        house.home(),
    ));
    house
}

#[test]
fn without_a_rule_there_are_no_sessions_and_the_client_is_told() {
    let house = House::new();
    house.configure(ALL);
    let gateway = house.serve();
    let (code, _, errors) = run(house.ssh(&gateway, "ann").args(["ann@127.0.0.1", "true"]));
    assert_eq!(code, 255);
    assert!(errors.contains("the policy of the gateway does not permit it"), "{errors}");
    assert!(house.flows(gateway).contains("\"reason\":\"no-rule\""));
}

#[test]
fn what_no_rule_names_is_refused() {
    let house = House::new();
    let rule = "[[rule]]\nname = \"a\"\naction = \"allow\"\nsessions = [\"shell\"]\n";
    house.configure(&format!("account = \"{}\"\n{rule}", me()));
    let gateway = house.serve();
    let (code, _, errors) = exec(&house, &gateway, "true", b"");
    assert_eq!(code, 255);
    assert!(errors.contains("exec request failed"), "{errors}");
    let (code, _, errors) = run(&mut ssh(&house, &gateway, &["-s"], "sftp"));
    assert_eq!(code, 255);
    assert!(errors.contains("subsystem request failed"), "{errors}");
}

#[test]
fn a_forced_command_is_run_whatever_is_asked_for() {
    let house = with_bob(
        "restrict,command=\"echo forced: $SSH_ORIGINAL_COMMAND $A; exit 6\",environment=\"A=b\"",
    );
    let gateway = house.serve();
    let as_bob = |options: &[&str], command: &[&str]| {
        let mut ssh = house.ssh(&gateway, "bob");
        run(ssh.args(options).arg("bob@127.0.0.1").args(command))
    };
    assert_eq!(as_bob(&[], &["rm -rf x"]).1, "forced: rm -rf x b\n");
    let (code, out, _) = as_bob(&["-T"], &[]);
    assert_eq!((code, out.as_str()), (6, "forced: b\n"));
    assert_eq!(as_bob(&["-s"], &["sftp"]).1, "forced: sftp b\n");
    let (code, _, errors) = as_bob(&["-tt"], &["tty"]);
    assert_eq!(code, 255);
    assert!(errors.contains("PTY allocation request failed"), "{errors}");
}

#[test]
fn a_certificate_forces_a_command_and_permits_what_it_says() {
    let house = House::new();
    Keys::generate(house.at(), "corp", Type::Ed25519);
    let authority = house.read("corp.pub");
    house.configure(&format!(
        "account = \"{}\"\nauthorities = [\"corp\"]\n{SESSIONS}[[authority]]\nname = \"corp\"\n\
         keys = ['''{}''']\n",
        me(),
        authority.trim_end(),
    ));
    Keys::generate(house.at(), "certified", Type::Ed25519);
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-I", "id", "-n", "ann", "-O", "clear", "-O", "force-command=echo by $0"]);
    sign.arg("-s").arg(house.path("corp")).arg(house.path("certified.pub"));
    assert!(sign.status().unwrap().success());
    let gateway = house.serve();
    let certified =
        |option| run(house.ssh(&gateway, "certified").args([option, "ann@127.0.0.1", "true"]));
    let (code, out, errors) = certified("-T");
    assert_eq!(code, 0, "{errors}");
    assert!(out.starts_with("by "), "{out}");
    let (_, _, errors) = certified("-tt");
    assert!(errors.contains("PTY allocation request failed"), "{errors}");
}

#[test]
fn variables_are_taken_that_are_accepted_and_no_others() {
    let house = house();
    let gateway = house.serve();
    let options = ["-o", "SetEnv=LC_TIME=one LD_PRELOAD=two HOME=three"];
    let (code, out, _) =
        run(&mut ssh(&house, &gateway, &options, "echo $LC_TIME,$LD_PRELOAD; test $HOME != three"));
    assert_eq!((code, out.as_str()), (0, "one,\n"));
}

#[test]
fn files_go_by_sftp_and_scp() {
    let house = house();
    let gateway = house.serve();
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    fs::write(house.path("from"), &bytes).unwrap();
    let port = gateway.address.port().to_string();
    let (key, known) = (house.path("ann"), house.path("known_hosts"));
    let known = format!("UserKnownHostsFile={known}");
    let common = ["-q", "-F", "none", "-P", &port, "-i", &key, "-o", "BatchMode=yes"];
    let hosts = ["-o", "StrictHostKeyChecking=no", "-o", &known];
    for (at, protocol) in [&[][..], &["-O"]].into_iter().enumerate() {
        let to = house.path(&format!("to{at}"));
        let mut scp = Command::new("scp");
        scp.args(common).args(hosts).args(protocol).arg(house.path("from"));
        let (code, _, errors) = run(scp.arg(format!("ann@127.0.0.1:{to}")));
        assert_eq!(code, 0, "{protocol:?}: {errors}");
        assert!(fs::read(to).unwrap() == bytes);
    }
    fs::write(house.path("batch"), format!("get {0}/from {0}/got\n", house.at().display()))
        .unwrap();
    let mut sftp = Command::new("sftp");
    sftp.args(common).args(hosts).args(["-b", &house.path("batch"), "ann@127.0.0.1"]);
    let (code, _, errors) = run(sftp.stdin(Stdio::null()));
    assert_eq!(code, 0, "{errors}");
    assert!(fs::read(house.path("got")).unwrap() == bytes);
}

#[test]
fn the_clients_agent_is_reached_by_a_socket_that_goes_with_the_session() {
    let house = house();
    let gateway = house.serve();
    let socket = house.path("agent");
    let mut agent = Command::new("ssh-agent");
    let mut agent = agent.args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap();
    let add = || {
        Command::new("ssh-add")
            .arg("-q")
            .arg(house.path("ann"))
            .env("SSH_AUTH_SOCK", &socket)
            .status()
    };
    while !add().unwrap().success() {
        std::thread::yield_now();
    }
    let line =
        "echo $SSH_AUTH_SOCK; stat -c %a $SSH_AUTH_SOCK $(dirname $SSH_AUTH_SOCK); ssh-add -l";
    let mut ssh = ssh(&house, &gateway, &["-A"], line);
    let (code, out, errors) = run(ssh.env("SSH_AUTH_SOCK", &socket));
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert_eq!(code, 0, "{errors}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[1..3], ["600", "700"], "{out}");
    assert!(lines[3].contains("(ED25519)"), "{out}");
    let path = std::path::Path::new(lines[0]);
    while path.exists() {
        std::thread::yield_now();
    }
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn a_verdict_on_sessions_is_explained_and_is_the_exit_code() {
    let house = with_bob("no-pty");
    let key = house.path("bob.pub");
    for (words, code, told) in [
        (&["--session", "exec"][..], 0, "session exec: allowed by rule `sessions`"),
        (&["--session", "subsystem:other"], 1, "denied: no rule allows it"),
        (&["--session", "pty", "--key", &key], 1, "the key's options permit no pty"),
        (&["--session", "sftp"], 2, "is nothing that sessions have"),
    ] {
        let mut command = adit(&["explain", "--user", "bob"]);
        let (found, out, said) = run(command.args(words).current_dir(house.at()));
        assert_eq!(found, code, "{words:?}: {out}{said}");
        assert!(format!("{out}{said}").contains(told), "{words:?}: {out}{said}");
    }
}

#[test]
fn the_short_form_permits_sessions_by_words() {
    let house = House::new();
    let (keys, key) = (house.path("authorized_keys"), house.path("host"));
    fs::write(&keys, format!("{} {}", house.home(), house.read("ann.pub"))).unwrap();
    let words =
        ["serve", "--listen", "127.0.0.1:0", "--host-key", &key, "--authorized-keys", &keys];
    let mut command = adit(&words);
    command.args(["--permit-session", "exec,pty"]);
    let gateway = crate::house::Gateway::start(command);
    let mut ssh = house.ssh(&gateway, "ann");
    let (code, out, errors) = run(ssh.args([&format!("{}@127.0.0.1", me()), "id -un"]));
    assert_eq!((code, out.trim()), (0, me().as_str()), "{errors}");
    let (code, _, said) = run(adit(&words).args(["--permit-session", "all"]));
    assert_eq!(code, 2, "{said}");
}
