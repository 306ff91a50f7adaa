//! Who a client believes that it talks to.

use adit_proto::Event;
use adit_proto::config::HostKey;
use adit_proto::error::{self, Error, Violation};
use adit_proto::event::HostProof;
use adit_proto::message::disconnect::Reason;
use adit_proto::message::kex::{KexEcdhInit, KexEcdhReply};
use adit_proto::provider::Failure;
use bytes::Bytes;

use crate::pair::answers::{Signing, Trust};
use crate::pair::joined::Pair;
use crate::pair::setup::{Setup, names};
use crate::pair::stage::Stage;
use crate::pair::tamper;
use crate::toy;

/// The client ends with this error before it says anything of a login, and the server is told.
fn expect_refused(setup: Setup, expected: error::HostKey) {
    let mut pair = Pair::new(setup);
    let (said, hook) = tamper::watch();
    pair.to_server.tamper(hook);
    pair.run();
    let expected = Error::HostKey(expected);
    assert_eq!(pair.client.error(), Some(&expected));
    let (reason, description) = (Reason::HOST_KEY_NOT_VERIFIABLE, expected.to_string());
    assert_eq!(pair.server.error(), Some(&Error::Disconnected { reason, description }));
    let numbers: Vec<Option<u8>> = said.borrow().iter().map(|it| it.number()).collect();
    assert_eq!(numbers, [None, Some(20), Some(30), Some(1)], "all plain, and nothing of a login");
    assert!(!pair.client.is_connected() && pair.server.logins().is_empty());
}

#[test]
fn a_host_key_that_is_not_trusted_ends_the_connection() {
    let mut setup = Setup::new();
    setup.client_answers.trust = Trust::No;
    expect_refused(setup, error::HostKey::Untrusted);
}

#[test]
fn a_host_key_that_signs_something_else_is_not_believed() {
    let mut setup = Setup::new();
    setup.server_answers.signing = Signing::Wrong;
    expect_refused(setup, error::HostKey::BadSignature);
}

#[test]
fn a_host_key_of_another_type_is_not_believed() {
    for key in [&b"\0\0\0\x05other\0\0\0\x01x"[..], b"", b"\0\0\0\xff", b"\0\0\0\x01\xff"] {
        let mut setup = Setup::new();
        let algorithms = names("toy-signature");
        setup.server.host_keys = vec![HostKey { key: Bytes::from_static(key), algorithms }];
        expect_refused(setup, error::HostKey::WrongType);
    }
}

#[test]
fn nothing_is_said_and_nothing_is_read_while_the_user_is_asked() {
    let mut setup = Setup::new();
    setup.client_answers.trust = Trust::Open;
    let mut pair = Pair::new(setup);
    pair.run();
    let Some(Event::HostKey(HostProof { key, algorithm, .. })) = pair.client.events.last() else {
        panic!("{:?}", pair.client.story());
    };
    assert_eq!((&key[..], &**algorithm), (&toy::public_key("host")[..], "toy-signature"));
    let said = pair.to_server.transcript.len();
    let unread = pair.client.input.clone();
    assert!(!unread.is_empty(), "the server's keys and extensions wait");
    pair.client.turn(pair.now);
    assert_eq!((pair.to_server.transcript.len(), &pair.client.input), (said, &unread));
    pair.client.connection.trust(pair.now, true).unwrap();
    pair.run();
    pair.expect_connected();
}

#[test]
fn a_signature_of_another_session_is_not_believed() {
    let mut stages = [Setup::seeded(1), Setup::seeded(2)].map(|setup| {
        let mut stage = Stage::client();
        stage.side = Pair::new(setup).client;
        stage.identify();
        stage.offer();
        stage
    });
    let [first, second] = &mut stages;
    let signature = first.peer.reply().signature;
    let reply = second.peer.reply();
    assert_ne!(signature, reply.signature);
    second.say(&KexEcdhReply { signature, ..reply });
    let (error, _) = second.ended();
    assert_eq!(error, Error::HostKey(error::HostKey::BadSignature));
}

#[test]
fn the_host_key_may_not_change_when_keys_are_exchanged_again() {
    let mut stage = Stage::client();
    stage.connect();
    stage.begin_rekey();
    stage.peer.host_key = toy::public_key("mallory");
    stage.peer.say_reply();
    let (error, told) = stage.ended();
    assert_eq!(error, Violation::HostKeyReplaced.into());
    assert_eq!(told.reason, Reason::PROTOCOL_ERROR);
}

#[test]
fn the_host_key_is_proved_but_not_asked_for_again() {
    let mut stage = Stage::client();
    stage.connect();
    stage.rekey();
    assert_eq!(stage.side.story().iter().filter(|it| *it == "HostKey").count(), 1);
    stage.begin_rekey();
    let reply = stage.peer.reply();
    stage.say(&KexEcdhReply { signature: toy::sign(&reply.host_key, b"x"), ..reply });
    let (error, _) = stage.ended();
    assert_eq!(error, Error::HostKey(error::HostKey::BadSignature));
}

#[test]
fn a_share_that_is_none_ends_the_exchange() {
    let expected = Error::Cryptography(Failure::BadShare);
    for share in [&[][..], &[1; 31], &[1; 33]] {
        let share = Bytes::from_static(share);
        let mut client = Stage::client();
        client.identify();
        client.offer();
        let reply = client.peer.reply();
        client.say(&KexEcdhReply { share: share.clone(), ..reply });
        let mut server = Stage::server();
        server.identify();
        server.offer();
        server.say(&KexEcdhInit { share });
        for mut stage in [client, server] {
            let (error, told) = stage.ended();
            assert_eq!((error, told.reason), (expected.clone(), Reason::KEY_EXCHANGE_FAILED));
        }
    }
}
