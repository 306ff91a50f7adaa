//! Crowds that connect and do not log in.

use std::net::Ipv4Addr;
use std::time::Duration;

use adit_tests::descriptors;
use adit_tests::echo::echo;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::guest::{Guest, Room, arrive, bounded, connect, tunnel};
use crate::house::{ALL, Gateway, House};

const MIB: u64 = 1 << 20;

/// How many connect and say nothing.
const CROWD: u16 = 1000;

/// A crowd from this source of each.
async fn crowd(gateway: &Gateway, source: impl Fn(u16) -> Ipv4Addr) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        // Whoever is turned away is told by the end of the connection, at once even.
        crowd.extend(connect(gateway, source(number), Room::AsUsual).await);
    }
    crowd
}

/// How many of a crowd have not been sent away. They are greeted and hear nothing more.
async fn inside(crowd: &mut [TcpStream]) -> usize {
    let mut inside = 0;
    for stream in crowd {
        let mut heard = Vec::new();
        let ended = tokio::time::timeout(Duration::from_millis(1), stream.read_to_end(&mut heard));
        inside += usize::from(ended.await.is_err());
    }
    inside
}

/// Tries until she is let in.
async fn in_time(house: &House, gateway: &Gateway, from: Ipv4Addr) -> Guest {
    loop {
        if let Some(guest) = arrive(house, gateway, from, Room::AsUsual).await {
            return guest;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_silent_crowd_of_one_source_keeps_nobody_out_but_that_source() {
    bounded(async {
        descriptors::allow(4096).unwrap();
        let house = House::new();
        // Else the source would be turned away for minutes afterwards.
        let limits = "[limits]\nlogin-grace = \"3s\"\n[penalties]\nexempt = [\"127.0.0.0/8\"]\n";
        house.configure(&format!("{ALL}{limits}"));
        let gateway = house.serve();
        let target = echo().await.unwrap();
        let before = gateway.footprint();
        let (bad, good) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
        let mut crowd = crowd(&gateway, |_| bad).await;
        let refused = arrive(&house, &gateway, bad, Room::AsUsual).await;
        assert!(refused.is_none(), "the source has more than its share");
        let mut friend = arrive(&house, &gateway, good, Room::AsUsual).await.unwrap();
        let channel = tunnel(&mut friend, 0, target).await;
        let inside = inside(&mut crowd).await;
        assert!(inside <= 16, "{inside} of one source");
        // Its places are free again when the time for a login is over.
        let mut late = in_time(&house, &gateway, bad).await;
        tunnel(&mut late, 0, target).await;
        friend.echo(channel, b"still here").await;
        let after = gateway.footprint();
        eprintln!("1,000 silent, one source: {inside} inside; {before:?} {after:?}");
        assert!(after.peak < before.peak + 32 * MIB, "{before:?} {after:?}");
    })
    .await;
}

#[tokio::test]
async fn a_silent_crowd_of_many_sources_makes_room_for_a_newcomer() {
    bounded(async {
        descriptors::allow(4096).unwrap();
        let house = House::new();
        let gateway = house.serve();
        let target = echo().await.unwrap();
        let before = gateway.footprint();
        let source = |number: u16| {
            let [_, last] = (number % 250).to_be_bytes();
            Ipv4Addr::new(127, 0, 1, last + 1)
        };
        let mut crowd = crowd(&gateway, source).await;
        let mut friend =
            arrive(&house, &gateway, Ipv4Addr::LOCALHOST, Room::AsUsual).await.unwrap();
        let channel = tunnel(&mut friend, 0, target).await;
        let inside = inside(&mut crowd).await;
        assert!((100..=128).contains(&inside), "{inside} have not logged in");
        friend.echo(channel, b"still here").await;
        let after = gateway.footprint();
        eprintln!("1,000 silent, many sources: {inside} inside; {before:?} {after:?}");
        assert!(after.peak < before.peak + 32 * MIB, "{before:?} {after:?}");
    })
    .await;
}
