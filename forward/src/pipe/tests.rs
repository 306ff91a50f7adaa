//! What becomes of two programs that a pipe joins.

use std::task::Waker;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::*;
use crate::sim;

/// A pipe that runs, and the streams of the two programs it joins.
struct Rig {
    app: sim::Stream,
    server: sim::Stream,
    pipe: JoinHandle<Result<Traffic, Broken>>,
}

fn rig(capacity: usize, chunk: usize) -> Rig {
    let (app, a) = sim::pair(capacity, chunk);
    let (b, server) = sim::pair(capacity, chunk);
    let pipe = tokio::spawn(async move { pipe(a, b, &Meter::default()).await });
    Rig { app, server, pipe }
}

impl Rig {
    async fn ends_with(self) -> Result<Traffic, Broken> {
        timeout(Duration::from_secs(60), self.pipe).await.expect("the pipe hangs").unwrap()
    }
}

async fn all_of(stream: &mut sim::Stream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.map(|_| bytes)
}

#[tokio::test(start_paused = true)]
async fn the_app_may_finish_first_and_still_gets_its_answer() {
    let mut rig = rig(64, 7);
    rig.app.write_all(b"question").await.unwrap();
    rig.app.shutdown().await.unwrap();
    assert_eq!(all_of(&mut rig.server).await.unwrap(), b"question");
    rig.server.write_all(b"a long answer").await.unwrap();
    rig.server.shutdown().await.unwrap();
    assert_eq!(all_of(&mut rig.app).await.unwrap(), b"a long answer");
    assert_eq!(rig.ends_with().await.unwrap(), Traffic { a_to_b: 8, b_to_a: 13 });
}

#[tokio::test(start_paused = true)]
async fn the_server_may_finish_first_and_still_be_told() {
    let mut rig = rig(64, 7);
    rig.server.write_all(b"greeting").await.unwrap();
    rig.server.shutdown().await.unwrap();
    assert_eq!(all_of(&mut rig.app).await.unwrap(), b"greeting");
    rig.app.write_all(b"a late upload").await.unwrap();
    rig.app.shutdown().await.unwrap();
    assert_eq!(all_of(&mut rig.server).await.unwrap(), b"a late upload");
    assert_eq!(rig.ends_with().await.unwrap(), Traffic { a_to_b: 13, b_to_a: 8 });
}

