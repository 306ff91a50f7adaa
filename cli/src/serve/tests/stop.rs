//! A gateway that is told to stop.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::serve::tests::stage::{ALL, HERE, House, Stage, tcp};
use crate::serve::tests::world::reached;

#[tokio::test]
async fn what_runs_ends_by_itself_and_nothing_new_begins() {
    let house = House::new();
    let stage = Stage::new(house.config("", ALL));
    let busy = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let idle = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let mut channel = busy.open(&tcp("192.0.2.1", 80)).await.unwrap();
    reached(&mut channel).await;
    stage.switch.stop(Duration::from_secs(60));
    timeout(Duration::from_secs(10), idle.served).await.expect("it has nothing to do").unwrap();
    assert!(busy.open(&tcp("192.0.2.1", 80)).await.is_err());
    channel.write_all(b"the last").await.unwrap();
    channel.shutdown().await.unwrap();
    let mut back = Vec::new();
    channel.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, b"the last");
    drop(channel);
    timeout(Duration::from_secs(10), busy.served).await.expect("it is done").unwrap();
    let lines = stage.finish();
    assert_eq!((lines.len(), &lines[0]["bytes_from_client"]), (1, &8.into()));
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off_and_has_its_line() {
    let house = House::new();
    let stage = Stage::new(house.config("", ALL));
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let mut channel = guest.open(&tcp("192.0.2.1", 80)).await.unwrap();
    reached(&mut channel).await;
    stage.switch.stop(Duration::from_millis(50));
    assert!(channel.read(&mut [0]).await.is_err());
    guest.served.await.unwrap();
    assert_eq!(stage.finish().len(), 1);
}
