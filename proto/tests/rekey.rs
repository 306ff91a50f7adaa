//! Keys exchanged again while data are under way.

use std::collections::HashSet;
use std::time::Duration;

use adit_proto::Event;
use adit_proto::config::Rekey;
use adit_proto::error::{Deadline, Error};
use adit_proto::message::number::Number;
use adit_proto::message::userauth_request::Method;
use bytes::{Bytes, BytesMut};

use crate::pair::answers::password;
use crate::pair::joined::{Pair, data};
use crate::pair::peer::Peer;
use crate::pair::setup::Setup;
use crate::pair::side::{Side, Who};
use crate::pair::stage::{Stage, request};

/// Who begins.
const BEGINNERS: [&[Who]; 3] = [&[Who::Client], &[Who::Server], &Who::BOTH];

/// How many key exchanges a server has done, the first one counted.
fn exchanges(server: &Side) -> usize {
    server.events.iter().filter(|it| matches!(it, Event::Sign(_))).count()
}

fn begin(pair: &mut Pair, beginners: &[Who]) {
    let now = pair.now;
    for who in beginners {
        pair.side_mut(*who).connection.rekey(now).unwrap();
    }
}

#[test]
fn either_side_or_both_at_once_can_begin() {
    for beginners in BEGINNERS {
        for latency in [0, 10] {
            let mut setup = Setup::new();
            setup.latency = Duration::from_millis(latency);
            let mut pair = Pair::connected(setup);
            let session_id = pair.client.connection.session_id().cloned();
            begin(&mut pair, beginners);
            pair.run();
            pair.expect_connected();
            assert_eq!(exchanges(&pair.server), 2);
            for who in Who::BOTH {
                let connection = &pair.side(who).connection;
                assert_eq!(connection.session_id(), session_id.as_ref(), "it is the first hash");
                pair.send(who, 1);
            }
            pair.run();
            assert_eq!(Who::BOTH.map(|who| pair.received(who)), [[1], [1]]);
        }
    }
}

#[test]
fn to_begin_twice_is_to_begin_once() {
    let mut pair = Pair::connected(Setup::new());
    begin(&mut pair, &[Who::Client, Who::Client, Who::Server, Who::Server]);
    pair.run();
    assert_eq!(exchanges(&pair.server), 2);
}

#[test]
fn nothing_above_sees_it() {
    let mut pair = Pair::connected(Setup::new());
    let before = Who::BOTH.map(|who| pair.side(who).events.len());
    begin(&mut pair, &Who::BOTH);
    pair.run();
    // But that the server's host key signs.
    let after = Who::BOTH.map(|who| pair.side(who).events.len());
    assert_eq!(after, [before[0], before[1] + 1]);
}

#[test]
fn each_exchange_has_a_cookie_and_a_share_of_its_own() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.connect();
        let mut seen = HashSet::new();
        for _ in 0..10 {
            stage.rekey();
            let said = &stage.peer.said;
            let (offer, share) = match who {
                Who::Client => (&said.i_c, &said.q_c),
                Who::Server => (&said.i_s, &said.q_s),
            };
            assert!(seen.insert(offer[1..17].to_vec()), "a cookie came twice");
            assert!(seen.insert(share.clone()), "a share came twice");
        }
    }
}

#[test]
fn messages_wait_for_the_new_keys_and_come_behind_them_in_order() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.connect();
        let connection = &mut stage.side.connection;
        connection.send(&data(1)).unwrap();
        connection.rekey(stage.now).unwrap();
        for number in 2..5 {
            connection.send(&data(number)).unwrap();
        }
        stage.turn();
        assert_eq!(stage.peer.hear().unwrap(), encoded(1));
        stage.peer.hear_offer();
        stage.expect_silence();
        stage.offer();
        stage.share();
        // The new keys are in use as soon as this side has said so.
        let waited: Vec<Bytes> = (2..5).map(encoded).collect();
        assert_eq!(stage.heard(), waited);
        stage.newkeys();
        stage.expect_silence();
    }
}

