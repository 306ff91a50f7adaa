//! Key exchanges that begin at every byte of a transfer.

use crate::pair::joined::Pair;
use crate::pair::setup::Setup;
use crate::pair::side::Who;

/// Who exchanges keys in a transfer.
struct Course {
    cipher: &'static str,
    /// Who begins with the transfer.
    first: &'static [Who],
    /// Who begins when so many bytes have arrived at each side.
    then: &'static [Who],
}

impl Course {
    /// How many bytes arrive at the side that gets more of them, where nobody begins later.
    fn length(&self) -> usize {
        let mut pair = self.begin();
        let starts = Who::BOTH.map(|who| pair.line_to(who).transcript.len());
        pair.run();
        let ends = Who::BOTH.map(|who| pair.line_to(who).transcript.len());
        (ends[0] - starts[0]).max(ends[1] - starts[1])
    }

    fn begin(&self) -> Pair {
        let mut pair = Pair::connected(Setup::new().only("toy-a", self.cipher));
        send(&mut pair, 0..3);
        rekey(&mut pair, self.first);
        send(&mut pair, 3..6);
        pair
    }

    fn run(&self, offset: usize) {
        let mut pair = self.begin();
        for who in Who::BOTH {
            let start = pair.line_to(who).transcript.len();
            pair.line_to(who).gate(start + offset);
        }
        pair.run();
        rekey(&mut pair, self.then);
        send(&mut pair, 6..9);
        for who in Who::BOTH {
            pair.line_to(who).gate(usize::MAX);
        }
        pair.run();
        send(&mut pair, 9..10);
        pair.run();
        pair.expect_connected();
        for who in Who::BOTH {
            let received = pair.received(who);
            assert_eq!(received, (0..10).collect::<Vec<_>>(), "byte {offset} to {who:?}");
        }
    }
}

fn send(pair: &mut Pair, numbers: std::ops::Range<u32>) {
    for number in numbers {
        for who in Who::BOTH {
            pair.send(who, number);
        }
    }
}

fn rekey(pair: &mut Pair, beginners: &[Who]) {
    let now = pair.now;
    for who in beginners {
        pair.side_mut(*who).connection.rekey(now).unwrap();
    }
}

const CIPHERS: [&str; 2] = ["toy-gcm", "toy-ctr"];

fn check(ciphers: &[&'static str], first: &'static [Who], then: &'static [Who]) {
    for cipher in ciphers {
        let course = Course { cipher, first, then };
        let length = course.length();
        assert!(length > 250, "the transfer is too short to prove anything");
        for offset in 0..=length {
            course.run(offset);
        }
    }
}

#[test]
fn a_client_can_begin_at_every_byte() {
    check(&CIPHERS, &[], &[Who::Client]);
}

#[test]
fn a_server_can_begin_at_every_byte() {
    check(&CIPHERS, &[], &[Who::Server]);
}

#[test]
fn both_can_begin_at_every_byte() {
    check(&CIPHERS, &[], &Who::BOTH);
}

#[test]
fn a_server_can_begin_at_every_byte_of_an_exchange_of_the_client() {
    check(&CIPHERS[..1], &[Who::Client], &[Who::Server]);
}

#[test]
fn a_client_can_begin_at_every_byte_of_an_exchange_of_the_server() {
    check(&CIPHERS[1..], &[Who::Server], &[Who::Client]);
}

#[test]
fn both_can_begin_at_every_byte_of_an_exchange_of_both() {
    check(&CIPHERS[..1], &Who::BOTH, &Who::BOTH);
}
