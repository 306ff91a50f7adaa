//! Many channels at once: all are served, none waits for another, memory stays within its
//! bound, and tasks are woken no more often than they have something to do.

#![cfg(test)]

mod bounded;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use adit_channels::memory::{self, End, Path};
use adit_channels::mux::Load;
use adit_channels::pipe::Pipe;
use adit_channels::session::{Cause, Channel, Config, Driver, Openings, Session};
use adit_proto::message::channel_data::ChannelWindowAdjust;
use adit_proto::message::channel_open::{ChannelOpenConfirmation, Kind};
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::wire::Rest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::bounded::bounded;

fn tunnel() -> Kind {
    Kind::DirectStreamlocal { path: "/run/x".to_owned() }
}

fn pair(path: Path) -> (Session<End>, Session<End>) {
    let (here, there) = memory::pair(path);
    (Session::new(here, Config::default()), Session::new(there, Config::default()))
}

/// Sends back what comes on every channel that the peer opens.
async fn echo(mut openings: Openings) {
    while let Some(opening) = openings.next().await {
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(opening.accept());
            // A channel that breaks off is the business of its opener.
            if tokio::io::copy(&mut read, &mut write).await.is_ok() {
                let _ = write.shutdown().await;
            }
        });
    }
}

/// Sends bytes that are this channel's own, and has them back.
async fn round_trip(channel: Channel, number: usize, len: usize) {
    let (mut read, mut write) = tokio::io::split(channel);
    let bytes: Vec<u8> =
        (0..len).map(|place| u8::try_from((place * 31 + number) % 251).unwrap()).collect();
    let mut back = vec![];
    let send = async {
        write.write_all(&bytes).await.unwrap();
        write.shutdown().await.unwrap();
    };
    tokio::join!(send, async { read.read_to_end(&mut back).await.unwrap() });
    assert!(back == bytes, "channel {number}");
}

/// A driver that counts how often it is polled.
struct Counted {
    driver: Driver<End>,
    polls: Arc<AtomicUsize>,
}

impl Counted {
    fn new(driver: Driver<End>) -> (Self, Arc<AtomicUsize>) {
        let polls = Arc::new(AtomicUsize::new(0));
        (Self { driver, polls: polls.clone() }, polls)
    }
}