#[tokio::test(start_paused = true)]
async fn both_may_finish_at_once() {
    let mut rig = rig(64, 7);
    rig.app.write_all(b"one").await.unwrap();
    rig.server.write_all(b"two").await.unwrap();
    rig.app.shutdown().await.unwrap();
    rig.server.shutdown().await.unwrap();
    assert_eq!(all_of(&mut rig.app).await.unwrap(), b"two");
    assert_eq!(all_of(&mut rig.server).await.unwrap(), b"one");
    assert!(rig.ends_with().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn both_may_finish_without_a_byte_in_either_order() {
    for app_first in [true, false] {
        let mut rig = rig(64, 7);
        let (first, second) = match app_first {
            true => (&mut rig.app, &mut rig.server),
            false => (&mut rig.server, &mut rig.app),
        };
        first.shutdown().await.unwrap();
        assert_eq!(all_of(second).await.unwrap(), b"");
        second.shutdown().await.unwrap();
        assert_eq!(all_of(first).await.unwrap(), b"");
        assert_eq!(rig.ends_with().await.unwrap(), Traffic::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_either_side_resets_the_other() {
    for side in [Side::A, Side::B] {
        let Rig { mut app, mut server, pipe } = rig(64, 7);
        app.write_all(b"x").await.unwrap();
        server.write_all(b"y").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
        assert_eq!(app.read_u8().await.unwrap(), b'y');
        let mut left = match side {
            Side::A => {
                drop(app);
                server
            }
            Side::B => {
                drop(server);
                app
            }
        };
        let error = all_of(&mut left).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(pipe.await.unwrap().unwrap_err().side, side);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_no_clean_end_after_a_half_close_either() {
    let Rig { mut app, mut server, pipe } = rig(64, 7);
    app.shutdown().await.unwrap();
    assert_eq!(all_of(&mut server).await.unwrap(), b"");
    server.write_all(b"half an ans").await.unwrap();
    drop(server);
    let mut answer = Vec::new();
    let error = app.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(
        (error.kind(), answer.as_slice()),
        (ErrorKind::ConnectionReset, &b"half an ans"[..])
    );
    assert_eq!(pipe.await.unwrap().unwrap_err().side, Side::B);
}

#[tokio::test(start_paused = true)]
async fn a_reset_reaches_a_side_that_is_only_written_to() {
    let Rig { app, mut server, pipe } = rig(64, 64);
    drop(app);
    while server.write_all(&[0; 64]).await.is_ok() {}
    assert_eq!(pipe.await.unwrap().unwrap_err().side, Side::A);
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_one_direction_does_not_stop_the_other() {
    let Rig { mut app, mut server, pipe } = rig(1_000, 1_000);
    let upload = tokio::spawn(async move {
        let bytes = vec![1; 1_000_000];
        let sent = app.write_all(&bytes);
        assert!(timeout(Duration::from_secs(5), sent).await.is_err(), "it is stalled");
        let mut bytes = vec![0; 500_000];
        app.read_exact(&mut bytes).await.unwrap();
        assert!(bytes.iter().all(|byte| *byte == 2));
        app
    });
    server.write_all(&vec![2; 500_000]).await.unwrap();
    let app = upload.await.unwrap();
    assert_eq!(server.waiting(), 1_000);
    assert!(!pipe.is_finished());
    drop((app, server));
    assert!(pipe.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_side_said_before_it_went_deaf_is_delivered() {
    let Rig { mut app, mut server, pipe } = rig(64, 7);
    server.go_deaf();
    server.write_all(b"413 too large").await.unwrap();
    server.shutdown().await.unwrap();
    app.write_all(b"a large body").await.unwrap();
    assert_eq!(all_of(&mut app).await.unwrap(), b"413 too large");
    let broken = pipe.await.unwrap().unwrap_err();
    assert_eq!((broken.side, broken.error.kind()), (Side::B, ErrorKind::BrokenPipe));
    assert!(app.write_all(b"more").await.is_err());
}

/// Makes the pipe wait to write what this stream sends.
async fn fill(from: &mut sim::Stream) {
    while timeout(QUIET, from.write_all(&[0; 64])).await.is_ok() {}
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_a_write_hears_of_first_is_no_clean_end() {
    for (side, answers) in [(Side::A, true), (Side::A, false), (Side::B, true), (Side::B, false)] {
        let Rig { app, server, pipe } = rig(64, 64);
        let (mut broken, mut left) = match side {
            Side::A => (app, server),
            Side::B => (server, app),
        };
        fill(&mut left).await;
        if answers {
            fill(&mut broken).await;
        }
        drop(broken);
        let mut answer = Vec::new();
        let error = left.read_to_end(&mut answer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // What came before is delivered, also what waited in the pipe.
        assert_eq!(answer.len() > 64, answers, "{} bytes", answer.len());
        let broken = pipe.await.unwrap().unwrap_err();
        assert_eq!((broken.side, broken.error.kind()), (side, ErrorKind::ConnectionReset));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deaf_side_that_goes_on_speaking_is_listened_to() {
    let Rig { mut app, mut server, pipe } = rig(64, 7);
    server.go_deaf();
    app.write_all(b"x").await.unwrap();
    for _ in 0..10 {
        sleep(QUIET * 9 / 10).await;
        server.write_all(b"tick").await.unwrap();
    }
    server.shutdown().await.unwrap();
    assert_eq!(all_of(&mut app).await.unwrap().len(), 40);
    assert_eq!(pipe.await.unwrap().unwrap_err().side, Side::B);
}

#[tokio::test(start_paused = true)]
async fn a_deaf_side_that_says_nothing_is_given_up() {
    let Rig { mut app, mut server, pipe } = rig(64, 7);
    server.go_deaf();
    app.write_all(b"x").await.unwrap();
    let start = Instant::now();
    assert_eq!(all_of(&mut app).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(start.elapsed().as_secs(), QUIET.as_secs());
    assert!(pipe.await.unwrap().is_err());
    assert!(all_of(&mut server).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_pipe_resets_both_sides() {
    let Rig { mut app, mut server, pipe } = rig(64, 7);
    pipe.abort();
    assert!(pipe.await.unwrap_err().is_cancelled());
    for stream in [&mut app, &mut server] {
        assert_eq!(all_of(stream).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

impl Stream for BufWriter<sim::Stream> {}

#[tokio::test(start_paused = true)]
async fn a_writer_that_holds_bytes_back_is_made_to_send_them() {
    let (mut app, a) = sim::pair(64, 64);
    let (b, mut server) = sim::pair(64, 64);
    let pipe = tokio::spawn(async move { pipe(a, BufWriter::new(b), &Meter::default()).await });
    app.write_all(b"x").await.unwrap();
    assert_eq!(timeout(QUIET, server.read_u8()).await.unwrap().unwrap(), b'x');
    pipe.abort();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_held_while_nothing_is_under_way() {
    let (mut app, a) = sim::pair(1_000, 1_000);
    let (b, mut server) = sim::pair(1_000, 1_000);
    let (meter, forth, back) = (Meter::default(), Half::default(), Half::default());
    let mut pipe = Pipe { a, b, meter: &meter, forth, back, broken: None, quiet: None };
    let poll = |pipe: &mut Pipe<'_, _, _>| {
        assert!(Pin::new(&mut *pipe).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        (pipe.forth.holds(), pipe.back.holds())
    };
    assert_eq!(poll(&mut pipe), (0, 0));
    app.write_all(b"x").await.unwrap();
    server.write_all(b"y").await.unwrap();
    assert_eq!(poll(&mut pipe), (0, 0));
    assert_eq!(meter.traffic(), Traffic { a_to_b: 1, b_to_a: 1 });
    app.write_all(&[0; 1_000]).await.unwrap();
    assert_eq!(poll(&mut pipe), (1, 0), "one byte too many for the server's queue");
    server.read_exact(&mut [0; 1]).await.unwrap();
    assert_eq!(poll(&mut pipe), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_byte_arrives_in_its_place(
        up in vec(any::<u8>(), 0..200_000),
        down in vec(any::<u8>(), 0..200_000),
        capacity in 1_usize..200_000,
        chunk in 1_usize..200_000,
        pieces in vec(1_usize..50_000, 1..5),
    ) {
        // One byte at a time is a good test of few bytes.
        let limit = capacity.min(chunk).saturating_mul(2_000);
        let (up, down) = (&up[..up.len().min(limit)], &down[..down.len().min(limit)]);
        let runtime = tokio::runtime::Builder::new_current_thread().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let Rig { app, server, pipe } = rig(capacity, chunk);
            let (got_down, got_up) = tokio::join!(
                exchange(app, up, &pieces),
                exchange(server, down, &pieces),
            );
            assert!(got_down == down && got_up == up, "bytes were lost or mixed");
            let traffic = pipe.await.unwrap().unwrap();
            assert_eq!(traffic.a_to_b, u64::try_from(up.len()).unwrap());
            assert_eq!(traffic.b_to_a, u64::try_from(down.len()).unwrap());
        });
    }
}

/// Sends and finishes while it receives to the end.
async fn exchange(stream: sim::Stream, bytes: &[u8], pieces: &[usize]) -> Vec<u8> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let send = async {
        let mut rest = bytes;
        for piece in pieces.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*piece));
            writer.write_all(now).await.unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        writer.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let receive = async { reader.read_to_end(&mut received).await.unwrap() };
    tokio::join!(send, receive);
    received
}
