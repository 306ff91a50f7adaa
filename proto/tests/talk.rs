//! Messages that belong to no layer: IGNORE, DEBUG, UNIMPLEMENTED, PING, DISCONNECT.

use adit_proto::Event;
use adit_proto::error::Error;
use adit_proto::message::disconnect::{Disconnect, Reason};
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::informative::{Debug, Ignore, Unimplemented};
use adit_proto::message::number::Number;
use adit_proto::message::ping::{Ping, Pong};
use adit_proto::wire::Text;
use bytes::Bytes;

use crate::pair::joined::{Pair, data};
use crate::pair::peer::{Peer, encoded};
use crate::pair::setup::Setup;
use crate::pair::side::Who;
use crate::pair::stage::Stage;

fn connected(who: Who) -> Stage {
    let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
    stage.connect();
    stage
}

#[test]
fn what_means_nothing_changes_nothing() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        let events = stage.side.events.len();
        stage.say(&Ignore { data: Bytes::from(vec![7; 200_000]) });
        let (message, language) = (Text::from("a\u{1b}[2Jb"), Text::from("en"));
        stage.say(&Debug { always_display: true, message, language });
        stage.say(&Unimplemented { sequence: u32::MAX });
        stage.say(&Pong { data: Bytes::from_static(b"nobody asked") });
        stage.say(&ExtInfo { extensions: vec![("late".to_owned(), Bytes::new())] });
        // What is to be ignored need not be well-formed.
        stage.say_payload(&[Number::IGNORE.0, 0xff]);
        assert_eq!((stage.error(), stage.side.events.len()), (None, events));
        stage.expect_silence();
    }
}

#[test]
fn malformed_talk_is_an_error() {
    for number in [Number::DISCONNECT, Number::UNIMPLEMENTED, Number::DEBUG, Number::PING] {
        let mut stage = connected(Who::Server);
        stage.say_payload(&[number.0, 0xff, 0xff]);
        let (error, told) = stage.ended();
        assert!(matches!(error, Error::Malformed(it) if it.number == number), "{error:?}");
        assert_eq!(told.reason, Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn a_ping_comes_back_with_its_data_and_in_order() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        let sizes = [0, 1, 100, 200_000];
        for size in sizes {
            stage.peer.say(&Ping { data: Bytes::from(vec![9; size]) });
            stage.peer.say_payload(&[200]);
        }
        stage.turn();
        for size in sizes {
            assert_eq!(stage.hear::<Pong>().data, vec![9; size]);
            stage.hear::<Unimplemented>();
        }
        stage.expect_silence();
    }
}

#[test]
fn a_ping_is_answered_during_the_login_too() {
    let mut stage = Stage::server();
    stage.exchange();
    stage.say(&Ping { data: Bytes::from_static(b"early") });
    assert_eq!(stage.hear::<Pong>().data, "early");
    stage.service();
    stage.login();
}

#[test]
fn a_ping_between_two_connections_is_not_told() {
    let mut pair = Pair::connected(Setup::new());
    for who in Who::BOTH {
        let counts = Who::BOTH.map(|who| pair.side(who).events.len());
        let said = pair.line_to(who).transcript.len();
        pair.side_mut(who).connection.ping(Bytes::from_static(b"there?")).unwrap();
        pair.run();
        assert_eq!(Who::BOTH.map(|who| pair.side(who).events.len()), counts);
        assert!(pair.line_to(who).transcript.len() > said, "an answer came");
    }
}

#[test]
fn a_ping_of_a_peer_that_waits_for_new_keys_is_answered_behind_them() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        stage.side.connection.rekey(stage.now).unwrap();
        stage.turn();
        stage.peer.hear_offer();
        stage.say(&Ping { data: Bytes::from_static(b"first") });
        stage.say_payload(&[200]);
        stage.expect_silence();
        stage.offer();
        stage.share();
        stage.newkeys();
        assert_eq!(stage.hear::<Pong>().data, "first");
        stage.hear::<Unimplemented>();
        stage.expect_silence();
    }
}

