//! How a gateway is known to `ssh`: certificates of its host keys, and keys that it announces.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use adit_tests::keys::{Keys, Type};

use crate::house::{ALL, House, adit, hello, run};

#[test]
fn a_certificate_of_the_host_key_makes_it_known() {
    let house = House::new();
    Keys::generate(house.at(), "ca", Type::Ed25519);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-h", "-I", "gate", "-n", "127.0.0.1", "-s", &house.path("ca")])
        .arg(house.path("host.pub"))
        .status();
    assert!(made.unwrap().success());
    house.configure(ALL);
    let text = house.read("adit-serve.toml");
    let certified = text.replacen(
        "host-keys = [\"host\"]",
        "host-keys = [\"host\"]\nhost-certificates = [\"host-cert.pub\"]",
        1,
    );
    fs::write(house.at().join("adit-serve.toml"), certified).unwrap();
    let gateway = house.serve();
    let authority = format!("@cert-authority * {}", house.read("ca.pub"));
    fs::write(house.at().join("known_hosts"), authority).unwrap();
    let mut ssh = house.ssh(&gateway, "ann");
    let target = hello().to_string();
    ssh.args(["-o", "UpdateHostKeys=no", "-W", &target, "ann@127.0.0.1"]);
    // The first value counts.
    let words: Vec<_> =
        ssh.get_args().map(|it| it.to_string_lossy().replace("accept-new", "yes")).collect();
    let (code, said, error) =
        run(Command::new("ssh").args(words).env_remove("SSH_AUTH_SOCK").stdin(Stdio::null()));
    assert_eq!((code, &*said), (0, "hello"), "{error}");
}

#[test]
fn a_certificate_of_another_key_is_a_fault_of_the_configuration() {
    let house = House::new();
    let text = house.read("adit-serve.toml");
    let with = |name: &str| {
        text.replacen("flow-log", &format!("host-certificates = [\"{name}\"]\nflow-log"), 1)
    };
    let made = Command::new("ssh-keygen")
        .args(["-q", "-h", "-I", "x", "-n", "x", "-s", &house.path("ann")])
        .arg(house.path("ann.pub"))
        .status();
    assert!(made.unwrap().success());
    for (name, cause) in [
        ("ann-cert.pub", "the certificate is of none of the host keys"),
        ("host.pub", "this is no certificate of a type that is known"),
        ("missing", "No such file"),
    ] {
        fs::write(house.at().join("wrong.toml"), with(name)).unwrap();
        let (code, _, error) =
            run(&mut adit(&["serve", "--check", "--config", &house.path("wrong.toml")]));
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(cause), "{error}");
    }
}

#[test]
fn ssh_learns_all_host_keys_of_a_gateway() {
    let house = House::new();
    Keys::generate(house.at(), "second", Type::Ecdsa256);
    Keys::generate(house.at(), "third", Type::Rsa);
    let text = house.read("adit-serve.toml");
    let keys = text.replacen("[\"host\"]", "[\"host\", \"second\", \"third\"]", 1);
    fs::write(house.at().join("adit-serve.toml"), keys).unwrap();
    let gateway = house.serve();
    let known = format!("[127.0.0.1]:{} {}", gateway.address.port(), house.read("host.pub"));
    fs::write(house.at().join("known_hosts"), known).unwrap();
    let mut ssh = house.ssh(&gateway, "ann");
    ssh.args(["-N", "-o", "UpdateHostKeys=yes", "ann@127.0.0.1"]).stderr(Stdio::null());
    let mut ssh = ssh.spawn().unwrap();
    let begun = Instant::now();
    let learned = || {
        let known = fs::read_to_string(house.at().join("known_hosts")).unwrap_or_default();
        ["host", "second", "third"].iter().all(|name| {
            let public = house.read(&format!("{name}.pub"));
            known.contains(public.split(' ').nth(1).unwrap())
        })
    };
    while !learned() {
        assert!(begun.elapsed() < Duration::from_secs(60), "ssh has not learned the keys");
        thread::sleep(Duration::from_millis(20));
    }
    ssh.kill().unwrap();
    ssh.wait().unwrap();
}
