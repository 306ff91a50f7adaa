//! What nobody can have more of.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::serve::tests::stage::{ALL, HERE, House, Stage, tcp};
use crate::serve::tests::world::{REACHED, reached};

#[tokio::test]
async fn a_flood_of_opens_stays_within_the_limit_and_costs_a_line_each() {
    let house = House::new();
    let stage = Stage::new(house.config("[limits]\nchannels = 5", ALL));
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(guest.open(&tcp("192.0.2.1", 80)).await.unwrap());
    }
    let target = tcp("192.0.2.1", 80);
    let mut flood = JoinSet::new();
    for _ in 0..2000 {
        let handle = guest.handle.clone();
        let kind = adit_channels::channel_open::Kind::DirectStreamlocal { path: "/x".to_owned() };
        flood.spawn(async move { handle.open(kind).await.is_err() });
    }
    assert!(flood.join_all().await.into_iter().all(|refused| refused));
    assert_eq!(guest.refused(&target).await.0, 4, "resource shortage");
    assert_eq!(stage.world.dialled().len(), 5);
    drop(open.pop());
    let mut again = guest.open(&target).await;
    while again.is_err() {
        // The end of the other one is still on its way.
        again = guest.open(&target).await;
    }
    drop(again);
    guest.leave().await;
    let lines = stage.finish();
    let limited = lines.iter().filter(|line| line["reason"] == "limit").count();
    assert!(limited > 2000, "{limited}");
    assert_eq!(lines.iter().filter(|line| line["verdict"] == "allow").count(), 6);
}

#[tokio::test]
async fn a_flood_of_connections_that_do_not_log_in_keeps_nobody_out() {
    let house = House::new();
    let limits = "[limits]\nhalf-open = 8\nhalf-open-per-source = 8\nconnections = 16";
    let stage = Stage::new(house.config(limits, ALL));
    let mut flood = Vec::new();
    for number in 0..200_u8 {
        let from = [10, 0, number % 50, 1].into();
        flood.extend(stage.arrive(from));
        assert!(stage.gateway.count().1 <= 8);
    }
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    assert!(guest.open(&tcp("192.0.2.1", 80)).await.is_ok());
    let mut ended = 0;
    for (stream, served) in flood {
        if served.is_finished() {
            ended += 1;
        }
        drop(stream);
        served.await.unwrap();
    }
    assert!(ended >= 192, "{ended} were pushed out");
    assert_eq!(stage.gateway.count(), (1, 0));
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_is_not_penalised_for_more() {
    let house = House::new();
    let stage = Stage::new(house.config("[limits]\nconnections-per-user = 1", ALL));
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    for _ in 0..10 {
        assert!(stage.log_in(house.ann(), "ann", HERE).await.is_err());
    }
    guest.leave().await;
    assert!(stage.log_in(house.ann(), "ann", HERE).await.is_ok());
}

#[tokio::test]
async fn a_source_whose_logins_are_refused_is_turned_away() {
    let house = House::new();
    let stage = Stage::new(house.config("", ALL));
    let mut tries = 0;
    while let Some((stream, served)) = stage.arrive([192, 0, 2, 9].into()) {
        assert!(house.ann().connect(stream, "bob").await.is_err());
        served.await.unwrap();
        tries += 1;
    }
    assert_eq!(tries, 4, "5 seconds each, until there are more than 15");
    assert!(stage.log_in(house.ann(), "ann", HERE).await.is_ok(), "others come in");
}

#[tokio::test]
async fn all_channels_together_carry_no_more_than_their_rate() {
    let house = House::new();
    let rate = "[limits]\nbytes = { count = 1000000, per = \"1s\", burst = 100000 }";
    let stage = Stage::new(house.config(rate, ALL));
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let began = Instant::now();
    let mut transfers = JoinSet::new();
    for _ in 0..3 {
        let mut channel = guest.open(&tcp("192.0.2.1", 80)).await.unwrap();
        transfers.spawn(async move {
            reached(&mut channel).await;
            let (mut from, mut to) = tokio::io::split(channel);
            let send = async move {
                to.write_all(&[7; 100_000]).await.unwrap();
                to.shutdown().await.unwrap();
            };
            let mut back = Vec::new();
            let (_, read) = tokio::join!(send, from.read_to_end(&mut back));
            read.unwrap();
            assert_eq!(back.len(), 100_000);
        });
    }
    transfers.join_all().await;
    // 600,000 bytes both ways, and a tenth of a second's worth at once; less what is still owed.
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    guest.leave().await;
    let lines = stage.finish();
    assert_eq!(lines.len(), 3);
    for line in lines {
        assert_eq!(line["bytes_from_client"], 100_000);
        assert_eq!(line["bytes_to_client"], 100_000 + REACHED.len());
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_in_time_is_closed() {
    let house = House::new();
    let stage = Stage::new(house.config("[limits]\nlogin-grace = \"7s\"", ALL));
    let (mut stream, served) = stage.arrive(HERE).unwrap();
    let began = Instant::now();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 7);
    timeout(Duration::from_secs(1), served).await.unwrap().unwrap();
}
