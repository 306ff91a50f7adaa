//! Compression, which begins when the user is logged in.

use adit_proto::error::Error;
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::provider::Failure;
use bytes::Bytes;

use crate::pair::joined::Pair;
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;

/// Both sides offer it, and the client prefers it.
fn setup() -> Setup {
    let mut setup = Setup::new();
    setup.client.common.algorithms.compressions = names("toy-runs,none");
    setup.server.common.algorithms.compressions = names("none,toy-runs");
    setup
}

/// How many bytes go to the server for a message that is all zeros.
fn cost(setup: Setup) -> usize {
    let mut pair = Pair::connected(setup);
    let before = pair.to_server.transcript.len();
    let data = Bytes::from(vec![0; 10_000]);
    let message = ChannelData { recipient: ChannelId(0), data }.into();
    pair.client.connection.send(&message).unwrap();
    pair.run();
    assert_eq!(pair.server.messages(), [message]);
    pair.to_server.transcript.len() - before
}

#[test]
fn what_is_sent_after_the_login_is_compressed_where_both_want_it() {
    assert!(cost(setup()) < 300);
    assert!(cost(Setup::new()) > 10_000, "nobody asked for it");
    let mut setup = setup();
    setup.server.common.algorithms.compressions = names("none");
    assert!(cost(setup) > 10_000, "the server has none");
}

#[test]
fn nothing_before_the_login_is_compressed() {
    // The numbers of the toy's payloads would not be right otherwise.
    for chunk in [1, 7, usize::MAX] {
        let mut setup = setup();
        setup.chunk = chunk;
        let mut pair = Pair::connected(setup);
        for number in 0..10 {
            Who::BOTH.into_iter().for_each(|who| pair.send(who, number));
        }
        pair.run();
        for who in Who::BOTH {
            assert_eq!(pair.received(who), (0..10).collect::<Vec<_>>());
        }
    }
}

#[test]
fn it_begins_anew_with_new_keys() {
    for beginner in Who::BOTH {
        let mut pair = Pair::connected(setup());
        for number in 0..30 {
            if number % 10 == 5 {
                let now = pair.now;
                pair.side_mut(beginner).connection.rekey(now).unwrap();
            }
            Who::BOTH.into_iter().for_each(|who| pair.send(who, number));
            if number % 4 == 0 {
                pair.run();
            }
        }
        pair.run();
        for who in Who::BOTH {
            assert_eq!(pair.side(who).error(), None);
            assert_eq!(pair.received(who), (0..30).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_payload_that_becomes_larger_than_any_packet_is_refused() {
    let mut pair = Pair::connected(setup());
    let data = Bytes::from(vec![0; 300 * 1024]);
    let message = ChannelData { recipient: ChannelId(0), data }.into();
    pair.client.connection.send(&message).unwrap();
    pair.run();
    assert_eq!(pair.server.error(), Some(&Error::Cryptography(Failure::BadCompression)));
    assert_eq!(pair.server.messages(), []);
}
