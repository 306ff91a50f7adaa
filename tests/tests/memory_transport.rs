//! A client and a server of our own with real cryptography, in memory, under virtual time.

use std::sync::atomic::Ordering;

use adit_proto::name::NameList;
use adit_tests::pair::Pair;
use adit_tests::tamper::{Direction, Harm, wire};
use adit_transport::provider;
use tokio::io::duplex;

#[tokio::test(start_paused = true)]
async fn every_key_exchange_and_cipher_works_between_our_own() {
    let provider = provider::default();
    for exchange in &provider.exchanges {
        for cipher in &provider.ciphers {
            let mut pair = Pair::default();
            pair.client.common.algorithms.exchanges = NameList::new([exchange.name()]).unwrap();
            pair.client.common.algorithms.ciphers = NameList::new([cipher.name()]).unwrap();
            let (client, server) = duplex(64 * 1024);
            let (client, server) = tokio::join!(pair.connect(client), pair.accept(server));
            assert!(client.is_ok() && server.is_ok(), "{client:?} {server:?}");
        }
    }
}

/// How many bytes a whole handshake has, to the server and to the client.
async fn handshake() -> [usize; 2] {
    let wire = wire(None);
    let pair = Pair::default();
    let (client, server) = tokio::join!(pair.connect(wire.client), pair.accept(wire.server));
    assert!(client.is_ok() && server.is_ok(), "{client:?} {server:?}");
    wire.carried.map(|carried| carried.load(Ordering::Relaxed))
}

/// Runs a handshake on a harmed wire, and says whether a side noticed. Where none did, both must
/// have the same session identifier, which stands for all that was said.
async fn noticed(direction: Direction, harm: Harm) -> bool {
    let pair = Pair::default();
    let wire = wire(Some((direction, harm)));
    match tokio::join!(pair.connect(wire.client), pair.accept(wire.server)) {
        (Ok(client), Ok(server)) => {
            assert_eq!(client.session_id().unwrap(), server.session_id().unwrap());
            false
        }
        _ => true,
    }
}

/// Does this harm at every `step`th byte of the handshake, and from the last byte on backwards.
async fn is_noticed_everywhere(harm: fn(usize) -> Harm, step: usize) {
    let lengths = handshake().await;
    for (direction, length) in [Direction::ToServer, Direction::ToClient].into_iter().zip(lengths) {
        for place in (0..length).rev().step_by(step) {
            assert!(noticed(direction, harm(place)).await, "{direction:?} {:?}", harm(place));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_altered_bit_anywhere_in_the_handshake_is_noticed_but_in_padding_without_keys() {
    let lengths = handshake().await;
    for (direction, length) in [Direction::ToServer, Direction::ToClient].into_iter().zip(lengths) {
        let mut unnoticed = 0;
        for place in (0..length).step_by(3) {
            unnoticed += usize::from(!noticed(direction, Harm::Flip(place)).await);
        }
        // Of the three packets before keys are in use, no more than the padding.
        assert!(unnoticed <= 11 + 3, "{direction:?}: {unnoticed} of {length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_left_out_anywhere_is_noticed() {
    is_noticed_everywhere(Harm::Drop, 41).await;
}

#[tokio::test(start_paused = true)]
async fn a_byte_put_in_anywhere_is_noticed() {
    is_noticed_everywhere(Harm::Insert, 41).await;
}

#[tokio::test(start_paused = true)]
async fn an_end_anywhere_is_noticed() {
    is_noticed_everywhere(Harm::Cut, 41).await;
}
