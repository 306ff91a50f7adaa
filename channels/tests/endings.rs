//! How sessions end: everybody who waits learns it, with the cause, and nothing hangs.

#![cfg(test)]

mod bounded;

use std::io::ErrorKind;
use std::time::Duration;

use adit_channels::memory::{self, End, Path};
use adit_channels::mux::{Keepalive, Load, Violation};
use adit_channels::pipe::Pipe;
use adit_channels::session::{Cause, Channel, Config, OpenError, Session};
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::Kind;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::disconnect::Reason;
use adit_proto::message::global_reply::RequestFailure;
use adit_proto::message::global_request;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use crate::bounded::bounded;

fn tunnel() -> Kind {
    Kind::DirectStreamlocal { path: "/run/x".to_owned() }
}

/// A session and, in place of its peer, the other end of its pipe.
fn alone(config: Config) -> (Session<End>, End) {
    let (here, there) = memory::pair(Path::default());
    (Session::new(here, config), there)
}

/// Two sessions and a channel between them, where the parts of the first are in hand.
async fn channel(path: Path) -> (Session<End>, Channel, Session<End>, Channel) {
    let (here, there) = memory::pair(path);
    let mut here = Session::new(here, Config::default());
    let mut there = Session::new(there, Config::default());
    let open = here.handle.open(tunnel());
    let accept = async { there.openings.next().await.unwrap().accept() };
    tokio::select! {
        biased;
        cause = &mut here.driver => panic!("{cause}"),
        cause = &mut there.driver => panic!("{cause}"),
        (near, far) = async { tokio::join!(open, accept) } => (here, near.unwrap(), there, far),
    }
}

async fn next(end: &mut End) -> Option<ConnectionMessage> {
    std::future::poll_fn(|cx| end.poll_message(cx)).await.unwrap()
}

