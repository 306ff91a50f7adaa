//! Readers that stop for good, beside bulk and small messages.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::bench::figure::fraction;
use crate::bench::load::bulk;
use crate::bench::load::ping;
use crate::bench::load::streams::{Direction, Streams};
use crate::bench::metric::{Metric, Sample};
use crate::bench::target::{BLOCK, Request};
use crate::bench::tunnel::Tunnel;
use crate::error::{Context, Result};

/// How long writers run against readers that do not read, before what was kept is looked at.
const FILLED: Duration = Duration::from_millis(1500);

/// Measures bulk down, then stops a reader in either direction, then measures bulk and small messages again.
pub(crate) fn measure(tunnel: &Tunnel, time: Duration) -> Result<Sample> {
    let streams = Streams::open(tunnel.entry(), Direction::Down, 1)?;
    let mut stream = tunnel.entry().connect(Request::Echo)?;
    let bytes = || streams.received();
    thread::sleep(Duration::from_millis(300));
    let alone = bulk::rate(bytes, || ping::run(&mut stream, time).map(drop))?;
    let before = private(tunnel);
    let (_unread, _unheard) = (tunnel.entry().connect(Request::Source)?, Unheard::start(tunnel)?);
    thread::sleep(FILLED);
    let grown = private(tunnel) - before;
    let mut times = Vec::new();
    let together = bulk::rate(bytes, || {
        times = ping::run(&mut stream, time)?;
        Ok(())
    })?;
    streams.check()?;
    let mut sample = ping::sample(&times)?;
    sample.insert(Metric::Rate, together);
    sample.insert(Metric::BulkKept, together / alone);
    sample.insert(Metric::Growth, grown);
    Ok(sample)
}

fn private(tunnel: &Tunnel) -> f64 {
    let memory = tunnel.memory();
    fraction(memory.client.private + memory.server.private) / 1_048_576.0
}

/// A writer whose words nobody reads.
#[derive(Debug)]
struct Unheard(TcpStream);

impl Unheard {
    fn start(tunnel: &Tunnel) -> Result<Self> {
        // The target keeps the connection and does not look at it again.
        let stream = tunnel.entry().connect_and_hear(Request::Hold)?;
        let mut writer = stream.try_clone().context("a writer")?;
        thread::spawn(move || {
            let block = vec![7; BLOCK];
            while writer.write_all(&block).is_ok() {}
        });
        Ok(Self(stream))
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}
