//! Logins by certificates that `ssh-keygen` signs and `ssh` shows.

use std::path::Path;
use std::process::Command;

use adit_tests::keys::{Keys, Type};

use crate::house::{ALL, Gateway, House, hello, run};

/// A certificate of the key of this name, for `ann` unless `options` say otherwise.
fn certify(at: &Path, authority: &str, key: &str, options: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-I", "the id", "-s"]).arg(at.join(authority));
    if !options.contains(&"-n") {
        command.args(["-n", "ann"]);
    }
    let made = command.args(options).arg(at.join(format!("{key}.pub"))).status();
    assert!(made.unwrap().success());
}

/// A house whose gateway believes `corp`, and `line` by a line of ann's keys.
fn house() -> House {
    let house = House::new();
    for name in ["corp", "line", "other"] {
        Keys::generate(house.at(), name, Type::Ed25519);
    }
    let (corp, line) = (house.read("corp.pub"), house.read("line.pub"));
    house.configure(&format!(
        "authorities = [\"corp\"]\n\
         [[user]]\nname = \"bob\"\nkeys = ['''cert-authority,principals=\"bobs\" {}''']\n\
         [[authority]]\nname = \"corp\"\nkeys = ['''{}''']\n{ALL}\
         [penalties]\nexempt = [\"127.0.0.0/8\"]\n",
        line.trim_end(),
        corp.trim_end(),
    ));
    house
}

/// Logs in as `user` by the key of this name and its certificate, and says what came of it.
fn log_in(house: &House, gateway: &Gateway, user: &str, key: &str, more: &[&str]) -> (i32, String) {
    let mut command = house.ssh(gateway, key);
    command.args(more).args(["-W", &hello().to_string(), &format!("{user}@127.0.0.1")]);
    let (code, said, error) = run(&mut command);
    (code, if code == 0 { said } else { error })
}

#[test]
fn a_certificate_of_each_type_lets_its_user_in() {
    let house = house();
    let gateway = house.serve();
    for (name, of) in [
        ("ed25519", Type::Ed25519),
        ("nistp256", Type::Ecdsa256),
        ("nistp384", Type::Ecdsa384),
        ("nistp521", Type::Ecdsa521),
        ("rsa", Type::Rsa),
    ] {
        Keys::generate(house.at(), name, of);
        let before = log_in(&house, &gateway, "ann", name, &[]);
        assert_eq!(before.0, 255, "{name} without a certificate: {}", before.1);
        certify(house.at(), "corp", name, &[]);
        let after = log_in(&house, &gateway, "ann", name, &[]);
        assert_eq!(after, (0, "hello".to_owned()), "{name}");
    }
    for algorithm in ["rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com"] {
        let only = format!("PubkeyAcceptedAlgorithms={algorithm}");
        let (code, said) = log_in(&house, &gateway, "ann", "rsa", &["-o", &only]);
        assert_eq!((code, &*said), (0, "hello"), "{algorithm}");
    }
    let flows = house.flows(gateway);
    assert!(flows.contains("\"certificate\":\"the id\""), "{flows}");
}

#[test]
fn what_a_certificate_says_counts() {
    let house = house();
    let gateway = house.serve();
    let cases: [(&str, &str, &str, &[&str], i32); 9] = [
        ("ann", "corp", "good", &[], 0),
        ("ann", "other", "of-nobody", &[], 255),
        ("ann", "corp", "expired", &["-V", "20200101:20200102"], 255),
        ("ann", "corp", "for-bob", &["-n", "bob"], 255),
        ("ann", "corp", "elsewhere", &["-O", "source-address=192.0.2.0/24"], 255),
        ("ann", "corp", "here", &["-O", "source-address=127.0.0.0/8"], 0),
        ("ann", "corp", "unknown", &["-O", "critical:new@example.com=1"], 255),
        ("bob", "line", "by-line", &["-n", "bobs"], 0),
        ("bob", "line", "by-name", &["-n", "bob"], 255),
    ];
    for (user, authority, name, options, code) in cases {
        Keys::generate(house.at(), name, Type::Ed25519);
        certify(house.at(), authority, name, options);
        let found = log_in(&house, &gateway, user, name, &[]);
        assert_eq!(found.0, code, "{name}: {}", found.1);
    }
    Keys::generate(house.at(), "without", Type::Ed25519);
    certify(house.at(), "corp", "without", &["-O", "no-port-forwarding"]);
    let (code, said) = log_in(&house, &gateway, "ann", "without", &[]);
    assert_eq!(code, 255);
    assert!(said.contains("the certificate permits no port forwarding"), "{said}");
}