impl Future for Counted {
    type Output = Cause;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Cause> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.driver).poll(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_channels_echo_at_once() {
    bounded(async {
        for (capacity, delay) in [(64 * 1024, 0), (5000, 0), (1 << 20, 50)] {
            let (here, there) = pair(Path { capacity, delay: Duration::from_millis(delay) });
            tokio::spawn(here.driver);
            tokio::spawn(there.driver);
            tokio::spawn(echo(there.openings));
            let mut channels = JoinSet::new();
            for number in 0..1000 {
                let asked = here.handle.open(tunnel());
                channels.spawn(
                    async move { round_trip(asked.await.unwrap(), number, 64 * 1024).await },
                );
            }
            let all = async { while channels.join_next().await.is_some_and(|it| it.is_ok()) {} };
            timeout(Duration::from_secs(600), all).await.unwrap();
            assert!(channels.is_empty());
            sleep(Duration::from_secs(1)).await;
            assert_eq!(
                (here.handle.load(), there.handle.load()),
                (Load::default(), Load::default())
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn channels_on_several_threads_lose_no_wakeup() {
    let (here, there) = pair(Path { capacity: 20_000, ..Path::default() });
    tokio::spawn(here.driver);
    tokio::spawn(there.driver);
    tokio::spawn(echo(there.openings));
    let mut channels = JoinSet::new();
    for number in 0..32 {
        let handle = here.handle.clone();
        channels.spawn(async move {
            for round in 0..8 {
                let channel = handle.open(tunnel()).await.unwrap();
                round_trip(channel, number + round, 100_000).await;
            }
        });
    }
    let all = async { while channels.join_next().await.is_some_and(|it| it.is_ok()) {} };
    timeout(Duration::from_secs(60), all).await.unwrap();
    assert!(channels.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_for_good_stalls_nobody_and_holds_a_window_at_most() {
    bounded(async {
        let (here, mut there) = pair(Path { delay: Duration::from_millis(1), ..Path::default() });
        tokio::spawn(here.driver);
        tokio::spawn(there.driver);
        let (stalled, _unread) = tokio::join!(here.handle.open(tunnel()), async {
            there.openings.next().await.unwrap().accept()
        });
        let mut stalled = stalled.unwrap();
        tokio::spawn(async move { stalled.write_all(&vec![7; 100 << 20]).await });
        tokio::spawn(echo(there.openings));
        let mut most = 0;
        for number in 0..50 {
            let channel = here.handle.open(tunnel()).await.unwrap();
            timeout(Duration::from_secs(5), round_trip(channel, number, 1 << 20)).await.unwrap();
            most = most.max(there.handle.load().inbox);
        }
        let window = usize::try_from(Config::default().limits.initial_window).unwrap();
        assert!((window..2 * window).contains(&most), "{most}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_not_polled_and_a_busy_one_for_cause() {
    bounded(async {
        let (here, there) = pair(Path::default());
        let (driver, polls) = Counted::new(here.driver);
        let (far_driver, far_polls) = Counted::new(there.driver);
        tokio::spawn(driver);
        tokio::spawn(far_driver);
        tokio::spawn(echo(there.openings));
        let mut channel = here.handle.open(tunnel()).await.unwrap();
        sleep(Duration::from_secs(1)).await;

        let start = polls.load(Ordering::Relaxed);
        sleep(Duration::from_secs(1_000_000)).await;
        assert_eq!(polls.load(Ordering::Relaxed), start);

        let mut byte = [0];
        for _ in 0..1000 {
            channel.write_all(&byte).await.unwrap();
            channel.read_exact(&mut byte).await.unwrap();
        }
        // Twice for what goes, as others have their turn first, and once for what comes.
        let polled = polls.load(Ordering::Relaxed) - start;
        assert!(polled <= 3100, "{polled} polls for 1000 round trips");
        let far_polled = far_polls.load(Ordering::Relaxed);
        assert!(far_polled <= 3100, "{far_polled} polls for 1000 round trips");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_pipe_is_full_is_not_polled_for_what_it_cannot_send() {
    bounded(async {
        let (here, _there) = memory::pair(Path { capacity: 1, ..Path::default() });
        let mut config = Config::default();
        config.backlog = 10;
        let session = Session::new(here, config);
        let (driver, polls) = Counted::new(session.driver);
        let driver = tokio::spawn(driver);
        let mut asked = vec![];
        for _ in 0..100 {
            asked.push(session.handle.open(tunnel()));
            sleep(Duration::from_millis(1)).await;
        }
        assert!(polls.load(Ordering::Relaxed) <= 3, "{polls:?}");
        assert!(!driver.is_finished());
        // But to end it, it is.
        session.handle.disconnect();
        assert!(matches!(driver.await.unwrap(), Cause::Disconnected));
    })
    .await;
}

/// Takes the place of a peer that grants every channel a great window.
async fn grant(there: &mut End, channels: usize) {
    for _ in 0..channels {
        let open = match next(there).await {
            ConnectionMessage::ChannelOpen(open) => open,
            other => panic!("{other:?}"),
        };
        there.send(&ConnectionMessage::from(ChannelOpenConfirmation {
            recipient: open.sender,
            sender: open.sender,
            window: 1 << 30,
            max_packet: 32 * 1024,
            data: Rest::default(),
        }));
    }
    std::future::poll_fn(|cx| there.poll_flush(cx)).await.unwrap();
}

/// The next message, but for questions about the path.
async fn next(there: &mut End) -> ConnectionMessage {
    loop {
        match std::future::poll_fn(|cx| there.poll_message(cx)).await.unwrap().unwrap() {
            ConnectionMessage::GlobalRequest(_) => {}
            message => return message,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_write_passes_the_bulk_of_eight_others() {
    bounded(async {
        let path = Path { capacity: 32 * 1024, ..Path::default() };
        let (here, mut there) = memory::pair(path);
        let session = Session::new(here, Config::default());
        tokio::spawn(session.driver);
        let asked: Vec<_> = (0..9).map(|_| session.handle.open(tunnel())).collect();
        grant(&mut there, 9).await;
        let mut channels = vec![];
        for channel in asked {
            channels.push(channel.await.unwrap());
        }
        let mut small = channels.pop().unwrap();
        for mut bulk in channels {
            tokio::spawn(async move { bulk.write_all(&vec![7; 20 << 20]).await });
        }
        let mut worst = 0;
        for _ in 0..20 {
            // Until everything is full.
            for _ in 0..20 {
                next(&mut there).await;
            }
            sleep(Duration::from_millis(10)).await;
            small.write_all(b"key").await.unwrap();
            let mut ahead = 0;
            loop {
                match next(&mut there).await {
                    ConnectionMessage::ChannelData(it) if it.data == b"key"[..] => break,
                    ConnectionMessage::ChannelData(it) => ahead += it.data.len(),
                    _ => {}
                }
            }
            worst = worst.max(ahead);
        }
        // What the path holds and a pipe that has to wait, each with the message that filled it.
        let held = path.capacity + 64 * 1024 + 2 * 32 * 1024;
        assert!(worst <= held, "{worst} bytes ahead");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bulk_is_shared_evenly_whatever_a_channel_writes_at_once() {
    bounded(async {
        let (here, mut there) = memory::pair(Path::default());
        let session = Session::new(here, Config::default());
        tokio::spawn(session.driver);
        let asked: Vec<_> = (0..4).map(|_| session.handle.open(tunnel())).collect();
        grant(&mut there, 4).await;
        for (asked, len) in asked.into_iter().zip([1000, 10_000, 100_000, 1_000_000]) {
            let mut channel = asked.await.unwrap();
            tokio::spawn(async move { while channel.write_all(&vec![7; len]).await.is_ok() {} });
        }
        let mut got = [0_usize; 4];
        for _ in 0..2000 {
            if let ConnectionMessage::ChannelData(it) = next(&mut there).await {
                got[usize::try_from(it.recipient.0).unwrap()] += it.data.len();
            }
        }
        let (least, most) = (got.iter().min().unwrap(), got.iter().max().unwrap());
        assert!(most - least <= most / 20, "{got:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn credit_for_a_channel_goes_out_while_others_send_bulk() {
    bounded(async {
        let (here, mut there) = memory::pair(Path { capacity: 32 * 1024, ..Path::default() });
        let session = Session::new(here, Config::default());
        tokio::spawn(session.driver);
        let asked = session.handle.open(tunnel());
        grant(&mut there, 1).await;
        let (mut read, mut write) = tokio::io::split(asked.await.unwrap());
        tokio::spawn(async move { write.write_all(&vec![7; 100 << 20]).await });
        tokio::spawn(async move { tokio::io::copy(&mut read, &mut tokio::io::sink()).await });
        let mut credit = 0;
        for _ in 0..100 {
            let data = bytes::Bytes::from(vec![7; 32 * 1024]);
            let recipient = adit_proto::message::channel_id::ChannelId(0);
            there.send(&adit_proto::message::channel_data::ChannelData { recipient, data }.into());
            match next(&mut there).await {
                ConnectionMessage::ChannelWindowAdjust(ChannelWindowAdjust {
                    bytes_to_add,
                    ..
                }) => {
                    credit += usize::try_from(bytes_to_add).unwrap();
                }
                _ => continue,
            }
        }
        assert!(credit > 50 * 32 * 1024, "{credit}");
    })
    .await;
}