#[test]
fn what_is_not_understood_is_named_by_its_number() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        let first = stage.peer.sent;
        for number in [0, 8, 19, 101, 127, 128, 191, 194, 255] {
            stage.peer.say_payload(&[number]);
            stage.peer.say(&Ignore { data: Bytes::new() });
        }
        let answers: Vec<Bytes> =
            (0..9).map(|it| encoded(&Unimplemented { sequence: first + 2 * it })).collect();
        assert_eq!(stage.heard(), answers);
        assert_eq!(stage.error(), None);
    }
}

#[test]
fn either_side_can_end_the_connection_in_words() {
    for who in Who::BOTH {
        let mut pair = Pair::connected(Setup::new());
        pair.send(who, 1);
        pair.side_mut(who).connection.disconnect(Reason::AUTH_CANCELLED_BY_USER, "good\u{7}bye");
        assert!(pair.side_mut(who).connection.send(&data(2)).is_err());
        pair.run();
        let (reason, description) = (Reason::AUTH_CANCELLED_BY_USER, "good\u{7}bye".to_owned());
        assert_eq!(pair.side(who).error(), Some(&Error::Closed { reason, description }));
        let description = "good\\u{7}bye".to_owned();
        let other = pair.side(who.other());
        assert_eq!(other.error(), Some(&Error::Disconnected { reason, description }));
        assert_eq!(pair.received(who.other()), [1], "what was sent before comes before");
    }
}

#[test]
fn the_words_of_a_peer_cannot_steer_a_terminal() {
    let mut stage = connected(Who::Client);
    stage.say(&Disconnect {
        reason: Reason(77),
        description: Text::from("\u{1b}]0;x\u{7}\r\u{9b}31m\u{0}"),
        language: Text::from("\u{1b}"),
    });
    let error = stage.error().unwrap();
    let description = "\\u{1b}]0;x\\u{7}\\r\\u{9b}31m\\u{0}".to_owned();
    assert_eq!(*error, Error::Disconnected { reason: Reason(77), description });
    assert!(!error.to_string().contains(|it: char| it.is_control()), "{error}");
    stage.expect_silence();
}

#[test]
fn a_disconnect_need_not_wait_for_new_keys() {
    for who in Who::BOTH {
        let mut stage = connected(who);
        stage.side.connection.rekey(stage.now).unwrap();
        stage.side.connection.send(&data(1)).unwrap();
        stage.side.connection.disconnect(Reason::BY_APPLICATION, "now");
        stage.turn();
        stage.peer.hear_offer();
        let told = stage.hear::<Disconnect>();
        assert_eq!(told.reason, Reason::BY_APPLICATION);
        stage.expect_silence();
    }
}

#[test]
fn words_that_are_not_utf8_are_shown_as_far_as_they_can_be() {
    let mut payload = encoded(&Disconnect {
        reason: Reason::BY_APPLICATION,
        description: Text::from("a?b"),
        language: Text::default(),
    })
    .to_vec();
    let at = payload.iter().position(|byte| *byte == b'?').unwrap();
    payload[at] = 0xff;
    let mut stage = connected(Who::Server);
    stage.say_payload(&payload);
    let description = "a\u{fffd}b".to_owned();
    let reason = Reason::BY_APPLICATION;
    assert_eq!(stage.error(), Some(&Error::Disconnected { reason, description }));
}

#[test]
fn messages_in_front_of_a_disconnect_are_told_first() {
    let mut stage = connected(Who::Server);
    let eof = |number: u8| [Number::CHANNEL_EOF.0, 0, 0, 0, number];
    stage.peer.say_payload(&eof(1));
    stage.peer.say_payload(&eof(2));
    stage.peer.say(&Disconnect {
        reason: Reason::BY_APPLICATION,
        description: Text::default(),
        language: Text::default(),
    });
    stage.turn();
    assert_eq!(stage.side.messages().len(), 2);
    assert!(matches!(stage.side.events.last(), Some(Event::Message(_))));
    assert!(matches!(stage.error(), Some(Error::Disconnected { .. })));
}
