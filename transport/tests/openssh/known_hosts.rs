//! Files of known hosts.

use std::fs;
use std::path::Path;
use std::process::Command;

use adit_transport::known_hosts::{Host, KnownHosts, NameForm, Verdict, append};
use adit_transport::public_key::PublicKey;

use crate::program::{run, ssh_keygen, text};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fn key() -> PublicKey {
    PublicKey::parse(KEY).unwrap().0
}

fn knows(path: &Path, host: &Host) -> bool {
    let known = KnownHosts::load([path]);
    assert_eq!(known.warnings(), []);
    matches!(known.check(host, &key()), Verdict::Known { .. })
}

/// Whether `ssh-keygen -F` finds the host.
fn ssh_keygen_finds(path: &Path, host: &Host) -> bool {
    let args = ["-F", host.as_str(), "-f", text(path)];
    let output = run(&mut Command::new("ssh-keygen"), &args, b"");
    assert!(output.stderr.is_empty(), "{output:?}");
    output.status.success()
}

const HOSTS: [(&str, u16); 6] = [
    ("example.com", 22),
    ("Example.com", 2222),
    ("www.example.com", 22),
    ("10.0.0.1", 22),
    ("::1", 22),
    ("::1", 2222),
];

#[test]
fn what_is_added_is_found_by_ssh_keygen() {
    for form in [NameForm::Plain, NameForm::Hashed] {
        let folder = tempfile::tempdir().unwrap();
        for (number, (name, port)) in (0..).zip(HOSTS) {
            let path = folder.path().join(format!("known_hosts{number}"));
            append(&path, &Host::new(name, port), &key(), form).unwrap();
            for (name, port) in HOSTS {
                let host = Host::new(name, port);
                assert_eq!(knows(&path, &host), ssh_keygen_finds(&path, &host), "{host}");
            }
            assert!(knows(&path, &Host::new(name, port)));
        }
    }
}

#[test]
fn what_ssh_keygen_hashed_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    for (name, port) in HOSTS {
        append(&path, &Host::new(name, port), &key(), NameForm::Plain).unwrap();
    }
    ssh_keygen(&["-H", "-f", text(&path)], b"");
    let hashed = fs::read_to_string(&path).unwrap();
    assert!(hashed.lines().all(|line| line.starts_with("|1|")), "{hashed}");
    for (name, port) in HOSTS {
        assert!(knows(&path, &Host::new(name, port)), "{name} {port}");
    }
    assert!(!knows(&path, &Host::new("example.com", 2223)));
}

#[test]
fn patterns_match_what_they_match_in_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    for patterns in [
        "*",
        "?",
        "*.example.com",
        "*.Example.COM,example.com",
        "*example.com,!www.example.com",
        "!www.example.com,*.example.com",
        "!example.com",
        "[*]:2222",
        "[*]:*",
        "[example.com]:22",
        "10.0.0.?,[::1]:2222",
        "**.com",
        "w*w*.com",
        ",,",
    ] {
        fs::write(&path, format!("{patterns} {KEY}\n")).unwrap();
        for (name, port) in HOSTS {
            let host = Host::new(name, port);
            assert_eq!(knows(&path, &host), ssh_keygen_finds(&path, &host), "{patterns} {host}");
        }
    }
}
