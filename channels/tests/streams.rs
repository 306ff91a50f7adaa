//! Channels of two joined sessions as byte streams: what goes in comes out, half-close goes
//! both ways, and requests and refusals reach whom they concern.

#![cfg(test)]

mod bounded;

use std::io::ErrorKind;
use std::time::Duration;

use adit_channels::memory::{self, End, Path};
use adit_channels::mux::{Answer, Load, Verdict};
use adit_channels::session::{
    Cause, Channel, Config, GlobalRequests, Handle, OpenError, Openings, Session,
};
use adit_proto::message::channel_open::{Kind, Reason};
use adit_proto::message::channel_request;
use adit_proto::message::global_request::{self, Bind};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::bounded::bounded;

/// The parts of a session whose driver runs.
struct Side {
    handle: Handle,
    openings: Openings,
    global_requests: GlobalRequests,
    driver: JoinHandle<Cause>,
}

fn side(pipe: End) -> Side {
    let Session { handle, driver, openings, global_requests, .. } =
        Session::new(pipe, Config::default());
    Side { handle, openings, global_requests, driver: tokio::spawn(driver) }
}

fn joined() -> (Side, Side) {
    let delay = Duration::from_millis(10);
    let (here, there) = memory::pair(Path { delay, ..Path::default() });
    (side(here), side(there))
}

fn tunnel() -> Kind {
    Kind::DirectStreamlocal { path: "/run/x".to_owned() }
}

/// Two sides and a channel between them.
async fn channel(kind: Kind) -> (Side, Side, Channel, Channel) {
    let (here, mut there) = joined();
    let (near, far) = tokio::join!(here.handle.open(kind), async {
        there.openings.next().await.unwrap().accept()
    });
    (here, there, near.unwrap(), far)
}

