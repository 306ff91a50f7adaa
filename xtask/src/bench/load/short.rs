//! Short connections: connect, some bytes there, some back, close.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::entry::Entry;
use crate::bench::figure::fraction;
use crate::bench::load::ping;
use crate::bench::metric::{Metric, Sample};
use crate::bench::target::{Request, SHORT};
use crate::bench::tunnel::Tunnel;
use crate::error::{Context, Error, Result};

/// Makes connections for some time, `parallel` of them at once.
pub(crate) fn measure(tunnel: &Tunnel, parallel: usize, time: Duration) -> Result<Sample> {
    let entry = tunnel.entry();
    for _ in 0..20 {
        connection(entry)?;
    }
    let (before, started) = (tunnel.cpu(), Instant::now());
    let over = AtomicBool::new(false);
    let results: Result<Vec<Vec<Duration>>> = thread::scope(|scope| {
        let run = || connections(entry, &over);
        let threads: Vec<_> = (0..parallel).map(|_| scope.spawn(run)).collect();
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|result| result.map_err(|_| Error::new("a thread ended"))?).collect()
    });
    let (elapsed, after) = (started.elapsed(), tunnel.cpu());
    let times = results?;
    let times: Vec<Duration> = times.into_iter().flatten().collect();
    let count = fraction(u64::try_from(times.len()).unwrap_or_default());
    let each = |after: Duration, before: Duration| {
        after.saturating_sub(before).as_secs_f64() * 1e6 / count.max(1.0)
    };
    let mut sample = ping::sample(&times)?;
    let (client, server) = (each(after.client, before.client), each(after.server, before.server));
    sample.insert(Metric::PerSecond, count / elapsed.as_secs_f64());
    sample.insert(Metric::ClientCpuEach, client);
    sample.insert(Metric::ServerCpuEach, server);
    sample.insert(Metric::CpuEach, client + server);
    Ok(sample)
}

fn connections(entry: Entry, over: &AtomicBool) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        times.push(connection(entry)?);
    }
    Ok(times)
}

fn connection(entry: Entry) -> Result<Duration> {
    let started = Instant::now();
    let mut stream = entry.connect(Request::Short)?;
    let mut words = [7; SHORT];
    stream.write_all(&words).context("a short connection")?;
    stream.read_exact(&mut words).context("a short connection")?;
    Ok(started.elapsed())
}
