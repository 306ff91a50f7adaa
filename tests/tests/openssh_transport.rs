//! The transport against the machine's own `sshd`: algorithms, host keys, logins, rekeying.

use std::future::poll_fn;
use std::path::Path;

use adit_proto::config::{ClientConfig, Common, Rekey};
use adit_proto::ident::Identification;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::global_request::{GlobalRequest, Kind};
use adit_proto::name::NameList;
use adit_tests::keys::Type;
use adit_tests::sshd::{Served, Sshd, user};
use adit_transport::client::{Client, Error};
use adit_transport::identity::Identity;
use adit_transport::identity::private_key::{Parsed, load};
use adit_transport::known_hosts::KnownHosts;
use adit_transport::known_hosts::file::NameForm;
use adit_transport::known_hosts::host::Host;
use adit_transport::link::Link;
use adit_transport::login::candidate::Candidate;
use adit_transport::login::{Config, Login};
use adit_transport::prompt::Prompt;
use adit_transport::provider;
use adit_transport::secret::Secret;
use adit_transport::trust::{Policy, Trust};
use tokio::net::UnixStream;

/// Nobody to ask.
struct Nobody;

impl Prompt for Nobody {
    async fn ask(&mut self, _: &str) -> Option<String> {
        None
    }
    async fn ask_secret(&mut self, _: &str) -> Option<Secret> {
        None
    }
    fn tell(&mut self, _: &str) {}
}

fn config() -> ClientConfig {
    let identification = Identification::own("adit_test").unwrap();
    ClientConfig::new(Common::new(provider::default(), identification), user())
}

fn client(sshd: &Sshd, key: &Path) -> Client<Nobody> {
    let Parsed::Plain(private) = load(key).unwrap() else { panic!("the key is encrypted") };
    let known_hosts = sshd.folder().join("known_hosts");
    let trust = Trust::new(
        Policy::AcceptNew,
        Host::new("example.com", 22),
        KnownHosts::load([&known_hosts]),
        Some((known_hosts, NameForm::Plain)),
    );
    let config = Config {
        destination: "test".to_owned(),
        signatures: config().common.algorithms.signatures,
        interactive: 0,
        password: 0,
    };
    let identity = Identity::from_key(private, "test");
    Client::new(trust, Login::new(config, [Candidate::ready(identity)]), Nobody)
}

async fn connect(sshd: &Sshd, config: &ClientConfig) -> (Link<UnixStream>, Served) {
    let (stream, served) = sshd.connect();
    let linked = client(sshd, &sshd.user_key()).connect(stream, config).await;
    (linked.unwrap_or_else(|error| panic!("{error}\n{}", sshd.log())), served)
}

/// Asks whether the peer is there, and waits for its answer.
async fn ask(link: &mut Link<UnixStream>) {
    link.send(&GlobalRequest { kind: Kind::Keepalive, want_reply: true }.into());
    loop {
        match poll_fn(|cx| link.poll_message(cx)).await.unwrap() {
            ConnectionMessage::RequestFailure(_) | ConnectionMessage::RequestSuccess(_) => return,
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_key_exchange_and_cipher_that_both_have_works() {
    let offered = std::process::Command::new("ssh").args(["-Q", "kex"]).output().unwrap();
    let offered = String::from_utf8(offered.stdout).unwrap();
    let sshd = Sshd::new(&[Type::Ed25519], Type::Ed25519, "");
    for exchange in config().common.algorithms.exchanges.iter() {
        if !offered.lines().any(|line| line == exchange) {
            println!("not tried, since this machine's sshd has no {exchange}");
            continue;
        }
        for cipher in config().common.algorithms.ciphers.iter() {
            let mut config = config();
            config.common.algorithms.exchanges = NameList::parse(exchange).unwrap();
            config.common.algorithms.ciphers = NameList::parse(cipher).unwrap();
            let (mut link, _served) = connect(&sshd, &config).await;
            ask(&mut link).await;
        }
    }
}

#[tokio::test]
async fn every_type_of_host_key_and_user_key_works() {
    for of in Type::ALL {
        let sshd = Sshd::new(&[of], of, "");
        let (mut link, _served) = connect(&sshd, &config()).await;
        ask(&mut link).await;
    }
}

#[tokio::test]
async fn keys_are_exchanged_again_by_either_side() {
    for (limit, extra) in [(4096, ""), (1 << 30, "RekeyLimit 16K")] {
        let sshd = Sshd::new(&[Type::Ed25519], Type::Ed25519, extra);
        let mut config = config();
        config.common.rekey = Rekey { bytes: limit, time: None };
        let (mut link, _served) = connect(&sshd, &config).await;
        for _ in 0..1000 {
            ask(&mut link).await;
        }
        let exchanges = sshd.log().matches("rekeying").count();
        assert!(exchanges > 1, "{exchanges}\n{}", sshd.log());
    }
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_is_refused_with_what_was_tried() {
    let sshd = Sshd::new(&[Type::Ed25519], Type::Ed25519, "");
    let other = Sshd::new(&[], Type::Ed25519, "");
    let (stream, _served) = sshd.connect();
    let refused = client(&sshd, &other.user_key()).connect(stream, &config()).await;
    let Err(Error::Refused { attempts, methods, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert!(methods.contains("publickey"), "{methods}");
}

#[tokio::test]
async fn a_host_key_that_has_changed_stops_the_client_before_the_login() {
    let sshd = Sshd::new(&[Type::Ed25519], Type::Ed25519, "");
    connect(&sshd, &config()).await;
    let known = std::fs::read(sshd.folder().join("known_hosts")).unwrap();
    let other = Sshd::new(&[Type::Ed25519], Type::Ed25519, "");
    std::fs::write(other.folder().join("known_hosts"), known).unwrap();
    let (stream, _served) = other.connect();
    let stopped = client(&other, &other.user_key()).connect(stream, &config()).await;
    assert!(matches!(stopped, Err(Error::Untrusted(_))), "{stopped:?}");
    assert!(!other.log().contains("Accepted"), "{}", other.log());
}

#[tokio::test]
async fn no_common_algorithm_names_both_offers() {
    let sshd = Sshd::new(&[Type::Ed25519], Type::Ed25519, "Ciphers aes128-cbc");
    let (stream, _served) = sshd.connect();
    let error = client(&sshd, &sshd.user_key()).connect(stream, &config()).await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("no common cipher") && told.contains("aes128-cbc"), "{told}");
}