/// Waits until nothing is under way any more, for which virtual time is long.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn bytes_arrive_in_both_directions_at_once() {
    bounded(async {
        let (_here, _there, near, far) = channel(tunnel()).await;
        let there: Vec<u8> = (0..1_000_000).map(|place: u32| place.to_le_bytes()[1]).collect();
        let back: Vec<u8> = there.iter().map(|byte| byte ^ 0x55).collect();
        let exchange = |channel: Channel, out: Vec<u8>| async move {
            let (mut read, mut write) = tokio::io::split(channel);
            let mut input = vec![];
            let send = async {
                write.write_all(&out).await.unwrap();
                write.shutdown().await.unwrap();
            };
            tokio::join!(send, async { read.read_to_end(&mut input).await.unwrap() });
            input
        };
        let (got_back, got_there) =
            tokio::join!(exchange(near, there.clone()), exchange(far, back.clone()));
        assert!(got_there == there && got_back == back);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn chunks_are_read_and_written_whole() {
    bounded(async {
        let (_here, _there, mut near, mut far) = channel(tunnel()).await;
        let mut chunk = Bytes::from(vec![7; 20_000]);
        let written =
            std::future::poll_fn(|cx| near.poll_write_chunk(cx, &mut chunk)).await.unwrap();
        assert_eq!((written, chunk.len()), (20_000, 0));
        near.shutdown().await.unwrap();
        assert_eq!(far.chunk().await.unwrap().unwrap().len(), 20_000);
        assert_eq!(far.chunk().await.unwrap(), None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_chunk_after_a_short_read_is_the_rest() {
    bounded(async {
        let (_here, _there, mut near, mut far) = channel(tunnel()).await;
        near.write_all(b"hello").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'h');
        assert_eq!(far.chunk().await.unwrap().unwrap(), "ello");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_side_can_finish_first() {
    bounded(async {
        for swapped in [false, true] {
            let (_here, _there, near, far) = channel(tunnel()).await;
            let (mut first, mut second) = if swapped { (far, near) } else { (near, far) };
            first.write_all(b"question").await.unwrap();
            first.shutdown().await.unwrap();
            let mut question = String::new();
            second.read_to_string(&mut question).await.unwrap();
            // The other direction is open still, for as long as it likes.
            settle().await;
            second.write_all(b"answer").await.unwrap();
            second.shutdown().await.unwrap();
            let mut answer = String::new();
            first.read_to_string(&mut answer).await.unwrap();
            assert_eq!((question.as_str(), answer.as_str()), ("question", "answer"));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_was_finished_and_dropped_delivers_everything() {
    bounded(async {
        let (here, _there, mut near, mut far) = channel(tunnel()).await;
        near.write_all(&[7; 200_000]).await.unwrap();
        near.shutdown().await.unwrap();
        drop(near);
        let mut input = vec![];
        assert_eq!(far.read_to_end(&mut input).await.unwrap(), 200_000);
        far.closed().await;
        assert_eq!(far.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        settle().await;
        assert_eq!(here.handle.load(), Load::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_was_dropped_unfinished_is_a_reset_and_never_an_end_of_file() {
    bounded(async {
        let (_here, there, mut near, mut far) = channel(tunnel()).await;
        near.write_all(b"part").await.unwrap();
        settle().await;
        drop(near);
        let mut input = vec![];
        let error = far.read_to_end(&mut input).await.unwrap_err();
        assert_eq!((error.kind(), input.as_slice()), (ErrorKind::ConnectionReset, &b"part"[..]));
        assert_eq!(far.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(far.shutdown().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        drop(far);
        assert_eq!(there.handle.load(), Load::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_aborted_channel_is_a_reset_though_it_was_finished() {
    bounded(async {
        let (_here, _there, mut near, mut far) = channel(tunnel()).await;
        near.write_all(&[7; 200_000]).await.unwrap();
        near.shutdown().await.unwrap();
        near.abort();
        let error = far.read_to_end(&mut vec![]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_is_noticed_by_who_neither_reads_nor_writes() {
    bounded(async {
        let (_here, _there, mut near, mut far) = channel(tunnel()).await;
        near.shutdown().await.unwrap();
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
        let mut closed = tokio::spawn(async move {
            far.closed().await;
            far
        });
        assert!(!finished(&mut closed).await, "an end of file is no close");
        drop(near);
        assert!(finished(&mut closed).await);
    })
    .await;
}

/// Whether a task is finished when nothing is under way any more.
async fn finished<T>(task: &mut JoinHandle<T>) -> bool {
    settle().await;
    task.is_finished()
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_while_the_peer_does_not_read() {
    bounded(async {
        let (_here, there, mut near, mut far) = channel(tunnel()).await;
        let mut writer = tokio::spawn(async move {
            near.write_all(&vec![7; 10 << 20]).await.unwrap();
            near.shutdown().await.unwrap();
            near
        });
        assert!(!finished(&mut writer).await);
        assert_eq!(there.handle.load().inbox, 2 << 20);
        let mut input = vec![];
        assert_eq!(far.read_to_end(&mut input).await.unwrap(), 10 << 20);
        assert!(finished(&mut writer).await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_reaches_who_asked() {
    bounded(async {
        let (here, mut there) = joined();
        let asked = tokio::spawn(here.handle.open(tunnel()));
        let opening = there.openings.next().await.unwrap();
        assert_eq!(*opening.kind(), tunnel());
        opening.refuse(Reason::ADMINISTRATIVELY_PROHIBITED, "not there");
        let error = asked.await.unwrap().unwrap_err();
        let words = "the peer refused the channel: administratively prohibited (not there)";
        assert_eq!(error.to_string(), words);
        assert_eq!(std::io::Error::from(error).kind(), ErrorKind::ConnectionRefused);
        assert_eq!(here.handle.load(), Load::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_is_dropped_is_refused() {
    bounded(async {
        let (here, mut there) = joined();
        let asked = tokio::spawn(here.handle.open(tunnel()));
        drop(there.openings.next().await.unwrap());
        match asked.await.unwrap() {
            Err(OpenError::Refused(refusal)) => assert_eq!(refusal.reason, Reason::CONNECT_FAILED),
            other => panic!("{other:?}"),
        }
        assert_eq!(there.handle.load(), Load::default());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_takes_no_channels_refuses_them_before_and_after() {
    bounded(async {
        let (here, there) = joined();
        let before = tokio::spawn(here.handle.open(tunnel()));
        settle().await;
        drop(there.openings);
        let after = here.handle.open(tunnel()).await;
        for refused in [before.await.unwrap(), after] {
            match refused {
                Err(OpenError::Refused(refusal)) => {
                    assert_eq!(refusal.reason, Reason::ADMINISTRATIVELY_PROHIBITED);
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_for_a_channel_can_be_withdrawn_at_any_time() {
    bounded(async {
        let (here, mut there) = joined();
        // Before it has gone.
        drop(here.handle.open(tunnel()));
        settle().await;
        assert_eq!(there.handle.load(), Load::default());
        // While the peer decides.
        let asked = here.handle.open(tunnel());
        let opening = there.openings.next().await.unwrap();
        drop(asked);
        let mut far = opening.accept();
        let error = far.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        drop(far);
        // When the answer is there already.
        let asked = here.handle.open(tunnel());
        let far = there.openings.next().await.unwrap().accept();
        settle().await;
        drop(asked);
        drop(far);
        settle().await;
        assert_eq!((here.handle.load(), there.handle.load()), (Load::default(), Load::default()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_looks_at_does_not_harm_the_next_channel() {
    bounded(async {
        let (here, mut there) = joined();
        let first = here.handle.open(tunnel());
        drop(there.openings.next().await.unwrap());
        settle().await;
        // It is gone, and the next has its number.
        let second = here.handle.open(tunnel());
        drop(first);
        let _far = there.openings.next().await.unwrap().accept();
        assert_eq!(second.await.unwrap().id().number().0, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn too_many_channels_are_refused_on_either_side() {
    bounded(async {
        let mut config = Config::default();
        config.limits.channels = 2;
        let (here, there) = memory::pair(Path::default());
        let here = Session::new(here, config);
        let there = Session::new(there, Config::default());
        tokio::spawn(here.driver);
        tokio::spawn(there.driver);
        let _asked = [here.handle.open(tunnel()), here.handle.open(tunnel())];
        assert!(matches!(here.handle.open(tunnel()).await, Err(OpenError::Shortage(_))));
        match there.handle.open(tunnel()).await {
            Err(OpenError::Refused(refusal)) => {
                assert_eq!(refusal.reason, Reason::RESOURCE_SHORTAGE);
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_program_is_run_and_its_end_told() {
    bounded(async {
        let (_here, _there, mut near, mut far) = channel(Kind::Session).await;
        let mut errors = near.stderr();
        let server = async {
            let request = far.next_request().await.unwrap();
            let command = Bytes::from_static(b"cat");
            assert_eq!(*request.kind(), channel_request::Kind::Exec { command });
            request.grant();
            let mut input = vec![];
            far.read_to_end(&mut input).await.unwrap();
            far.stderr().write_all(b"done").await.unwrap();
            far.write_all(&input).await.unwrap();
            far.notify(channel_request::Kind::ExitStatus { status: 7 }).unwrap();
            far.shutdown().await.unwrap();
            drop(far);
        };
        let client = async {
            let command = Bytes::from_static(b"cat");
            let exec = near.request(channel_request::Kind::Exec { command });
            assert_eq!(exec.await.unwrap(), Verdict::Granted);
            near.write_all(b"meow").await.unwrap();
            near.shutdown().await.unwrap();
            let (mut output, mut words) = (String::new(), String::new());
            near.read_to_string(&mut output).await.unwrap();
            errors.read_to_string(&mut words).await.unwrap();
            let status = near.next_request().await.unwrap();
            assert_eq!(*status.kind(), channel_request::Kind::ExitStatus { status: 7 });
            assert_eq!((output.as_str(), words.as_str()), ("meow", "done"));
            assert!(near.next_request().await.is_none());
        };
        tokio::join!(server, client);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_or_unknown_is_refused() {
    bounded(async {
        let (_here, _there, near, mut far) = channel(Kind::Session).await;
        let known = near.request(channel_request::Kind::Shell);
        let unknown = near.request(channel_request::Kind::Keepalive);
        drop(far.next_request().await.unwrap());
        assert_eq!(known.await.unwrap(), Verdict::Refused);
        assert_eq!(unknown.await.unwrap(), Verdict::Refused);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_on_a_channel_that_is_closed_is_an_error() {
    bounded(async {
        let (_here, _there, near, far) = channel(Kind::Session).await;
        let asked = near.request(channel_request::Kind::Shell);
        drop(far);
        assert_eq!(asked.await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let late = near.request(channel_request::Kind::Shell);
        assert_eq!(late.await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert!(near.notify(channel_request::Kind::Shell).is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_to_global_requests_keep_their_order() {
    bounded(async {
        let (here, mut there) = joined();
        let forward = |port| {
            let bind = Bind { address: "localhost".to_owned(), port };
            here.handle.global_request(global_request::Kind::TcpipForward(bind))
        };
        let asked = [forward(1), forward(2), forward(3)];
        let unknown = here.handle.global_request(global_request::Kind::Keepalive);
        let mut requests = vec![];
        for _ in 0..3 {
            requests.push(there.global_requests.next().await.unwrap());
        }
        // Answered in another order.
        requests.pop().unwrap().grant(Bytes::from_static(b"3"));
        drop(requests.pop());
        requests.pop().unwrap().grant(Bytes::from_static(b"1"));
        let [first, second, third] = asked;
        assert_eq!(first.await.unwrap(), Answer::Granted(Bytes::from_static(b"1")));
        assert_eq!(second.await.unwrap(), Answer::Refused);
        assert_eq!(third.await.unwrap(), Answer::Granted(Bytes::from_static(b"3")));
        assert_eq!(unknown.await.unwrap(), Answer::Refused);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_awaits_does_not_go_to_the_next_who_asked() {
    bounded(async {
        let (here, mut there) = joined();
        drop(here.handle.global_request(global_request::Kind::NoMoreSessions));
        let second = here.handle.global_request(global_request::Kind::NoMoreSessions);
        there.global_requests.next().await.unwrap().refuse();
        there.global_requests.next().await.unwrap().grant(Bytes::from_static(b"2"));
        assert_eq!(second.await.unwrap(), Answer::Granted(Bytes::from_static(b"2")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_takes_no_global_requests_refuses_them_before_and_after() {
    bounded(async {
        let (here, there) = joined();
        let before = here.handle.global_request(global_request::Kind::NoMoreSessions);
        settle().await;
        drop(there.global_requests);
        assert_eq!(before.await.unwrap(), Answer::Refused);
        let after = here.handle.global_request(global_request::Kind::NoMoreSessions);
        assert_eq!(after.await.unwrap(), Answer::Refused);
        here.handle.notify(global_request::Kind::NoMoreSessions);
        settle().await;
        assert!(!there.driver.is_finished());
    })
    .await;
}
