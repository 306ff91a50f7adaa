//! The end of a connection is for ever.

use std::time::{Duration, Instant};

use adit_proto::error::{Blame, Error};
use adit_proto::event::{Credential, Decision};
use adit_proto::message::disconnect::{Disconnect, Reason};
use adit_proto::message::userauth_interactive::{List, UserauthInfoRequest};
use adit_proto::message::userauth_request::Method;
use adit_proto::wire::Text;
use adit_proto::{Connection, Event};
use bytes::{Bytes, BytesMut};

use crate::pair::answers::{Signing, Trust, key};
use crate::pair::joined::data;
use crate::pair::peer::Peer;
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::stage::{Stage, Step, request};

type Call = fn(&mut Connection, Instant) -> Result<(), Error>;

/// All that can be called and can fail.
const CALLS: [(&str, Call); 10] = [
    ("handle_input", |it, now| it.handle_input(now, &mut BytesMut::from(&[7; 100][..]))),
    ("handle_timeout", |it, now| it.handle_timeout(now + Duration::from_secs(100_000))),
    ("send", |it, _| it.send(&data(1))),
    ("rekey", |it, now| it.rekey(now)),
    ("ping", |it, _| it.ping(Bytes::new())),
    ("trust", |it, now| it.trust(now, true)),
    ("provide_signature", |it, now| it.provide_signature(now, Bytes::new())),
    ("authenticate", |it, now| it.authenticate(now, Credential::None)),
    ("respond", |it, now| it.respond(now, Vec::new())),
    ("decide", |it, now| it.decide(now, Decision::Accept)),
];

/// Whatever is called now, nothing more happens.
fn expect_over(stage: &mut Stage, error: &Error) {
    stage.heard();
    let connection = &mut stage.side.connection;
    connection.disconnect(Reason::BY_APPLICATION, "again");
    for (name, call) in CALLS {
        assert_eq!(call(connection, stage.now).as_ref(), Err(error), "{name}");
    }
    assert_eq!(connection.error(), Some(error));
    assert_eq!(connection.poll_timeout(), None);
    assert_eq!(connection.backlog(), 0);
    assert!(connection.poll_event().is_none());
    let mut output = BytesMut::new();
    assert!(!connection.poll_transmit(&mut output) && output.is_empty());
}

fn connected(who: Who) -> Stage {
    let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
    stage.connect();
    stage
}

#[test]
fn every_call_after_an_error_yields_it_and_nothing_more_is_sent() {
    let ends: [(&str, Step); 5] = [
        ("a violation", |it| it.say_payload(&[21])),
        ("a malformed message", |it| it.say_payload(&[94])),
        ("a packet that does not open", |it| {
            it.peer.say_raw(&[0, 0, 0, 16]);
            it.peer.say_raw(&[7; 32]);
            it.turn();
        }),
        ("the peer's word", |it| {
            let (reason, text) = (Reason::BY_APPLICATION, Text::default());
            it.say(&Disconnect { reason, description: text.clone(), language: text });
        }),
        ("our own word", |it| it.side.connection.disconnect(Reason::BY_APPLICATION, "done")),
    ];
    for who in Who::BOTH {
        for (name, end) in ends {
            let mut stage = connected(who);
            end(&mut stage);
            let error = stage.error().unwrap_or_else(|| panic!("{name} is no end")).clone();
            expect_over(&mut stage, &error);
        }
    }
}

#[test]
fn a_deadline_is_an_end_too() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.pass(Duration::from_secs(60));
        let error = stage.error().unwrap().clone();
        assert!(matches!(error, Error::TimedOut(_)));
        stage.peer.hear_identification();
        expect_over(&mut stage, &error);
    }
}

#[test]
fn a_connection_can_be_ended_at_any_time() {
    let steps: [Step; 6] =
        [Stage::identify, Stage::offer, Stage::share, Stage::newkeys, Stage::service, Stage::login];
    for who in Who::BOTH {
        for count in 0..=steps.len() {
            let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
            steps[..count].iter().for_each(|step| step(&mut stage));
            stage.side.connection.disconnect(Reason::BY_APPLICATION, "enough");
            stage.turn();
            if count == 0 {
                stage.peer.hear_identification();
            }
            let (error, told) = stage.ended();
            let (reason, description) = (Reason::BY_APPLICATION, "enough".to_owned());
            assert_eq!(error, Error::Closed { reason, description });
            assert_eq!((told.reason, &*told.description.0), (reason, "enough"));
            expect_over(&mut stage, &error);
        }
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_a_misuse() {
    let answers: [(&str, Call); 6] = [
        ("trust", |it, now| it.trust(now, true)),
        ("distrust", |it, now| it.trust(now, false)),
        ("provide_signature", |it, now| it.provide_signature(now, Bytes::new())),
        ("authenticate", |it, now| it.authenticate(now, Credential::None)),
        ("respond", |it, now| it.respond(now, Vec::new())),
        ("decide", |it, now| it.decide(now, Decision::Accept)),
    ];
    let begins: [Step; 3] = [Stage::identify, Stage::exchange, Stage::connect];
    for who in Who::BOTH {
        for (name, answer) in answers {
            for begin in begins {
                let mut setup = Setup::new();
                setup.client_answers.credentials = [key("alice")].into();
                let mut stage = Stage::new(who, setup, Peer::new(who.other()));
                begin(&mut stage);
                let error = answer(&mut stage.side.connection, stage.now).unwrap_err();
                assert!(matches!(error, Error::Misuse(_)), "{name}: {error:?}");
                assert_eq!(error.blame(), Blame::Local);
            }
        }
    }
}

#[test]
fn a_message_before_the_login_is_a_misuse_and_a_rekey_is_nothing() {
    for who in Who::BOTH {
        let begins: [Step; 2] = [Stage::identify, Stage::exchange];
        for begin in begins {
            let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
            begin(&mut stage);
            stage.heard();
            stage.side.connection.rekey(stage.now).unwrap();
            stage.expect_silence();
            let error = stage.side.connection.send(&data(1)).unwrap_err();
            assert!(matches!(error, Error::Misuse(_)), "{error:?}");
        }
    }
}

#[test]
fn a_decision_must_fit_what_is_decided() {
    let ask = Decision::Ask(UserauthInfoRequest {
        name: Text::default(),
        instruction: Text::default(),
        language: Text::default(),
        prompts: List(Vec::new()),
    });
    let partial = Decision::Partial { methods: names("password") };
    for decision in [ask, partial, Decision::ChangePassword("new".to_owned())] {
        let mut setup = Setup::new();
        setup.server_answers.afterwards = None;
        let mut stage = Stage::new(Who::Server, setup, Peer::new(Who::Client));
        stage.exchange();
        stage.service();
        stage.say(&request("alice", Method::None));
        let decided = stage.side.connection.decide(stage.now, decision);
        assert!(matches!(decided, Err(Error::Misuse(_))), "{decided:?}");
    }
}

#[test]
fn a_question_is_answered_once() {
    let mut setup = Setup::new();
    setup.client_answers.trust = Trust::Open;
    setup.client_answers.signing = Signing::Open;
    let mut stage = Stage::new(Who::Client, setup, Peer::new(Who::Server));
    stage.identify();
    stage.offer();
    stage.peer.say_reply();
    stage.turn();
    assert!(matches!(stage.side.events.last(), Some(Event::HostKey(_))));
    stage.side.connection.trust(stage.now, true).unwrap();
    let again = stage.side.connection.trust(stage.now, true);
    assert!(matches!(again, Err(Error::Misuse(_))));
}
