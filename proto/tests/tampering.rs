//! Whatever is altered on the way, nobody is logged in by it.

use std::collections::BTreeMap;
use std::ops::Range;

use adit_proto::error::Error;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::pair::joined::{Pair, data};
use crate::pair::line::{Form, Hook, Packet};
use crate::pair::setup::{SUITES, Setup, Suite};
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
fn length_of_login(suite: Suite, who: Who) -> usize {
    let mut pair = Pair::connected(Setup::new().prefer(suite));
    pair.line_to(who).transcript.len()
}

/// Those with which packets can be told apart on the way.
const GCM: Suite = SUITES[0];

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

/// Runs a tampered pair to its end: this side was not logged in.
fn expect_failure(mut pair: Pair, victim: Who, what: &str) {
    pair.run_to_end();
    assert!(!pair.side(victim).is_connected(), "{victim:?} is logged in: {what}");
}

#[test]
fn no_flipped_bit_of_a_handshake_or_login_goes_unnoticed() {
    for suite in SUITES {
        for victim in Who::BOTH {
            let unprotected = unprotected(victim);
            for offset in 0..length_of_login(suite, victim) {
                let mut pair = Pair::new(Setup::new().prefer(suite));
                pair.line_to(victim).flip(offset, 1 << (offset % 8));
                if unprotected.iter().any(|it| it.contains(&offset)) {
                    pair.run();
                    pair.expect_connected();
                } else {
                    let what = format!("{suite:?}, byte {offset}");
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
        for offset in 0..length_of_login(GCM, victim) {
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

const COUNT: u32 = 8;

/// Sends data both ways and exchanges keys on the way, until somebody notices something.
fn transfer(pair: &mut Pair) {
    for number in 0..COUNT {
        if number == COUNT / 2 {
            let now = pair.now;
            let _ = pair.client.connection.rekey(now);
        }
        for who in Who::BOTH {
            let _ = pair.side_mut(who).connection.send(&data(number));
        }
        if number % 3 == 2 {
            pair.run();
        }
    }
    pair.run();
}

/// A tampered transfer: what comes is right, and the connection does not outlive it.
fn check_transfer(mut pair: Pair, victim: Who, what: &str) {
    transfer(&mut pair);
    let received = pair.received(victim);
    let expected: Vec<u32> = (0..COUNT).collect();
    assert!(expected.starts_with(&received), "{what}: {received:?}");
    pair.run_to_end();
    let errors = Who::BOTH.map(|who| pair.side(who).error().cloned());
    assert!(errors.iter().any(Option::is_some), "{what}");
    assert_eq!(pair.received(victim), received, "late data");
}

/// Where the bytes to this side of a transfer begin and end.
fn span(suite: Suite, victim: Who) -> Range<usize> {
    let mut pair = Pair::connected(Setup::new().prefer(suite));
    let start = pair.line_to(victim).transcript.len();
    transfer(&mut pair);
    pair.expect_connected();
    for who in Who::BOTH {
        assert_eq!(pair.received(who), (0..COUNT).collect::<Vec<_>>());
    }
    start..pair.line_to(victim).transcript.len()
}

fn check_flip(suite: Suite, victim: Who, offset: usize, bits: u8) {
    let mut pair = Pair::connected(Setup::new().prefer(suite));
    pair.line_to(victim).flip(offset, bits);
    check_transfer(pair, victim, &format!("{suite:?}, byte {offset} to {victim:?}"));
}

#[test]
fn no_flipped_bit_of_a_transfer_goes_unnoticed() {
    for suite in SUITES {
        for victim in Who::BOTH {
            for offset in span(suite, victim) {
                check_flip(suite, victim, offset, 1 << (offset % 8));
            }
        }
    }
}

#[test]
fn a_transfer_that_is_cut_short_at_any_byte_does_not_hang() {
    for victim in Who::BOTH {
        for offset in span(GCM, victim) {
            let mut pair = Pair::connected(Setup::new().prefer(GCM));
            pair.line_to(victim).cut(offset);
            check_transfer(pair, victim, &format!("{offset} bytes to {victim:?}"));
        }
    }
}

#[test]
fn no_packet_of_a_transfer_can_be_removed_repeated_or_moved() {
    let changes: [fn(usize) -> Hook; 3] = [tamper::remove, tamper::duplicate, tamper::swap];
    for victim in Who::BOTH {
        let mut pair = Pair::new(Setup::new());
        let (seen, hook) = tamper::watch();
        pair.line_to(victim).tamper(hook);
        pair.run();
        let login = seen.borrow().len();
        transfer(&mut pair);
        let all = seen.borrow().len();
        assert!(all > login + 8, "the transfer is too short to prove anything");
        for index in login..all {
            for (kind, change) in changes.into_iter().enumerate() {
                let mut pair = Pair::new(Setup::new());
                pair.line_to(victim).tamper(change(index));
                pair.run();
                pair.expect_connected();
                let what = format!("change {kind} of packet {index} to {victim:?}");
                check_transfer(pair, victim, &what);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_altered_byte_of_a_transfer_goes_unnoticed(
        at in any::<Index>(),
        bits in 1..=255_u8,
        (suite, victim) in (
            proptest::sample::select(SUITES.to_vec()),
            prop_oneof![Just(Who::Client), Just(Who::Server)],
        ),
    ) {
        let span = span(suite, victim);
        check_flip(suite, victim, span.start + at.index(span.len()), bits);
    }

    #[test]
    fn no_altered_bytes_of_a_login_go_unnoticed(
        places in proptest::collection::vec((any::<Index>(), 1..=255_u8), 1..5),
        chunk in 1..200_usize,
        victim in prop_oneof![Just(Who::Client), Just(Who::Server)],
    ) {
        let unprotected = unprotected(victim);
        let in_chunks = || {
            let mut setup = Setup::new();
            setup.chunk = chunk;
            setup
        };
        // Who has not read the extensions yet when it logs in asks in a shorter way.
        let length = Pair::connected(in_chunks()).line_to(victim).transcript.len();
        let mut pair = Pair::new(in_chunks());
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
