//! Whatever is altered on the way, nobody is logged in by it.

use std::collections::BTreeMap;
use std::ops::Range;

use adit_proto::error::Error;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::pair::joined::{Pair, data};
use crate::pair::line::{Form, Hook, Packet};
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::tamper;

/// All packets to this side, up to the login, as they are without tampering.
fn packets_to(who: Who) -> Vec<Packet> {
    let mut pair = Pair::new(Setup::new());
    let (seen, hook) = tamper::watch();
    pair.line_to(who).tamper(hook);
    pair.run();
    pair.expect_connected();
    seen.take()
}

/// How many bytes are sent to this side up to the login.
fn length_of_login(cipher: &str, who: Who) -> usize {
    let mut pair = Pair::connected(setup(cipher));
    pair.line_to(who).transcript.len()
}

/// Where there is padding that nothing protects: that of packets before there were keys, for
/// the padding is no part of what is hashed.
fn unprotected(who: Who) -> Vec<Range<usize>> {
    let mut end = 0;
    let mut ranges = Vec::new();
    for packet in packets_to(who) {
        end += packet.bytes.len();
        if packet.form == Form::Plain {
            ranges.push(end - usize::from(packet.bytes[4])..end);
        }
    }
    ranges
}

fn setup(cipher: &str) -> Setup {
    let mut setup = Setup::new();
    // Offers of the same length, so that bytes stand in the same places.
    let other = if cipher == "toy-gcm" { "toy-ctr" } else { "toy-gcm" };
    setup.client.common.algorithms.ciphers = names(&format!("{cipher},{other}"));
    setup
}

/// Runs a tampered pair to its end: this side was not logged in.
fn expect_failure(mut pair: Pair, victim: Who, what: &str) {
    pair.run_to_end();
    assert!(!pair.side(victim).is_connected(), "{victim:?} is logged in: {what}");
}

#[test]
fn no_flipped_bit_of_a_handshake_or_login_goes_unnoticed() {
    for cipher in ["toy-gcm", "toy-ctr"] {
        for victim in Who::BOTH {
            let unprotected = unprotected(victim);
            for offset in 0..length_of_login(cipher, victim) {
                let mut pair = Pair::new(setup(cipher));
                pair.line_to(victim).flip(offset, 1 << (offset % 8));
                if unprotected.iter().any(|it| it.contains(&offset)) {
                    pair.run();
                    pair.expect_connected();
                } else {
                    let what = format!("{cipher}, byte {offset}");
                    expect_failure(pair, victim, &what);
                }
            }
        }
    }
}

fn check_each_packet(change: fn(usize) -> Hook) {
    for victim in Who::BOTH {
        for index in 0..packets_to(victim).len() {
            let mut pair = Pair::new(Setup::new());
            pair.line_to(victim).tamper(change(index));
            expect_failure(pair, victim, &format!("packet {index}"));
        }
    }
}

#[test]
fn no_packet_can_be_removed() {
    check_each_packet(tamper::remove);
}

#[test]
fn no_two_packets_can_change_places() {
    check_each_packet(tamper::swap);
}

#[test]
fn no_packet_can_be_repeated() {
    for victim in Who::BOTH {
        for index in 0..packets_to(victim).len() {
            let mut pair = Pair::new(Setup::new());
            pair.line_to(victim).tamper(tamper::duplicate(index));
            // The last packet of a login has done its work when its repetition comes.
            pair.run();
            assert!(pair.side(victim).error().is_some(), "packet {index} to {victim:?}");
        }
    }
}

#[test]
fn a_login_that_is_cut_short_at_any_byte_ends_by_a_deadline() {
    for victim in Who::BOTH {
        for offset in 0..length_of_login("toy-gcm", victim) {
            let mut pair = Pair::new(Setup::new());
            pair.line_to(victim).cut(offset);
            pair.run_to_end();
            assert!(!pair.side(victim).is_connected(), "{offset} bytes to {victim:?}");
            let errors = Who::BOTH.map(|who| pair.side(who).error().cloned());
            let late = |it: &Option<Error>| matches!(it, Some(Error::TimedOut(_)));
            assert!(errors.iter().any(late), "{offset} bytes to {victim:?}: {errors:?}");
        }
    }
}

