//! How fast bulk moves, and what a GiB of it costs.

use std::thread;
use std::time::{Duration, Instant};

use crate::bench::figure::fraction;
use crate::bench::load::streams::{Direction, Streams};
use crate::bench::metric::{Metric, Sample};
use crate::bench::target::Target;
use crate::bench::tunnel::{Ends, Tunnel};
use crate::error::{Error, Result};

const MIB: f64 = 1_048_576.0;

/// How long streams run before they are measured: windows and buffers grow in this time.
const WARM_UP: Duration = Duration::from_millis(300);

/// Moves bulk for some time.
pub(crate) fn measure(
    tunnel: &Tunnel,
    target: &Target,
    direction: Direction,
    streams: usize,
    time: Duration,
    warm_up: Duration,
) -> Result<Sample> {
    let streams = Streams::open(tunnel.entry(), direction, streams)?;
    thread::sleep(WARM_UP + warm_up);
    let before = Mark::take(tunnel, target, &streams);
    thread::sleep(time);
    let after = Mark::take(tunnel, target, &streams);
    streams.check()?;
    crate::process::check_interrupt()?;
    after.since(&before)
}

/// A moment of a transfer.
#[derive(Debug)]
struct Mark {
    at: Instant,
    bytes: u64,
    cpu: Ends<Duration>,
}

impl Mark {
    fn take(tunnel: &Tunnel, target: &Target, streams: &Streams) -> Self {
        // Together, as near as can be: what lies between them is counted for nobody.
        let cpu = tunnel.cpu();
        Self { at: Instant::now(), bytes: target.sunk() + streams.received(), cpu }
    }

    fn since(&self, before: &Self) -> Result<Sample> {
        let moved = fraction(self.bytes.saturating_sub(before.bytes)) / MIB;
        if moved == 0.0 {
            return Err(Error::new("nothing came through the tunnel"));
        }
        let each_gib = |after: Duration, before: Duration| {
            after.saturating_sub(before).as_secs_f64() * 1024.0 / moved
        };
        let client = each_gib(self.cpu.client, before.cpu.client);
        let server = each_gib(self.cpu.server, before.cpu.server);
        Ok(Sample::from([
            (Metric::Rate, moved / self.at.duration_since(before.at).as_secs_f64()),
            (Metric::ClientCpu, client),
            (Metric::ServerCpu, server),
            (Metric::Cpu, client + server),
        ]))
    }
}

/// How fast bulk moves meanwhile, in MiB/s, by a count of its bytes.
pub(crate) fn rate(bytes: impl Fn() -> u64, during: impl FnOnce() -> Result<()>) -> Result<f64> {
    let (before, started) = (bytes(), Instant::now());
    during()?;
    let moved = fraction(bytes().saturating_sub(before)) / MIB;
    Ok(moved / started.elapsed().as_secs_f64())
}
