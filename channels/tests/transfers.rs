//! Random transfers over random paths: every reader gets what was written for it, all of it
//! where the writer finished and a true beginning where it broke off, and nobody waits for
//! ever.

#![cfg(test)]

mod bounded;

use std::io::ErrorKind;
use std::time::Duration;

use adit_channels::memory::{self, Path};
use adit_channels::mux::Load;
use adit_channels::session::{Channel, Config, Session};
use adit_proto::message::channel_open::Kind;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bounded::bounded;

/// What is written into one direction of a channel, and how it is read.
#[derive(Debug, Clone)]
struct Direction {
    /// Lengths, and milliseconds of rest after each.
    writes: Vec<(usize, u64)>,
    /// The size of the reader's buffer, and its milliseconds of rest after each read.
    reads: (usize, u64),
}

#[derive(Debug, Clone)]
struct Transfer {
    /// That of the opener first.
    directions: [Direction; 2],
    end: End,
}

/// What the opener does when it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finishes,
    BreaksOff,
}

fn direction() -> impl Strategy<Value = Direction> {
    let len = prop_oneof![0_usize..100, 0_usize..40_000, 0_usize..200_000];
    let writes = proptest::collection::vec((len, 0_u64..3), 0..8);
    (writes, (1000_usize..70_000, 0_u64..3)).prop_map(|(writes, reads)| Direction { writes, reads })
}

fn transfer() -> impl Strategy<Value = Transfer> {
    let end = prop_oneof![4 => Just(End::Finishes), 1 => Just(End::BreaksOff)];
    ([direction(), direction()], end).prop_map(|(directions, end)| Transfer { directions, end })
}

fn path() -> impl Strategy<Value = Path> {
    let capacity = prop_oneof![1_usize..100, 1000_usize..300_000];
    (capacity, 0_u64..20)
        .prop_map(|(capacity, delay)| Path { capacity, delay: Duration::from_millis(delay) })
}

fn config() -> impl Strategy<Value = Config> {
    (100_u32..100_000, 1000_u32..40_000, 1_usize..300_000, 1_usize..100).prop_map(
        |(window, packet, backlog, burst)| {
            let mut config = Config::default();
            config.limits.min_window = window.min(1000);
            config.limits.initial_window = window;
            config.limits.max_window = 4 * window;
            config.limits.send_packet = packet;
            config.limits.outbox = 50_000;
            config.backlog = backlog;
            config.burst = burst;
            config
        },
    )
}

/// The byte at a place of a stream.
fn byte(place: usize, stream: usize) -> u8 {
    u8::try_from((place.wrapping_mul(31) ^ (place >> 9) ^ (stream * 101)) % 251).unwrap()
}

/// Writes all, where the other side takes it, and says how much there was to write.
async fn write(
    channel: &mut (impl AsyncWrite + Unpin),
    direction: Direction,
    stream: usize,
) -> usize {
    let mut place = 0;
    for (len, rest) in direction.writes {
        let data: Vec<u8> = (place..place + len).map(|place| byte(place, stream)).collect();
        place += len;
        // The other side may have broken off.
        let _ = channel.write_all(&data).await;
        sleep(Duration::from_millis(rest)).await;
    }
    place
}

/// Reads to the end, and says how much came and how it ended.
async fn read(
    channel: &mut (impl AsyncRead + Unpin),
    direction: Direction,
    stream: usize,
) -> (usize, Result<(), ErrorKind>) {
    let (size, rest) = direction.reads;
    let (mut place, mut buffer) = (0, vec![0; size]);
    loop {
        let len = match channel.read(&mut buffer).await {
            Ok(0) => return (place, Ok(())),
            Ok(len) => len,
            Err(error) => return (place, Err(error.kind())),
        };
        for got in &buffer[..len] {
            assert_eq!(*got, byte(place, stream), "at {place} of {stream}");
            place += 1;
        }
        sleep(Duration::from_millis(rest)).await;
    }
}

/// Both directions of one end of a channel. Says what it had to write, and what it read.
async fn exchange(
    channel: Channel,
    [out, back]: [Direction; 2],
    [out_stream, back_stream]: [usize; 2],
) -> (usize, (usize, Result<(), ErrorKind>)) {
    let (mut reader, mut writer) = tokio::io::split(channel);
    let send = async {
        let written = write(&mut writer, out, out_stream).await;
        let _ = writer.shutdown().await;
        written
    };
    tokio::join!(send, read(&mut reader, back, back_stream))
}

async fn run(transfer: Transfer, number: usize, mut near: Channel, far: Channel) {
    let [out, back] = transfer.directions;
    let streams = [2 * number, 2 * number + 1];
    let far = exchange(far, [back.clone(), out.clone()], [streams[1], streams[0]]);
    if transfer.end == End::BreaksOff {
        let near = async move {
            let written = write(&mut near, out, streams[0]).await;
            drop(near);
            written
        };
        let (written, (_, (read, end))) = tokio::join!(near, far);
        assert!(read <= written);
        assert_eq!(end, Err(ErrorKind::ConnectionReset));
        return;
    }
    let near = exchange(near, [out, back], streams);
    let ((near_written, near_read), (far_written, far_read)) = tokio::join!(near, far);
    assert_eq!((near_read, far_read), ((far_written, Ok(())), (near_written, Ok(()))));
}

async fn run_all(path: Path, configs: [Config; 2], transfers: Vec<Transfer>) {
    let (here, there) = memory::pair(path);
    let [config, far_config] = configs;
    let here = Session::new(here, config);
    let mut there = Session::new(there, far_config);
    tokio::spawn(here.driver);
    tokio::spawn(there.driver);
    let mut running = JoinSet::new();
    for (number, transfer) in transfers.into_iter().enumerate() {
        let asked = here.handle.open(Kind::DirectStreamlocal { path: String::new() });
        let far = there.openings.next().await.unwrap().accept();
        running.spawn(run(transfer, number, asked.await.unwrap(), far));
    }
    while let Some(result) = running.join_next().await {
        result.unwrap();
    }
    sleep(Duration::from_secs(3600)).await;
    assert_eq!((here.handle.load(), there.handle.load()), (Load::default(), Load::default()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_gets_what_was_written_for_it(
        path in path(),
        configs in [config(), config()],
        transfers in proptest::collection::vec(transfer(), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(bounded(run_all(path, configs, transfers)));
    }
}
