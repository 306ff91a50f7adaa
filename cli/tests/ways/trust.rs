//! Whom a client trusts: certificates of hosts, revoked keys, keys that are learned, `adit trust`.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::adit::{Adit, Left, PATIENCE, command, run};
use crate::server::{Server, keygen, open, user};
use crate::service::echo;

/// Adds lines to what `sshd` reads at its next connection.
fn configure(server: &Server, lines: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(server.file("sshd_config")).unwrap();
    writeln!(file, "{lines}").unwrap();
}

fn ssh_keygen(words: &[&str]) -> String {
    let output = Command::new("ssh-keygen").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn read(server: &Server, name: &str) -> String {
    fs::read_to_string(server.file(name)).unwrap()
}

/// Opens a way to an echo with these lines as known hosts.
fn call(server: &Server, known: &str, more: &[&str]) -> Left {
    let target = echo(b"!").to_string();
    let mut words = open(&[server], &[&["-W", &target], more].concat());
    fs::write(server.file("known_hosts"), known).unwrap();
    words.retain(|word| !word.is_empty());
    run(command(&words), b"hello")
}

/// A host certificate by an authority, for these names.
fn certify(server: &Server, names: &str, more: &[&str]) {
    if !Path::new(&server.file("ca")).exists() {
        keygen(Path::new(&server.file("ca")));
    }
    let (ca, host) = (server.file("ca"), server.file("host.pub"));
    let words = ["-q", "-s", &ca, "-h", "-I", "the host", "-n", names];
    ssh_keygen(&[&words[..], more, &[&host]].concat());
}

#[test]
fn a_host_certificate_of_a_known_authority_is_trusted() {
    let server = Server::sshd("");
    certify(&server, "127.0.0.*", &[]);
    configure(&server, &format!("HostCertificate {}", server.file("host-cert.pub")));
    let authority = format!("@cert-authority 127.0.0.1 {}", read(&server, "ca.pub"));
    let left = call(&server, &authority, &[]);
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"hello!");
    let unknown = call(&server, "", &[]);
    unknown.expect(12, &["is not known"]);
    let plain = call(&server, &server.known(), &[]);
    plain.expect(0, &[]);
    let revoked = format!("{authority}@revoked * {}", read(&server, "ca.pub"));
    call(&server, &revoked, &[]).expect(12, &["is revoked at"]);
}

#[test]
fn a_host_certificate_that_does_not_hold_is_told_with_the_cause() {
    for (names, more, cause) in [
        ("other.example", &[][..], "the certificate is not for this host"),
        ("127.0.0.1", &["-V", "20200101:20200102"][..], "the certificate has expired"),
    ] {
        let server = Server::sshd("");
        certify(&server, names, more);
        configure(&server, &format!("HostCertificate {}", server.file("host-cert.pub")));
        let authority = format!("@cert-authority * {}", read(&server, "ca.pub"));
        call(&server, &authority, &[]).expect(12, &["does not hold", cause, "hint: "]);
    }
}

#[test]
fn a_changed_key_is_a_full_stop_with_both_fingerprints_and_all_lines() {
    let server = Server::sshd("");
    for name in ["old", "older"] {
        keygen(Path::new(&server.file(name)));
    }
    let line = |name: &str| {
        format!("[127.0.0.1]:{} {}", server.address.port(), read(&server, &format!("{name}.pub")))
    };
    let left = call(&server, &(line("old") + &line("older")), &["-oStrictHostKeyChecking=ask"]);
    let print = |name: &str| {
        let told = ssh_keygen(&["-lf", &server.file(&format!("{name}.pub"))]);
        told.split(' ').nth(1).unwrap().to_owned()
    };
    let file = server.file("known_hosts");
    left.expect(
        12,
        &[
            "has changed",
            &print("host"),
            &print("old"),
            &format!("{file}:1"),
            &format!("{file}:2"),
            "hint: ",
            "adit trust --remove",
        ],
    );
}