async fn send(end: &mut End, message: impl Into<ConnectionMessage>) {
    end.send(&message.into());
    std::future::poll_fn(|cx| end.poll_flush(cx)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn when_the_driver_is_dropped_everybody_learns_it() {
    bounded(async {
        let (here, mut near, there, _far) = channel(Path::default()).await;
        tokio::spawn(there.driver);
        let Session { handle, driver, mut openings, mut global_requests, .. } = here;
        let driver = tokio::spawn(driver);
        let asked = handle.open(Kind::Session);
        let question = handle.global_request(global_request::Kind::NoMoreSessions);
        let waiting = tokio::spawn(async move {
            let mut word = [0];
            let read = near.read(&mut word).await.unwrap_err().kind();
            let written = near.write(b"x").await.unwrap_err().kind();
            near.closed().await;
            (read, written)
        });
        let openings = tokio::spawn(async move { openings.next().await.is_none() });
        let requests = tokio::spawn(async move { global_requests.next().await.is_none() });
        let closed = tokio::spawn({
            let handle = handle.clone();
            async move { handle.closed().await }
        });
        sleep(Duration::from_secs(1)).await;
        driver.abort();
        assert!(matches!(asked.await, Err(OpenError::Ended(Cause::Abandoned))));
        assert!(matches!(question.await, Err(Cause::Abandoned)));
        let aborted = ErrorKind::ConnectionAborted;
        assert_eq!(waiting.await.unwrap(), (aborted, aborted));
        assert!(openings.await.unwrap() && requests.await.unwrap());
        assert!(matches!(closed.await.unwrap(), Cause::Abandoned));
        assert!(matches!(handle.open(tunnel()).await, Err(OpenError::Ended(_))));
        assert_eq!(handle.load(), Load::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_received_can_be_read_after_the_end_and_then_the_cause() {
    bounded(async {
        let (here, mut near, there, mut far) = channel(Path::default()).await;
        let driver = tokio::spawn(here.driver);
        far.write_all(b"last words").await.unwrap();
        let far_driver = tokio::spawn(there.driver);
        sleep(Duration::from_secs(1)).await;
        far_driver.abort();
        let cause = driver.await.unwrap();
        assert!(matches!(&cause, Cause::Pipe(error) if error.is::<memory::Error>()), "{cause}");
        let mut input = vec![];
        let error = near.read_to_end(&mut input).await.unwrap_err();
        assert_eq!(input, b"last words");
        assert_eq!(error.to_string(), "the connection failed: the other end is gone");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_of_file_stays_one_when_the_connection_ends_after_it() {
    bounded(async {
        let (here, mut near, there, mut far) = channel(Path::default()).await;
        let driver = tokio::spawn(here.driver);
        let far_driver = tokio::spawn(there.driver);
        far.write_all(b"all").await.unwrap();
        far.shutdown().await.unwrap();
        sleep(Duration::from_secs(1)).await;
        far_driver.abort();
        driver.await.unwrap();
        let mut input = vec![];
        near.read_to_end(&mut input).await.unwrap();
        assert_eq!(input, b"all");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_idle_when_all_that_was_written_has_arrived() {
    bounded(async {
        let (here, mut near, there, mut far) = channel(Path::default()).await;
        let (driver, far_driver) = (tokio::spawn(here.driver), tokio::spawn(there.driver));
        let all = vec![7; 10_000_000];
        let sent = all.clone();
        let sender = tokio::spawn(async move {
            near.write_all(&sent).await.unwrap();
            near.shutdown().await.unwrap();
        });
        let handle = here.handle.clone();
        assert!(timeout(Duration::from_secs(9), handle.idle()).await.is_err(), "it is open");
        let mut input = vec![];
        far.read_to_end(&mut input).await.unwrap();
        drop(far);
        sender.await.unwrap();
        handle.idle().await;
        handle.disconnect();
        assert!(input == all);
        assert!(matches!(driver.await.unwrap(), Cause::Disconnected));
        far_driver.await.unwrap();
        timeout(Duration::from_secs(1), handle.idle()).await.expect("there is nothing any more");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn disconnecting_tells_the_peer_and_breaks_channels_off() {
    bounded(async {
        let (here, mut near, there, mut far) = channel(Path::default()).await;
        let driver = tokio::spawn(here.driver);
        let far_driver = tokio::spawn(there.driver);
        here.handle.disconnect();
        assert!(matches!(driver.await.unwrap(), Cause::Disconnected));
        assert!(matches!(far_driver.await.unwrap(), Cause::PeerLeft));
        for channel in [&mut near, &mut far] {
            let error = channel.read(&mut [0]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn disconnecting_does_not_wait_for_a_peer_that_does_not_read() {
    bounded(async {
        let path = Path { capacity: 100, ..Path::default() };
        let (here, mut near, _there, _far) = channel(path).await;
        let driver = tokio::spawn(here.driver);
        near.write_all(&[7; 100_000]).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        here.handle.disconnect();
        assert!(matches!(driver.await.unwrap(), Cause::Disconnected));
        assert_eq!(start.elapsed().as_secs(), Config::default().linger.as_secs());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_uses_any_more_ends_and_delivers_what_it_owes() {
    bounded(async {
        let (here, mut near, there, mut far) = channel(Path::default()).await;
        let Session { handle, driver, openings, global_requests, .. } = here;
        let driver = tokio::spawn(driver);
        let far_driver = tokio::spawn(there.driver);
        drop((handle.clone(), handle, openings, global_requests));
        near.write_all(&[7; 200_000]).await.unwrap();
        near.shutdown().await.unwrap();
        assert!(!driver.is_finished());
        drop(near);
        let mut input = vec![];
        far.read_to_end(&mut input).await.unwrap();
        assert_eq!(input.len(), 200_000);
        assert!(matches!(driver.await.unwrap(), Cause::Disconnected));
        assert!(matches!(far_driver.await.unwrap(), Cause::PeerLeft));
    })
    .await;
}

/// Of a session that does not ask how long the path is: windows that cannot grow need not know.
fn unmeasured() -> Config {
    let mut config = Config::default();
    config.limits.max_window = config.limits.initial_window;
    config
}

#[tokio::test(start_paused = true)]
async fn a_session_that_may_hardly_do_anything_does_it() {
    bounded(async {
        let mut config = unmeasured();
        (config.backlog, config.burst) = (0, 0);
        let (session, mut there) = alone(config);
        tokio::spawn(session.driver);
        let _asked = session.handle.open(tunnel());
        assert!(matches!(next(&mut there).await, Some(ConnectionMessage::ChannelOpen(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unused_session_ends_at_once() {
    bounded(async {
        let (Session { driver, .. }, mut there) = alone(unmeasured());
        assert!(matches!(driver.await, Cause::Disconnected));
        assert_eq!(next(&mut there).await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_the_protocol_is_told_and_cut_off() {
    bounded(async {
        let (session, mut there) = alone(unmeasured());
        let driver = tokio::spawn(session.driver);
        let data = ChannelData { recipient: ChannelId(3), data: Bytes::new() };
        send(&mut there, data).await;
        let cause = driver.await.unwrap();
        assert!(matches!(cause, Cause::Violation(Violation::NotOpen { .. })), "{cause}");
        assert_eq!(next(&mut there).await, None);
        let words = "the peer misbehaved: SSH_MSG_CHANNEL_DATA for channel 3, which is not open";
        assert_eq!(session.handle.closed().await.to_string(), words);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_of_the_peer_is_told_apart_from_a_cut() {
    bounded(async {
        let (session, mut there) = alone(Config::default());
        there.disconnect(Reason::BY_APPLICATION, "");
        std::future::poll_fn(|cx| there.poll_flush(cx)).await.unwrap();
        let handle = session.handle.clone();
        assert!(matches!(session.driver.await, Cause::PeerLeft));
        assert!(matches!(handle.closed().await, Cause::PeerLeft));
        let (session, there) = alone(Config::default());
        let _handle = session.handle.clone();
        drop(there);
        assert!(matches!(session.driver.await, Cause::Pipe(_)));
    })
    .await;
}

fn watchful() -> Config {
    let mut config = Config::default();
    config.limits.keepalive = Some(Keepalive { interval: Duration::from_secs(15), count: 3 });
    config
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_dead_after_a_minute() {
    bounded(async {
        let (session, mut there) = alone(watchful());
        let start = Instant::now();
        let driver = tokio::spawn(session.driver);
        let asked = session.handle.open(tunnel());
        assert!(matches!(driver.await.unwrap(), Cause::Unresponsive(_)));
        assert_eq!(start.elapsed().as_secs(), 60);
        let words = "no sign of life from the peer for 60 seconds";
        assert_eq!(asked.await.unwrap_err().to_string(), words);
        let mut questions = 0;
        while let Some(message) = next(&mut there).await {
            questions += usize::from(matches!(message, ConnectionMessage::GlobalRequest(_)));
        }
        assert_eq!(questions, 4, "three about life, and one about the path");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_dead_as_soon() {
    bounded(async {
        let (here, _there) = memory::pair(Path { capacity: 1, ..Path::default() });
        let session = Session::new(here, watchful());
        let start = Instant::now();
        let _asked = session.handle.open(tunnel());
        assert!(matches!(session.driver.await, Cause::Unresponsive(_)));
        // And the last words have their second.
        assert_eq!(start.elapsed().as_secs(), 61);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_refuses_to_answer_lives() {
    bounded(async {
        let (session, mut there) = alone(watchful());
        let driver = tokio::spawn(session.driver);
        for _ in 0..100 {
            assert!(matches!(next(&mut there).await, Some(ConnectionMessage::GlobalRequest(_))));
            send(&mut there, RequestFailure {}).await;
        }
        assert!(!driver.is_finished());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sessions_that_both_watch_keep_each_other_alive() {
    bounded(async {
        let (here, there) = memory::pair(Path { delay: Duration::from_secs(2), ..Path::default() });
        let (here, there) = (Session::new(here, watchful()), Session::new(there, watchful()));
        let _handles = (here.handle.clone(), there.handle.clone());
        let both = async { tokio::join!(here.driver, there.driver) };
        assert!(timeout(Duration::from_secs(100_000), both).await.is_err());
    })
    .await;
}
