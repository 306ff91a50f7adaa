//! Ciphers that go with a MAC.

use adit_proto::Event;
use adit_proto::error::{Deadline, Error};
use adit_proto::kex::proposal::Agreement;
use adit_proto::provider::Failure;

use crate::pair::joined::Pair;
use crate::pair::setup::{SUITES, Setup, Suite, names};
use crate::pair::side::Who;

const ETM: Suite = SUITES[2];
const PLAIN: Suite = SUITES[3];

fn agreement(pair: &Pair, who: Who) -> &Agreement {
    let mut agreed = pair.side(who).events.iter().filter_map(|event| match event {
        Event::Agreed(agreement) => Some(agreement),
        _ => None,
    });
    agreed.next().expect("an agreement")
}

#[test]
fn both_forms_lead_to_the_login_and_through_new_keys_at_any_chunk_size() {
    for suite in [ETM, PLAIN] {
        for chunk in [1, 2, 3, 7, 16, 100, usize::MAX] {
            let mut setup = Setup::new().prefer(suite);
            setup.chunk = chunk;
            let mut pair = Pair::connected(setup);
            for number in 0..30 {
                if number % 10 == 5 {
                    let now = pair.now;
                    pair.client.connection.rekey(now).unwrap();
                }
                Who::BOTH.into_iter().for_each(|who| pair.send(who, number));
            }
            pair.run();
            pair.expect_connected();
            for who in Who::BOTH {
                assert_eq!(pair.received(who), (0..30).collect::<Vec<_>>());
                let agreed = agreement(&pair, who);
                assert_eq!(agreed.cipher_client_to_server, suite.0);
                assert_eq!(agreed.mac_client_to_server.as_deref(), Some(suite.1));
                assert_eq!(agreed.mac_server_to_client.as_deref(), Some(suite.1));
            }
        }
    }
}

#[test]
fn a_cipher_that_protects_integrity_itself_has_no_mac() {
    let pair = Pair::connected(Setup::new());
    assert_eq!(agreement(&pair, Who::Client).mac_client_to_server, None);
}

#[test]
fn the_directions_may_differ() {
    let mut setup = Setup::new().prefer(ETM);
    setup.server.common.algorithms.ciphers = names("toy-stream");
    setup.server.common.algorithms.macs = names("toy-mac");
    let pair = Pair::connected(setup);
    let agreed = agreement(&pair, Who::Server);
    assert_eq!(agreed.mac_server_to_client.as_deref(), Some("toy-mac"));
}

#[test]
fn without_a_common_mac_both_sides_say_so() {
    let mut setup = Setup::new().prefer(ETM);
    setup.client.common.algorithms.ciphers = names("toy-stream");
    setup.client.common.algorithms.macs = names("toy-etm");
    setup.server.common.algorithms.macs = names("toy-mac");
    let mut pair = Pair::new(setup);
    pair.run();
    for who in Who::BOTH {
        let error = pair.side(who).error();
        let Some(Error::NoCommonAlgorithm { what, .. }) = error else { panic!("{error:?}") };
        assert_eq!(*what, "MAC from client to server");
    }
}

/// The first byte of the next packet to the server, which is that of its length.
fn alter_next_length(suite: Suite) -> Pair {
    let mut pair = Pair::connected(Setup::new().prefer(suite));
    let next = pair.to_server.transcript.len();
    pair.to_server.flip(next, 0x80);
    pair.send(Who::Client, 1);
    pair.run();
    pair
}

#[test]
fn a_length_in_the_clear_that_cannot_be_is_refused_at_once() {
    let pair = alter_next_length(ETM);
    assert!(matches!(pair.server.error(), Some(Error::Violation(_))));
}

#[test]
fn a_hidden_length_that_cannot_be_is_not_told_from_a_bad_tag() {
    let mut pair = alter_next_length(PLAIN);
    assert_eq!(pair.server.error(), None, "the length is acted on before it is proved");
    for number in 0..20_000 {
        if pair.server.error().is_some() {
            break;
        }
        pair.send(Who::Client, number);
        pair.run();
    }
    assert_eq!(pair.server.error(), Some(&Error::Cryptography(Failure::BadTag)));
    assert_eq!(pair.received(Who::Server), []);
}

#[test]
fn a_hidden_length_that_cannot_be_does_not_hang_a_key_exchange() {
    let mut pair = alter_next_length(PLAIN);
    let now = pair.now;
    pair.server.connection.rekey(now).unwrap();
    pair.run_to_end();
    assert_eq!(pair.server.error(), Some(&Error::TimedOut(Deadline::KeyExchange)));
}
