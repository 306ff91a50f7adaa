//! What a hostile peer can make grow.

use std::time::Duration;

use adit_proto::error::{Deadline, Error};
use adit_proto::message::informative::Ignore;
use adit_proto::message::ping::Ping;
use adit_proto::message::userauth_request::Method;
use bytes::{Bytes, BytesMut};

use crate::pair::joined::{Pair, data};
use crate::pair::peer::{Peer, encoded};
use crate::pair::sample;
use crate::pair::setup::Setup;
use crate::pair::side::Who;
use crate::pair::stage::{Stage, request};

fn connected(who: Who) -> Stage {
    let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
    stage.connect();
    stage.heard();
    stage.side.events.clear();
    stage
}

/// The connection gets this payload again and again, and nobody takes what it answers. Yields
/// how many bytes came, and what waits.
fn flood(stage: &mut Stage, payload: &[u8], times: usize) -> (usize, usize) {
    let mut came = 0;
    for _ in 0..times {
        stage.peer.say_payload(payload);
        let packet = stage.peer.out.split();
        came += packet.len();
        stage.side.input.extend_from_slice(&packet);
        stage.side.turn(stage.now);
        assert!(stage.side.input.is_empty());
    }
    (came, stage.side.connection.backlog())
}

#[test]
fn answers_are_never_longer_than_what_is_answered() {
    for who in Who::BOTH {
        for payload in [
            encoded(&Ping { data: Bytes::new() }),
            encoded(&Ping { data: Bytes::from(vec![7; 1000]) }),
            Bytes::from_static(&[200]),
            Bytes::from_static(&[101]),
        ] {
            let mut stage = connected(who);
            let (came, waits) = flood(&mut stage, &payload, 5000);
            assert!(waits > 5000 && waits <= came, "{waits} bytes answer {came}");
            assert_eq!(stage.error(), None);
            // All of it is what can be transmitted.
            let mut output = BytesMut::new();
            stage.side.connection.poll_transmit(&mut output);
            assert_eq!((output.len(), stage.side.connection.backlog()), (waits, 0));
        }
    }
}

#[test]
fn answers_that_wait_for_new_keys_count_as_well() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        stage.side.connection.rekey(stage.now).unwrap();
        stage.turn();
        stage.peer.hear_offer();
        let payload = encoded(&Ping { data: Bytes::new() });
        let (came, waits) = flood(&mut stage, &payload, 5000);
        // Each is kept by itself, which takes more memory than its five bytes.
        assert!(waits >= 5000 * 48 && waits <= 2 * came, "{waits} bytes answer {came}");
        stage.expect_silence();
        // It does not wait for ever.
        stage.pass(Duration::from_secs(60));
        let (error, _) = stage.ended();
        assert_eq!(error, Error::TimedOut(Deadline::KeyExchange));
        assert_eq!(stage.side.connection.backlog(), 0);
    }
}

#[test]
fn messages_that_wait_for_new_keys_count_until_they_are_transmitted() {
    let mut pair = Pair::connected(Setup::new());
    let now = pair.now;
    let client = &mut pair.client.connection;
    client.rekey(now).unwrap();
    client.poll_transmit(&mut BytesMut::new());
    assert_eq!(client.backlog(), 0);
    let mut length = 0;
    for number in 0..100 {
        client.send(&data(number)).unwrap();
        let mut payload = BytesMut::new();
        data(number).encode(&mut payload);
        length += payload.len();
        assert!(client.backlog() >= length);
    }

    let mut pair = Pair::connected(Setup::new());
    pair.client.connection.rekey(pair.now).unwrap();
    for number in 0..100 {
        pair.send(Who::Client, number);
    }
    pair.run();
    assert_eq!(pair.client.connection.backlog(), 0);
    assert_eq!(pair.received(Who::Server).len(), 100);
}

#[test]
fn what_is_dropped_leaves_nothing_behind() {
    for who in Who::BOTH {
        let peer = Peer::new(who.other());
        for payload in [
            encoded(&Ignore { data: Bytes::from(vec![7; 1000]) }),
            sample::payload(3, &peer),
            sample::payload(4, &peer),
            sample::payload(7, &peer),
            sample::payload(50, &peer),
            sample::payload(193, &peer),
        ] {
            let mut stage = connected(who);
            let (_, waits) = flood(&mut stage, &payload, 2000);
            assert_eq!((waits, stage.side.events.len()), (0, 0));
            assert_eq!(stage.error(), None);
        }
    }
}

#[test]
fn events_that_nobody_takes_stop_the_reading() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        let payload = sample::payload(94, &stage.peer);
        for _ in 0..1000 {
            stage.peer.say_payload(&payload);
        }
        let said = stage.peer.out.split();
        let mut input = BytesMut::from(&said[..]);
        let connection = &mut stage.side.connection;
        for _ in 0..10 {
            connection.handle_input(stage.now, &mut input).unwrap();
        }
        assert_eq!(input.len(), said.len() / 1000 * 999, "one message was taken");
        assert!(connection.poll_event().is_some() && connection.poll_event().is_none());
    }
}

#[test]
fn a_packet_that_is_too_long_is_refused_by_its_length() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        // The length is not protected, so nothing may be kept for it.
        stage.peer.say_raw(&(300 * 1024_u32).to_be_bytes());
        stage.turn();
        assert!(matches!(stage.error(), Some(Error::Violation(_))), "{:?}", stage.error());
    }
}

#[test]
fn the_longest_packet_is_taken() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        let data = Bytes::from(vec![7; 256 * 1024]);
        stage.say(&Ignore { data });
        assert_eq!(stage.error(), None);
        assert!(stage.side.input.is_empty());
    }
}

#[test]
fn requests_to_log_in_wait_in_the_input() {
    let mut setup = Setup::new();
    setup.server_answers.afterwards = None;
    let mut stage = Stage::new(Who::Server, setup, Peer::new(Who::Client));
    stage.exchange();
    stage.service();
    for _ in 0..1000 {
        stage.peer.say(&request("alice", Method::None));
    }
    let said = stage.peer.out.len();
    stage.turn();
    assert_eq!(stage.side.input.len(), said / 1000 * 999);
    assert_eq!(stage.side.logins().len(), 1);
    assert_eq!(stage.side.connection.backlog(), 0);
}
