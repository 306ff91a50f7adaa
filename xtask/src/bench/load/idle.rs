//! Many channels that do nothing: what they keep, and what they cost those that do something.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::entry::Entry;
use crate::bench::figure::fraction;
use crate::bench::load::streams::{Direction, Streams};
use crate::bench::load::{bulk, ping};
use crate::bench::metric::{Metric, Sample};
use crate::bench::target::Request;
use crate::bench::tunnel::Tunnel;
use crate::error::{Error, Result};

/// How many channels are opened at once: fewer than any listener lets wait.
const OPENERS: usize = 32;

/// How long things may settle before memory is looked at.
const SETTLED: Duration = Duration::from_millis(500);

/// Opens so many channels, looks at the memory of both ends, then measures bulk down and small messages.
pub(crate) fn measure(tunnel: &Tunnel, channels: usize, time: Duration) -> Result<Sample> {
    let started = Instant::now();
    let held = open(tunnel.entry(), channels)?;
    let opened = started.elapsed();
    thread::sleep(SETTLED);
    let memory = tunnel.memory();
    let mut stream = tunnel.entry().connect(Request::Echo)?;
    let mut sample = ping::sample(&ping::run(&mut stream, time / 2)?)?;
    let streams = Streams::open(tunnel.entry(), Direction::Down, 1)?;
    sample.insert(Metric::Rate, rate(&streams, time)?);
    let kilobytes = |bytes| fraction(bytes) / 1024.0;
    sample.extend([
        (Metric::Opened, opened.as_secs_f64()),
        (Metric::ClientPrivate, kilobytes(memory.client.private)),
        (Metric::ServerPrivate, kilobytes(memory.server.private)),
        (Metric::ClientResident, kilobytes(memory.client.resident) / 1024.0),
        (Metric::ServerResident, kilobytes(memory.server.resident) / 1024.0),
    ]);
    drop(held);
    Ok(sample)
}

fn rate(streams: &Streams, time: Duration) -> Result<f64> {
    thread::sleep(Duration::from_millis(300));
    let rate = bulk::rate(
        || streams.received(),
        || {
            thread::sleep(time);
            Ok(())
        },
    )?;
    streams.check()?;
    Ok(rate)
}

/// Opens channels, each of which the target has answered.
fn open(entry: Entry, channels: usize) -> Result<Vec<TcpStream>> {
    let openers = OPENERS.min(channels);
    let share = |opener: usize| channels / openers + usize::from(opener < channels % openers);
    let opened: Result<Vec<Vec<TcpStream>>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..openers)
            .map(|opener| scope.spawn(move || open_some(entry, share(opener))))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|result| result.map_err(|_| Error::new("a thread ended"))?).collect()
    });
    Ok(opened?.into_iter().flatten().collect())
}

fn open_some(entry: Entry, count: usize) -> Result<Vec<TcpStream>> {
    (0..count)
        .map(|_| {
            crate::process::check_interrupt()?;
            entry.connect_and_hear(Request::Hold)
        })
        .collect()
}