fn encoded(number: u32) -> Bytes {
    let mut payload = BytesMut::new();
    data(number).encode(&mut payload);
    payload.freeze()
}

#[test]
fn data_of_a_peer_that_has_not_seen_our_offer_are_taken() {
    for who in Who::BOTH {
        let mut setup = Setup::new();
        setup.latency = Duration::from_secs(1);
        let mut pair = Pair::connected(setup);
        for number in 0..4 {
            pair.send(who.other(), number);
            pair.run_for(Duration::from_millis(200));
        }
        begin(&mut pair, &[who]);
        pair.run_for(Duration::from_millis(950));
        assert_eq!(pair.received(who), [0, 1, 2, 3]);
        assert_eq!(exchanges(&pair.server), 1, "the exchange is still under way");
        pair.run();
        assert_eq!(exchanges(&pair.server), 2);
    }
}

#[test]
fn data_behind_an_offer_of_the_peer_are_an_error() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.connect();
        stage.begin_rekey();
        stage.say_payload(&encoded(1));
        let number = Number::CHANNEL_DATA;
        let (error, _) = stage.ended();
        assert_eq!(error, Error::Unexpected { number, during: "during a key exchange" });
        assert!(stage.side.messages().is_empty());
    }
}

#[test]
fn two_hundred_in_a_row_lose_nothing() {
    let mut pair = Pair::connected(Setup::new());
    for number in 0..200 {
        begin(&mut pair, BEGINNERS[usize::try_from(number % 3).unwrap()]);
        for who in Who::BOTH {
            pair.send(who, number);
        }
        pair.run();
    }
    assert_eq!(exchanges(&pair.server), 201);
    for who in Who::BOTH {
        assert_eq!(pair.received(who), (0..200).collect::<Vec<_>>());
    }
}

#[test]
fn a_peer_that_never_answers_an_offer_runs_into_the_deadline() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.connect();
        stage.side.connection.rekey(stage.now).unwrap();
        // Data are no answer.
        for number in 0..6 {
            stage.pass(Duration::from_secs(9));
            stage.say_payload(&encoded(number));
        }
        assert_eq!(stage.side.messages().len(), 6);
        assert_eq!(stage.error(), None);
        stage.pass(Duration::from_secs(6));
        assert_eq!(stage.error(), Some(&Error::TimedOut(Deadline::KeyExchange)));
    }
}

#[test]
fn the_peer_may_begin_during_the_login() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.exchange();
        stage.service();
        if who == Who::Client {
            let request = stage.peer.hear().unwrap();
            assert_eq!(request[0], Number::USERAUTH_REQUEST.0);
        }
        stage.rekey();
        match who {
            Who::Client => stage.say_payload(&[Number::USERAUTH_SUCCESS.0]),
            Who::Server => stage.say(&request("alice", Method::None)),
        }
        assert!(stage.side.is_connected(), "{:?}", stage.error());
    }
}

#[test]
fn what_a_user_decides_during_an_exchange_waits_for_it() {
    let mut setup = Setup::new();
    setup.client_answers.credentials = [].into();
    let mut stage = Stage::new(Who::Client, setup, Peer::new(Who::Server));
    stage.exchange();
    stage.service();
    stage.begin_rekey();
    let credential = password("swordfish");
    stage.side.connection.authenticate(stage.now, credential).unwrap();
    stage.expect_silence();
    stage.share();
    stage.newkeys();
    assert_eq!(stage.heard()[0][0], Number::USERAUTH_REQUEST.0);
}

fn limited(bytes: u64, time: Option<Duration>) -> Setup {
    let mut setup = Setup::new();
    setup.client.common.rekey = Rekey { bytes, time };
    setup.server.common.rekey = Rekey { bytes: u64::MAX, time: None };
    setup
}

#[test]
fn so_many_bytes_in_either_direction_are_enough() {
    for who in Who::BOTH {
        let mut pair = Pair::connected(limited(10_000, None));
        let mut sent = 0;
        while exchanges(&pair.server) == 1 {
            assert!(sent < 10_000, "{sent} bytes under one key");
            pair.send(who, 49);
            pair.run();
            sent += 49;
        }
        // A packet of 49 bytes has 64 bytes and its length, or with its tag 84.
        assert!(sent > 49 * 10_000 / 90, "{sent} bytes are too few");
        pair.expect_connected();
    }
}

