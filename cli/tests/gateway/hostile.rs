//! Users who are let in, and then do what the protocol does not allow.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use adit_tests::echo::echo;
use adit_tests::message::channel_data::ChannelData;
use adit_tests::message::channel_open::{Kind, Reason};
use adit_tests::message::connection::ConnectionMessage;
use adit_tests::message::disconnect;
use adit_tests::message::global_request::{self, GlobalRequest};
use adit_tests::raw::{loopback, open};
use adit_tests::uninvited;
use adit_transport::error::Error as ProtocolError;
use adit_transport::link::Error;
use bytes::Bytes;

use crate::guest::{Room, ann, arrive, bounded, tunnel};
use crate::house::{ALL, House};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn channels_that_nobody_serves_are_refused_and_the_connection_goes_on() {
    bounded(async {
        let house = House::new();
        let gateway = house.serve();
        let target = echo().await.unwrap();
        let mut guest = ann(&house, &gateway).await;
        let channel = tunnel(&mut guest, 0, target).await;
        for kind in uninvited::at_a_gateway() {
            let reason = match kind {
                Kind::Other { .. } => Reason::UNKNOWN_CHANNEL_TYPE,
                _ => Reason::ADMINISTRATIVELY_PROHIBITED,
            };
            let refused = guest.open(1, kind.clone()).await.unwrap_err();
            assert_eq!(refused.reason, reason, "{kind:?}");
            assert!(!refused.description.0.is_empty(), "{kind:?}");
            guest.echo(channel, b"on").await;
        }
        tunnel(&mut guest, 2, target).await;
    })
    .await;
}

#[tokio::test]
async fn what_nobody_asked_for_ends_its_connection_and_no_other() {
    bounded(async {
        let house = House::new();
        let gateway = house.serve();
        let target = echo().await.unwrap();
        let mut friend = ann(&house, &gateway).await;
        let channel = tunnel(&mut friend, 0, target).await;
        for message in uninvited::answers() {
            let mut guest = ann(&house, &gateway).await;
            // The gateway asks a few things to learn how long the path is, one after another.
            for _ in 0..6 {
                guest.say(message.clone());
            }
            match guest.end().await {
                Error::Protocol(ProtocolError::Disconnected { reason, description }) => {
                    assert_eq!(reason, disconnect::Reason::PROTOCOL_ERROR, "{message:?}");
                    let name = message.number().to_string();
                    assert!(description.contains(&name), "{message:?}: {description}");
                }
                other => panic!("{message:?}: {other}"),
            }
            friend.echo(channel, b"still here").await;
        }
    })
    .await;
}

