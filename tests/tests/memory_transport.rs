//! A client and a server of our own with real cryptography, in memory, under virtual time.

use std::future::poll_fn;
use std::sync::atomic::Ordering;

use adit_proto::config::{Algorithms, Rekey};
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::name::NameList;
use adit_tests::pair::Pair;
use adit_tests::tamper::{Direction, Harm, wire};
use adit_transport::provider;
use bytes::Bytes;
use tokio::io::duplex;

fn only(name: &str) -> NameList {
    NameList::new([name]).unwrap()
}

/// A pair with these algorithms only: a key exchange, a cipher, a MAC, a compression.
fn pair([exchange, cipher, mac, compression]: [&str; 4]) -> Pair {
    let mut pair = Pair::default();
    let all = Algorithms::all(&provider::default());
    pair.server.common.algorithms = all.clone();
    pair.client.common.algorithms = Algorithms {
        exchanges: only(exchange),
        ciphers: only(cipher),
        macs: only(mac),
        compressions: only(compression),
        ..all
    };
    pair
}

/// Joins the two, and has data of many sizes go to the server, under two keys.
async fn check(pair: &Pair) {
    let (client, server) = duplex(64 * 1024);
    let (client, server) = tokio::join!(pair.connect(client), pair.accept(server));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    for len in (0..40_u32).chain([1000, 32_768, 200_000]) {
        let data =
            Bytes::from((0..len).map(|it| u8::try_from(it % 251).unwrap()).collect::<Vec<_>>());
        let message: ConnectionMessage = ChannelData { recipient: ChannelId(1), data }.into();
        client.send(&message);
        let received = poll_fn(|cx| {
            let _ = client.poll_message(cx);
            server.poll_message(cx)
        });
        assert_eq!(received.await.unwrap(), message);
    }
}

#[tokio::test(start_paused = true)]
async fn every_key_exchange_works_between_our_own() {
    for exchange in Algorithms::all(&provider::default()).exchanges.iter() {
        check(&pair([exchange, "aes128-gcm@openssh.com", "hmac-sha2-256", "none"])).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_cipher_works_with_every_mac_and_compression_and_with_new_keys() {
    let all = Algorithms::all(&provider::default());
    for cipher in all.ciphers.iter() {
        for mac in all.macs.iter() {
            for compression in all.compressions.iter() {
                let mut pair = pair(["curve25519-sha256", cipher, mac, compression]);
                pair.client.common.rekey = Rekey { bytes: 100_000, time: None };
                check(&pair).await;
            }
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
