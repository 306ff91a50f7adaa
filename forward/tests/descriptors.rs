//! A process that has run out of file descriptors. This changes the limits of the process,
//! so it is alone in its file.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use adit_forward::accept::Accept;
use adit_forward::entry::Bind;
use adit_forward::tcp::Listener;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_listener_without_descriptors_waits_for_them_and_does_not_spin() {
    let mut listener = Listener::bind(&Bind::Host("127.0.0.1".to_owned()), 0).await.unwrap();
    let client = TcpStream::connect(listener.addresses()[0]).await.unwrap();

    let before = getrlimit(Resource::Nofile);
    let mut none = before;
    none.current = Some(0);
    setrlimit(Resource::Nofile, none).unwrap();
    let began = processor_time();
    let starved = timeout(Duration::from_millis(500), listener.accept()).await;
    let spent = processor_time() - began;
    setrlimit(Resource::Nofile, before).unwrap();

    assert!(starved.is_err(), "there was no descriptor to be had");
    assert!(spent < Duration::from_millis(100), "it spun for {spent:?}");
    let accepted = timeout(Duration::from_secs(10), listener.accept()).await;
    accepted.expect("it went on").unwrap();
    drop(client);
}

/// The time that this process has used its processors.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap()
}