#[test]
fn an_exchange_is_due_only_once_for_each_limit() {
    let mut pair = Pair::connected(limited(10_000, None));
    for _ in 0..1000 {
        pair.send(Who::Client, 49);
        pair.run();
    }
    // 1,000 packets of 64 bytes, and what the exchanges themselves take.
    assert!((7..=8).contains(&exchanges(&pair.server)), "{}", exchanges(&pair.server));
    assert_eq!(pair.received(Who::Server).len(), 1000);
}

#[test]
fn the_least_limit_renews_keys_for_each_message() {
    for bytes in [0, 1] {
        let mut pair = Pair::connected(limited(bytes, None));
        for number in 0..10 {
            for who in Who::BOTH {
                pair.send(who, number);
            }
            pair.run();
        }
        pair.expect_connected();
        assert!(exchanges(&pair.server) > 10);
        assert_eq!(pair.received(Who::Client), (0..10).collect::<Vec<_>>());
        assert_eq!(pair.received(Who::Server), (0..10).collect::<Vec<_>>());
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn so_much_time_with_traffic_is_enough() {
    for who in Who::BOTH {
        let mut pair = Pair::connected(limited(u64::MAX, Some(HOUR)));
        for hour in 1..4 {
            pair.send(who, 1);
            pair.run_for(HOUR - Duration::from_secs(1));
            assert_eq!(exchanges(&pair.server), hour);
            pair.run_for(Duration::from_secs(1));
            assert_eq!(exchanges(&pair.server), hour + 1);
        }
    }
}

#[test]
fn without_traffic_there_is_nothing_to_renew() {
    let mut pair = Pair::connected(limited(u64::MAX, Some(HOUR)));
    pair.run_for(HOUR + HOUR / 2);
    // The login itself was traffic.
    assert_eq!(exchanges(&pair.server), 2);
    pair.run_for(HOUR * 10);
    assert_eq!(exchanges(&pair.server), 2);
    pair.send(Who::Client, 1);
    pair.run_for(HOUR);
    assert_eq!(exchanges(&pair.server), 3);
    pair.expect_connected();
}

#[test]
fn no_time_at_all_is_no_limit() {
    for time in [None, Some(Duration::ZERO)] {
        let mut pair = Pair::connected(limited(u64::MAX, time));
        pair.send(Who::Client, 1);
        pair.run_for(HOUR * 10);
        pair.expect_connected();
        assert_eq!(exchanges(&pair.server), 1);
        assert_eq!(pair.client.connection.poll_timeout(), None);
    }
}

#[test]
fn any_exchange_makes_the_time_begin_anew() {
    let mut pair = Pair::connected(limited(u64::MAX, Some(HOUR)));
    pair.send(Who::Client, 1);
    pair.run_for(HOUR / 2);
    begin(&mut pair, &[Who::Server]);
    pair.run();
    pair.send(Who::Client, 1);
    pair.run_for(HOUR - Duration::from_secs(1));
    assert_eq!(exchanges(&pair.server), 2);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(exchanges(&pair.server), 3);
}

#[test]
fn an_exchange_that_a_message_makes_due_after_a_long_rest_has_all_its_time() {
    for who in Who::BOTH {
        let mut setup = limited(1000, None);
        setup.server.common.rekey = setup.client.common.rekey;
        let mut pair = Pair::connected(setup);
        // Nothing calls the connection for longer than an exchange may take.
        pair.now += HOUR;
        for number in 0..40 {
            pair.send(who, number);
        }
        let now = pair.now;
        pair.pass_to(now);
        pair.run();
        pair.expect_connected();
        assert!(exchanges(&pair.server) > 1);
        assert_eq!(pair.received(who.other()), (0..40).collect::<Vec<_>>());
    }
}
