//! How long it takes from the start of a client to the first byte through its tunnel, and what a login costs.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::delay::{Delay, Link};
use crate::bench::figure::fraction;
use crate::bench::load::ping;
use crate::bench::metric::{Metric, Sample};
use crate::bench::setup::Setup;
use crate::bench::target::Request;
use crate::bench::tunnel::Ends;
use crate::bench::{client, port, server, usage};
use crate::error::{Error, Result};
use crate::process::Process;

/// How long a first byte may take.
const LIMIT: Duration = Duration::from_secs(20);

/// How often the near end is tried. It is no SSH port, and a refusal costs microseconds.
const PERIOD: Duration = Duration::from_micros(200);

/// Starts clients for some time, `parallel` of them at once.
pub(crate) fn measure(
    setup: &Setup<'_>,
    delay: Option<Delay>,
    parallel: usize,
    time: Duration,
) -> Result<Sample> {
    let listen = port::free()?;
    let server = server::start(setup, listen)?;
    let server = server.ok_or_else(|| Error::new("it has no login"))?;
    let link = delay.map(|delay| Link::start(delay, listen)).transpose()?;
    let far = link.as_ref().map_or(listen, Link::address);
    // Files and pages that every start needs are read once before.
    attempt(setup, far)?;
    let (before, started) = (usage::cpu(server.id()), Instant::now());
    let mut attempts = Vec::new();
    while attempts.is_empty() || started.elapsed() < time {
        let round: Result<Vec<_>> = thread::scope(|scope| {
            let run = || attempt(setup, far);
            let threads: Vec<_> = (0..parallel).map(|_| scope.spawn(run)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.map(|result| result.map_err(|_| Error::new("a thread ended"))?).collect()
        });
        attempts.extend(round?);
        crate::process::check_interrupt()?;
    }
    // A session of the server may take a moment to end and be counted.
    thread::sleep(Duration::from_millis(100));
    let elapsed = started.elapsed();
    let count = fraction(u64::try_from(attempts.len()).unwrap_or_default());
    let clients: Duration = attempts.iter().map(|attempt| attempt.cpu).sum();
    let servers = usage::cpu(server.id()).saturating_sub(before);
    let cpu = Ends {
        client: clients.as_secs_f64() * 1e6 / count,
        server: servers.as_secs_f64() * 1e6 / count,
    };
    let times: Vec<Duration> = attempts.iter().map(|attempt| attempt.took).collect();
    let mut sample = ping::sample(&times)?;
    sample.insert(Metric::PerSecond, count / elapsed.as_secs_f64());
    sample.insert(Metric::ClientCpuEach, cpu.client);
    sample.insert(Metric::ServerCpuEach, cpu.server);
    sample.insert(Metric::CpuEach, cpu.client + cpu.server);
    Ok(sample)
}

/// A login that came to its first byte.
#[derive(Debug)]
struct Attempt {
    took: Duration,
    /// Of the client.
    cpu: Duration,
}

fn attempt(setup: &Setup<'_>, far: SocketAddr) -> Result<Attempt> {
    let entry = port::free()?;
    let started = Instant::now();
    let client = client::start(setup, far, entry)?;
    let mut client = client.ok_or_else(|| Error::new("it has no login"))?;
    first_byte(&mut client, entry, started)?;
    let took = started.elapsed();
    let cpu = usage::cpu(client.id());
    // Asked to end, so that the server hears of it as it would.
    client.stop()?;
    Ok(Attempt { took, cpu })
}

fn first_byte(client: &mut Process, entry: SocketAddr, started: Instant) -> Result<()> {
    loop {
        if let Ok(mut stream) = std::net::TcpStream::connect(entry) {
            let mut byte = [7];
            let asked = stream
                .set_read_timeout(Some(LIMIT))
                .and_then(|()| stream.write_all(&[Request::Echo.byte(), 7]))
                .and_then(|()| stream.read_exact(&mut byte));
            if asked.is_ok() {
                return Ok(());
            }
        }
        if let Some(status) = client.ended()? {
            return Err(Error::new(format!("the client ended, {status}")));
        }
        if started.elapsed() > LIMIT {
            return Err(Error::new(format!("no byte came after {LIMIT:?}")));
        }
        thread::sleep(PERIOD);
    }
}
