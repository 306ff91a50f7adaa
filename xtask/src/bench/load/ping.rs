//! Small messages there and back, one at a time: alone, and beside bulk.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::figure::percentile;
use crate::bench::load::bulk;
use crate::bench::load::streams::{Direction, Streams};
use crate::bench::metric::{Metric, Sample};
use crate::bench::target::{Request, Target};
use crate::bench::tunnel::Tunnel;
use crate::error::{Context, Error, Result};

/// Bytes of a message.
const MESSAGE: usize = 64;

/// How long things run before they are measured.
const WARM_UP: Duration = Duration::from_millis(300);

/// Pings for some time, beside bulk in one direction if one is named.
pub(crate) fn measure(
    tunnel: &Tunnel,
    target: &Target,
    bulk: Option<Direction>,
    time: Duration,
) -> Result<Sample> {
    let mut stream = tunnel.entry().connect(Request::Echo)?;
    let Some(direction) = bulk else {
        run(&mut stream, Duration::from_millis(50))?;
        return sample(&run(&mut stream, time)?);
    };
    let streams = Streams::open(tunnel.entry(), direction, 1)?;
    beside(target, &streams, &mut stream, time)
}

/// Measures bulk alone, then again while small messages run beside it.
fn beside(
    target: &Target,
    streams: &Streams,
    stream: &mut TcpStream,
    time: Duration,
) -> Result<Sample> {
    thread::sleep(WARM_UP);
    let bytes = || target.sunk() + streams.received();
    let alone = bulk::rate(bytes, || {
        thread::sleep(time / 2);
        Ok(())
    })?;
    // Whoever makes room for small messages has begun to when they are measured.
    run(stream, WARM_UP)?;
    let mut times = Vec::new();
    let together = bulk::rate(bytes, || {
        times = run(stream, time)?;
        Ok(())
    })?;
    streams.check()?;
    let mut sample = sample(&times)?;
    sample.insert(Metric::Rate, together);
    sample.insert(Metric::BulkKept, together / alone);
    Ok(sample)
}

/// Sends messages for some time, each when the one before is back.
pub(crate) fn run(stream: &mut TcpStream, time: Duration) -> Result<Vec<Duration>> {
    let deadline = Instant::now() + time;
    let mut times = Vec::new();
    let mut message = [1; MESSAGE];
    while Instant::now() < deadline {
        let started = Instant::now();
        stream.write_all(&message).context("ping")?;
        stream.read_exact(&mut message).context("ping")?;
        times.push(started.elapsed());
    }
    crate::process::check_interrupt()?;
    Ok(times)
}

/// The median and the 99th of a hundred.
pub(crate) fn sample(times: &[Duration]) -> Result<Sample> {
    let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    sorted.sort_by(f64::total_cmp);
    let of = |percent| {
        percentile(&sorted, percent).ok_or_else(|| Error::new("nothing came through the tunnel"))
    };
    Ok(Sample::from([(Metric::Median, of(50)?), (Metric::P99, of(99)?)]))
}