#[test]
fn revoked_host_keys_are_not_trusted_and_neither_is_anything_where_the_list_is_missing() {
    let server = Server::sshd("");
    let known = server.known();
    let (list, krl) = (server.file("host.pub"), server.file("krl"));
    ssh_keygen(&["-q", "-k", "-f", &krl, &list]);
    for file in [&list, &krl] {
        let option = format!("-oRevokedHostKeys={file}");
        call(&server, &known, &[&option]).expect(12, &["is on the list of revoked keys"]);
    }
    call(&server, &known, &["-oRevokedHostKeys=/nonexistent"]).expect(12, &["may be revoked"]);
    let other = format!("-oRevokedHostKeys={}", server.file("user.pub"));
    call(&server, &known, &[&other]).expect(0, &[]);
}

/// Waits until a file is as it should be.
fn wait_for(path: &str, fits: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if fits(&text) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{path} is still:\n{text}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn further_host_keys_are_learned_and_those_that_are_gone_forgotten() {
    let server = Server::sshd("");
    for (name, words) in [
        ("further", &["-t", "ecdsa", "-b", "384"][..]),
        ("third", &["-t", "rsa", "-b", "2048"][..]),
        ("gone", &["-t", "ecdsa", "-b", "256"][..]),
    ] {
        let file = server.file(name);
        ssh_keygen(&[&["-q", "-N", "", "-f", &file][..], words].concat());
    }
    for name in ["further", "third"] {
        configure(&server, &format!("HostKey {}", server.file(name)));
    }
    let words = open(&[&server], &["-oUpdateHostKeys=yes", "-L", "127.0.0.1:0:127.0.0.1:1"]);
    let port = server.address.port();
    let key = |name: &str| {
        let line = read(&server, &format!("{name}.pub"));
        line.split(' ').take(2).collect::<Vec<_>>().join(" ")
    };
    let known = server.file("known_hosts");
    let rest = format!("# mine\nother.example {}\n", key("gone"));
    let line = |name: &str| format!("[127.0.0.1]:{port} {}\n", key(name));
    fs::write(&known, format!("{rest}{}{}", line("gone"), server.known())).unwrap();
    let mut tunnel = Adit::start(command(&words));
    tunnel.listening();
    let learned = |text: &str| ["further", "third"].iter().all(|name| text.contains(&line(name)));
    wait_for(&known, |text| {
        text.starts_with(&rest) && learned(text) && !text.contains(&line("gone"))
    });
    tunnel.signal(Signal::INT);
    tunnel.end().expect(0, &[]);
}

#[test]
fn keys_are_shown_added_pinned_and_removed() {
    let server = Server::sshd("");
    let (host, known) = (format!("[127.0.0.1]:{}", server.address.port()), server.file("hosts"));
    let ecdsa = server.file("ecdsa");
    ssh_keygen(&["-q", "-t", "ecdsa", "-N", "", "-f", &ecdsa]);
    configure(&server, &format!("HostKey {ecdsa}"));
    let print = |file: &str| ssh_keygen(&["-lf", file]).split(' ').nth(1).unwrap().to_owned();
    let trust = |words: &[&str]| {
        let files =
            ["-oGlobalKnownHostsFile=none".to_owned(), format!("-oUserKnownHostsFile={known}")];
        let mut all = vec!["trust".to_owned(), "-Fnone".to_owned()];
        all.extend(files);
        all.extend(words.iter().copied().chain([host.as_str()]).map(str::to_owned));
        run(command(&all), b"")
    };
    trust(&[]).expect(12, &["is not known", "adit trust --add"]);
    let wrong = print(&server.file("user.pub"));
    trust(&["--pin", &wrong]).expect(12, &["no host key with this fingerprint", &print(&ecdsa)]);
    trust(&["--pin", &print(&ecdsa)]).expect(0, &["added ecdsa-sha2-nistp256"]);
    trust(&["--pin", &print(&ecdsa)]).expect(0, &["is known by this key"]);
    let shown = trust(&[]);
    shown.expect(0, &[]);
    let expected = format!("key ecdsa-sha2-nistp256 {} {known}:1\n", print(&ecdsa));
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), expected);
    // Nobody is there to be asked, and the ed25519 key comes first.
    trust(&["--pin", &print(&server.file("host.pub"))]).expect(12, &["adit trust --remove"]);
    trust(&["--remove"]).expect(0, &["removed ecdsa-sha2-nistp256"]);
    trust(&["--remove"]).expect(12, &["is not known in"]);
    trust(&["--pin", "SHA256:short"]).expect(2, &["this is no fingerprint"]);
}