/// The limit is 100 channels here, so that as many opens are granted, and their targets dialled.
#[tokio::test]
async fn a_flood_of_opens_is_answered_when_it_is_read_and_holds_little_memory() {
    bounded(async {
        const FLOOD: u32 = 20_000;
        let house = House::new();
        house.configure(&format!("{ALL}[limits]\nchannels = 100\n"));
        let mut gateway = house.serve();
        // Each refusal is a warning.
        gateway.drain();
        let target = echo().await.unwrap();
        let mut friend = ann(&house, &gateway).await;
        let channel = tunnel(&mut friend, 0, target).await;
        let before = gateway.footprint();
        let mut guest = ann(&house, &gateway).await;
        for number in 0..FLOOD {
            guest.say(open(number, Kind::DirectTcpip(loopback(target.port()))));
        }
        guest.flush().await;
        friend.echo(channel, b"in the flood").await;
        let (mut granted, mut short) = (0, 0);
        while granted + short < FLOOD {
            match guest.hear().await.unwrap() {
                ConnectionMessage::ChannelOpenConfirmation(_) => granted += 1,
                ConnectionMessage::ChannelOpenFailure(it) => {
                    assert_eq!(it.reason, Reason::RESOURCE_SHORTAGE, "{it:?}");
                    short += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((granted, short), (100, FLOOD - 100));
        let after = gateway.footprint();
        eprintln!("20,000 opens: {before:?} {after:?}");
        assert!(after.peak < before.peak + 64 * MIB, "{before:?} {after:?}");
        friend.echo(channel, b"after the flood").await;
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_without_end_and_reads_no_answers_is_cut_off() {
    bounded(async {
        const BATCH: usize = 10_000;
        let house = House::new();
        let gateway = house.serve();
        let target = echo().await.unwrap();
        let mut friend = ann(&house, &gateway).await;
        let channel = tunnel(&mut friend, 0, target).await;
        let before = gateway.footprint();
        let from = Ipv4Addr::LOCALHOST;
        let mut guest = arrive(&house, &gateway, from, Room::Little).await.unwrap();
        let kind = global_request::Kind::Keepalive;
        let question = GlobalRequest { kind, want_reply: true };
        for _ in 0..20 {
            for _ in 0..BATCH {
                guest.say(question.clone());
            }
            guest.flush().await;
            friend.echo(channel, b"in the flood").await;
        }
        let mut answered = 0;
        let end = loop {
            match guest.hear().await {
                Ok(ConnectionMessage::RequestFailure(_)) => answered += 1,
                Ok(other) => panic!("{other:?}"),
                Err(end) => break end,
            }
            assert!(answered < 20 * BATCH, "all were answered");
        };
        let after = gateway.footprint();
        eprintln!("questions without end: {answered} answers, then {end}; {before:?} {after:?}");
        assert!(after.peak < before.peak + 32 * MIB, "{before:?} {after:?}");
        friend.echo(channel, b"after the flood").await;
    })
    .await;
}

#[tokio::test]
async fn data_for_another_connection_s_channel_do_not_reach_it() {
    bounded(async {
        let house = House::new();
        let gateway = house.serve();
        let target = echo().await.unwrap();
        let mut friend = ann(&house, &gateway).await;
        let channel = tunnel(&mut friend, 0, target).await;
        let mut guest = ann(&house, &gateway).await;
        guest.say(ChannelData { recipient: channel.theirs, data: b"not mine"[..].into() });
        guest.end().await;
        friend.echo(channel, b"mine").await;
    })
    .await;
}

/// All connections together have 16 MiB, of which three quarters are for what comes in.
#[tokio::test]
async fn greedy_guests_stay_within_the_memory_of_all_and_a_friend_goes_on() {
    bounded(async {
        const GUESTS: u32 = 16;
        const CHANNELS: u32 = 60;
        let house = House::new();
        house.configure(&format!("{ALL}[limits]\nmemory = \"16M\"\nconnections = 20\n"));
        let mut gateway = house.serve();
        gateway.drain();
        let (target, deaf) = (echo().await.unwrap(), deaf());
        let before = gateway.footprint();
        let (mut guests, mut windows, mut granted) = (Vec::new(), 0_u64, 0);
        for _ in 0..GUESTS {
            let from = Ipv4Addr::LOCALHOST;
            let mut guest = arrive(&house, &gateway, from, Room::Little).await.unwrap();
            for number in 0..CHANNELS {
                guest.say(open(number, Kind::DirectTcpip(loopback(deaf.port()))));
            }
            let mut agreed = Vec::new();
            for _ in 0..CHANNELS {
                match guest.hear().await.unwrap() {
                    ConnectionMessage::ChannelOpenConfirmation(it) => {
                        assert!(it.window >= 8 * 1024, "{it:?}");
                        windows += u64::from(it.window);
                        agreed.push((it.sender, it.window));
                    }
                    ConnectionMessage::ChannelOpenFailure(it) => {
                        assert_eq!(it.reason, Reason::RESOURCE_SHORTAGE, "{it:?}");
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert!(agreed.len() >= 25, "a part for itself: {}", agreed.len());
            granted += agreed.len();
            for (recipient, window) in agreed {
                let packets = usize::try_from(window).unwrap() / 32_768;
                let packet = Bytes::from(vec![7; 32_768]);
                for data in std::iter::repeat_n(packet, packets) {
                    guest.say(ChannelData { recipient, data });
                }
            }
            guest.flush().await;
            guests.push(guest);
        }
        assert!(windows <= 12 * MIB, "{windows}");
        let mut friend = ann(&house, &gateway).await;
        let channel = tunnel(&mut friend, 0, target).await;
        let after = gateway.footprint();
        eprintln!("{granted} channels have {windows} bytes: {before:?} {after:?}");
        assert!(after.peak < before.peak + 48 * MIB, "{before:?} {after:?}");
        drop(guests);
        friend.echo(channel, b"after the crowd").await;
    })
    .await;
}

/// Takes connections, and reads nothing.
fn deaf() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            held.push(stream.unwrap());
        }
    });
    address
}