/// A pair that sends data both ways and exchanges keys on the way, once it is logged in.
/// `tamper` gets it with the length of what was said before.
fn transfer(cipher: &str, tamper: impl FnOnce(&mut Pair, Who, usize), victim: Who) -> Pair {
    let mut pair = Pair::connected(setup(cipher));
    let start = pair.line_to(victim).transcript.len();
    tamper(&mut pair, victim, start);
    for number in 0..COUNT {
        if number == COUNT / 2 {
            let now = pair.now;
            pair.client.connection.rekey(now).unwrap();
        }
        for who in Who::BOTH {
            let message = data(number);
            let _ = pair.side_mut(who).connection.send(&message);
        }
        if number % 3 == 2 {
            pair.run();
        }
        if Who::BOTH.into_iter().any(|who| pair.side(who).error().is_some()) {
            break;
        }
    }
    pair.run();
    pair
}

const COUNT: u32 = 8;

fn check_transfer(cipher: &str, victim: Who, offset: usize, bits: u8) {
    let flip = |pair: &mut Pair, who, start| pair.line_to(who).flip(start + offset, bits);
    let mut pair = transfer(cipher, flip, victim);
    let received = pair.received(victim);
    let expected: Vec<u32> = (0..COUNT).collect();
    assert!(expected.starts_with(&received), "{received:?}");
    pair.run_to_end();
    let errors = Who::BOTH.map(|who| pair.side(who).error().cloned());
    assert!(errors.iter().any(Option::is_some), "{cipher}, byte {offset} to {victim:?}");
    assert_eq!(pair.received(victim), received, "late data");
}

/// How many bytes a transfer has in this direction.
fn length(cipher: &str, victim: Who) -> usize {
    let mut start = 0;
    let mut pair = transfer(cipher, |_, _, at| start = at, victim);
    pair.expect_connected();
    for who in Who::BOTH {
        assert_eq!(pair.received(who), (0..COUNT).collect::<Vec<_>>());
    }
    pair.line_to(victim).transcript.len() - start
}

#[test]
fn no_flipped_bit_of_a_transfer_goes_unnoticed() {
    for cipher in ["toy-gcm", "toy-ctr"] {
        for victim in Who::BOTH {
            for offset in 0..length(cipher, victim) {
                check_transfer(cipher, victim, offset, 1 << (offset % 8));
            }
        }
    }
}

proptest! {
    #[test]
    fn no_altered_byte_of_a_transfer_goes_unnoticed(
        at in any::<Index>(),
        bits in 1..=255_u8,
        (cipher, victim) in (
            prop_oneof![Just("toy-gcm"), Just("toy-ctr")],
            prop_oneof![Just(Who::Client), Just(Who::Server)],
        ),
    ) {
        check_transfer(cipher, victim, at.index(length(cipher, victim)), bits);
    }

    #[test]
    fn no_altered_bytes_of_a_login_go_unnoticed(
        places in proptest::collection::vec((any::<Index>(), 1..=255_u8), 1..5),
        chunk in 1..200_usize,
        victim in prop_oneof![Just(Who::Client), Just(Who::Server)],
    ) {
        let unprotected = unprotected(victim);
        let length = length_of_login("toy-gcm", victim);
        let mut setup = Setup::new();
        setup.chunk = chunk;
        let mut pair = Pair::new(setup);
        let mut protected = false;
        let places: BTreeMap<usize, u8> =
            places.into_iter().map(|(at, bits)| (at.index(length), bits)).collect();
        for (offset, bits) in places {
            pair.line_to(victim).flip(offset, bits);
            protected |= !unprotected.iter().any(|it| it.contains(&offset));
        }
        prop_assume!(protected);
        pair.run_to_end();
        prop_assert!(!pair.side(victim).is_connected());
    }
}