/// A program that answers `correct horse` to whatever it is asked.
fn askpass(server: &Server) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = server.file("askpass");
    fs::write(&path, "#!/bin/sh\necho \"$1\" >> \"$0.asked\"\necho correct horse\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn a_passphrase_is_asked_for_by_a_program_and_in_batch_mode_not_at_all() {
    let server = Server::sshd("");
    for format in ["RFC4716", "PKCS8", "PEM"] {
        let (key, name) = (server.file(format), format.to_owned());
        let words = ["-q", "-t", "ecdsa", "-N", "correct horse", "-m", format, "-f", &key];
        ssh_keygen(&words);
        fs::copy(server.file(&format!("{name}.pub")), server.file("authorized_keys")).unwrap();
        let target = echo(b"!").to_string();
        let call = |batch: &str| {
            let mut words =
                open(&[&server], &["-W", &target, &format!("-oBatchMode={batch}"), "-i", &key]);
            // Its own key is the only one.
            let own = words.iter().position(|word| *word == server.file("user")).unwrap();
            words.drain(own - 1..=own);
            let mut command = command(&words);
            command.env("SSH_ASKPASS", askpass(&server)).env("SSH_ASKPASS_REQUIRE", "force");
            run(command, b"hello")
        };
        let left = call("no");
        left.expect(0, &[]);
        assert_eq!(left.stdout, b"hello!");
        let asked = read(&server, "askpass.asked");
        assert!(asked.contains(&format!("passphrase for key {key}")), "{asked}");
        call("yes").expect(13, &["nobody could be asked for its passphrase"]);
    }
}

#[test]
fn certificates_of_users_are_shown_before_their_keys() {
    let server = Server::sshd("");
    keygen(Path::new(&server.file("ca")));
    configure(&server, &format!("TrustedUserCAKeys {}", server.file("ca.pub")));
    fs::write(server.file("authorized_keys"), "").unwrap();
    let known = server.known();
    call(&server, &known, &[]).expect(13, &["refused"]);
    let (ca, key) = (server.file("ca"), server.file("user.pub"));
    ssh_keygen(&["-q", "-s", &ca, "-I", "me", "-n", &user(), &key]);
    call(&server, &known, &[]).expect(0, &[]);
    let named = server.file("named");
    fs::rename(server.file("user-cert.pub"), &named).unwrap();
    call(&server, &known, &[&format!("-oCertificateFile={named}")]).expect(0, &[]);
    let left = call(&server, &known, &[&format!("-oCertificateFile={}", server.file("ca.pub"))]);
    left.expect(13, &["warning: certificate", "this is no certificate of a type that is known"]);
}

#[test]
fn a_login_is_bound_to_the_host_key_of_the_server() {
    let server = Server::sshd("");
    call(&server, &server.known(), &[]).expect(0, &[]);
    server.wait();
    let log = server.log();
    assert!(log.contains("method publickey-hostbound-v00@openssh.com"), "{log}");
}

#[test]
fn more_keys_than_the_server_takes_are_told_by_their_names() {
    let server = Server::sshd("MaxAuthTries 2");
    let mut more = Vec::new();
    for number in 0..4 {
        let file = server.file(&format!("wrong{number}"));
        keygen(Path::new(&file));
        more.extend(["-i".to_owned(), file]);
    }
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let left = call(&server, &server.known(), &more);
    left.expect(13, &["wrong0): refused", "not tried any more", "IdentitiesOnly=yes"]);
}
