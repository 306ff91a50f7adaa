//! What programs come to through `adit serve`, beside the machine's own `sshd`.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::house::{Gateway, House};
use crate::sessions::{house, me, ssh};

const SSHD: &str = "/usr/sbin/sshd";

/// Options of `ssh`, and what is run.
const TABLE: [(&[&str], &str); 25] = [
    (&[], "exit 0"),
    (&[], "exit 255"),
    (&[], "kill -TERM $$"),
    (&[], "kill -9 $$"),
    (&[], "kill -USR1 $$"),
    (&[], "kill -BUS $$"),
    (&[], "cat"),
    (&[], "cat >&2; exit 3"),
    (&[], "head -c 10"),
    (&[], "exec <&-; sleep 0.2; echo done; exit 4"),
    (&[], "exec >&- 2>&-; sleep 0.2; exit 5"),
    (&[], "cat >/dev/null; exec >&-; sleep 0.2; echo late >&2; exit 6"),
    (&[], "(sleep 0.5; echo late; echo errors >&2) & exit 7"),
    (&[], "sleep 3 >/dev/null 2>&1 </dev/null & echo on; exit 8"),
    (&[], "yes 0123456789 | head -c 3000000"),
    (&[], "pwd; umask; echo $HOME $USER $LOGNAME $SHELL $MAIL $0 $-"),
    (&[], "env | cut -d= -f1 | sort"),
    (&[], "test -t 0; echo $?; ps -o pid= --ppid $$ | wc -l"),
    (&[], "no-such-command"),
    (&["-n"], "cat; exit 9"),
    (&["-tt"], "exit 10"),
    (&["-tt"], "echo a; echo b >&2; exit 11"),
    (&["-tt"], "sleep 100 & exit 12"),
    (&["-tt"], "stty -a; stat -c '%U %G %a' $(tty)"),
    (&["-tt"], "env | cut -d= -f1 | sort; kill -INT $$; sleep 5"),
];

/// `ssh` by way of an `sshd` of its own.
fn by_sshd(house: &House, gateway: &Gateway, options: &[&str], command: &str) -> Command {
    let proxy = format!("ProxyCommand={SSHD} -i -f {}", house.path("sshd_config"));
    let user = format!("User={}", me());
    let known = format!("UserKnownHostsFile={}", house.path("known_by_sshd"));
    let mut ssh = Command::new("ssh");
    // What comes first counts, and the user's name that stands with the host comes later.
    ssh.args(["-F", "none", "-o", &proxy, "-o", &user, "-o", &known]);
    let by_gateway = self::ssh(house, gateway, options, command);
    let words = by_gateway.get_args().skip(2).filter(|word| *word != "ann@127.0.0.1");
    let mut words: Vec<_> = words.map(ToOwned::to_owned).collect();
    words.insert(words.len() - 1, "sshd".into());
    ssh.args(words).env_remove("SSH_AUTH_SOCK");
    ssh
}

fn outcome(mut ssh: Command) -> (Option<i32>, String, String) {
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ssh.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A terminal would make signals of some of them.
    let bytes: Vec<u8> = match ssh.get_args().any(|word| word == "-tt") {
        true => Vec::new(),
        false => (0..=255).cycle().take(200_000).collect(),
    };
    // A program that reads no input breaks the pipe.
    let writer = std::thread::spawn(move || drop(std::io::Write::write_all(&mut stdin, &bytes)));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code(), text(&stdout), text(&stderr))
}

#[test]
fn programs_come_to_the_same_as_through_sshd() {
    if !fs::exists(SSHD).unwrap() {
        eprintln!("not tried: {SSHD} is not here: apt-get install openssh-server");
        return;
    }
    if rustix::process::geteuid().is_root() {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let house = house();
    let gateway = house.serve();
    let config = format!(
        "HostKey {0}/host\nAuthorizedKeysFile {0}/ann.pub\nUsePAM no\nStrictModes no\n\
         PidFile none\nPermitRootLogin prohibit-password\nPrintMotd no\nPrintLastLog no\n\
         SetEnv HOME={0}\n",
        house.at().display(),
    );
    fs::write(house.path("sshd_config"), config).unwrap();
    let mut different = Vec::new();
    for (options, command) in TABLE {
        let theirs = outcome(by_sshd(&house, &gateway, options, command));
        let ours = outcome(ssh(&house, &gateway, options, command));
        let same = if ours == theirs { "as sshd" } else { "differs" };
        eprintln!("{same:8} {:?} {} {command}", ours.0, options.join(" "));
        if ours != theirs {
            different.push(format!("{command}\n  sshd: {theirs:.300?}\n  adit: {ours:.300?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
