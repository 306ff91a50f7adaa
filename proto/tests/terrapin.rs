//! Removal of messages by the insertion of others, and strict key exchange against it,
//! [PROTOCOL section 1.10](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).

use adit_proto::error::{Error, Violation};
use adit_proto::message::informative::{Debug, Ignore, Unimplemented};
use adit_proto::message::number::Number;
use adit_proto::wire::Text;
use bytes::Bytes;

use crate::pair::joined::Pair;
use crate::pair::line::Form;
use crate::pair::peer::{Peer, encoded};
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::stage::{Stage, Step};
use crate::pair::tamper;

/// Messages without effect, that an attacker can insert as long as there are no keys.
fn talk() -> [Bytes; 3] {
    let message = Text::from("x");
    [
        encoded(&Ignore { data: Bytes::new() }),
        encoded(&Unimplemented { sequence: 0 }),
        encoded(&Debug { always_display: false, message, language: Text::default() }),
    ]
}

/// How many packets to this side are plain, the identification string counted; the next one
/// is the first sealed one.
fn plain_packets(victim: Who) -> usize {
    let mut pair = Pair::new(Setup::new());
    let (seen, hook) = tamper::watch();
    pair.line_to(victim).tamper(hook);
    pair.run();
    seen.take().into_iter().filter(|it| it.form != Form::Sealed).count()
}

#[test]
fn nothing_can_be_inserted_into_a_strict_exchange() {
    for victim in Who::BOTH {
        for before in 1..plain_packets(victim) {
            for payload in talk() {
                let packet = Peer::new(Who::Client).packet(&payload).into();
                let mut pair = Pair::new(Setup::new());
                pair.line_to(victim).tamper(tamper::inject(before, packet));
                pair.run();
                let error = pair.side(victim).error().cloned();
                let expected = match before {
                    1 => Error::Violation(Violation::KexInitNotFirst),
                    _ => Error::Unexpected {
                        number: Number(payload[0]),
                        during: "during a strict key exchange",
                    },
                };
                assert_eq!(error, Some(expected), "before packet {before} to {victim:?}");
                assert!(!pair.side(victim).is_connected());
            }
        }
    }
}

#[test]
fn an_inserted_packet_does_not_make_room_for_a_removed_one() {
    for victim in Who::BOTH {
        let sealed = plain_packets(victim);
        for before in 1..sealed {
            for payload in talk() {
                let packet = Peer::new(Who::Client).packet(&payload).into();
                let inject = tamper::inject(before, packet);
                let mut pair = Pair::new(Setup::new());
                let hook = tamper::both(tamper::remove(sealed), inject);
                pair.line_to(victim).tamper(hook);
                pair.run_to_end();
                assert!(!pair.side(victim).is_connected());
                assert!(!pair.side(victim).story().contains(&"Agreed".to_owned()));
            }
        }
    }
}

#[test]
fn an_insertion_behind_newkeys_is_a_packet_that_does_not_open() {
    for victim in Who::BOTH {
        let sealed = plain_packets(victim);
        let packet: Bytes = Peer::new(Who::Client).packet(&talk()[0]).into();
        let mut pair = Pair::new(Setup::new());
        pair.line_to(victim).tamper(tamper::inject(sealed, packet));
        pair.run_to_end();
        assert!(!pair.side(victim).is_connected());
    }
}

#[test]
fn without_strict_exchange_the_sequence_numbers_go_on() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::lax(who.other()));
        stage.connect();
        // Offer, share and keys had numbers of their own.
        assert!(stage.peer.sent > 3 && stage.peer.heard > 3);
        stage.rekey();
        let sequence = stage.peer.sent;
        assert!(sequence > 6);
        stage.say_payload(&[200]);
        assert_eq!(stage.hear::<Unimplemented>(), Unimplemented { sequence });
    }
}

#[test]
fn without_strict_exchange_talk_is_taken_anywhere_and_counted() {
    let steps: [Step; 4] = [Stage::identify, Stage::offer, Stage::share, Stage::newkeys];
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::lax(who.other()));
        for step in steps {
            step(&mut stage);
            talk().iter().for_each(|payload| stage.say_payload(payload));
            assert_eq!(stage.error(), None);
        }
        let sequence = stage.peer.sent;
        assert_eq!(sequence, 15, "three messages of the exchange, and twelve others");
        stage.say_payload(&[200]);
        let last = stage.heard().pop().unwrap();
        assert_eq!(last, encoded(&Unimplemented { sequence }));
    }
}

#[test]
fn with_strict_exchange_they_begin_anew_each_time() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.connect();
        for _ in 0..3 {
            stage.rekey();
            assert_eq!((stage.peer.sent, stage.peer.heard), (0, 0));
            stage.say_payload(&[200]);
            assert_eq!(stage.hear::<Unimplemented>(), Unimplemented { sequence: 0 });
        }
    }
}

#[test]
fn the_marker_counts_in_the_first_exchange_only() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::lax(who.other()));
        stage.connect();
        stage.peer.offer.kex_algorithms = Peer::new(who.other()).offer.kex_algorithms;
        stage.rekey();
        assert!(stage.peer.sent > 6, "the numbers go on");
        stage.say_payload(&[200]);
        stage.hear::<Unimplemented>();

        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.connect();
        stage.peer.offer.kex_algorithms = names("toy-a");
        stage.rekey();
        stage.say_payload(&[200]);
        assert_eq!(stage.hear::<Unimplemented>(), Unimplemented { sequence: 0 });
    }
}

#[test]
fn the_marker_of_the_own_role_makes_nothing_strict() {
    for (who, marker) in [
        (Who::Client, "kex-strict-c-v00@openssh.com"),
        (Who::Server, "kex-strict-s-v00@openssh.com"),
    ] {
        let mut peer = Peer::lax(who.other());
        peer.offer.kex_algorithms = names(&format!("toy-a,{marker}"));
        let mut stage = Stage::new(who, Setup::new(), peer);
        stage.connect();
        stage.rekey();
    }
}
