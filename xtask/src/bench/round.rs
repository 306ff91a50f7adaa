//! One measurement: a contestant in a scenario.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bench::contestant::Contestant;
use crate::bench::delay::Delay;
use crate::bench::exchange::Exchange;
use crate::bench::load::{bulk, idle, login, ping, short, stall};
use crate::bench::metric::Sample;
use crate::bench::scenario::{Load, Scenario};
use crate::bench::setup::Setup;
use crate::bench::site::Site;
use crate::bench::target::Target;
use crate::bench::tunnel::Tunnel;
use crate::error::{Context, Error, Result};
use crate::process::Process;

/// Starts what takes part, makes the load for `time`, and ends all of it.
pub(crate) fn run(
    site: &Site,
    scenario: &Scenario,
    contestant: Contestant,
    time: Duration,
) -> Result<Sample> {
    if let Load::Idle { channels } = scenario.load {
        let target = Holder::start()?;
        let setup = setup(site, scenario, contestant, target.address);
        return idle::measure(&Tunnel::start(&setup, None)?, channels, time);
    }
    let target = Target::start()?;
    let mut setup = setup(site, scenario, contestant, target.address());
    let delay = delay(scenario);
    if let Load::Login { parallel } = scenario.load {
        setup.exchange = Exchange::Curve25519;
        return login::measure(&setup, delay, parallel, time);
    }
    let tunnel = Tunnel::start(&setup, delay)?;
    match scenario.load {
        Load::Bulk { direction, streams } => {
            bulk::measure(&tunnel, &target, direction, streams, time, scenario.warm_up())
        }
        Load::Short { parallel } => short::measure(&tunnel, parallel, time),
        Load::Ping { bulk } => ping::measure(&tunnel, &target, bulk, time),
        Load::Stall => stall::measure(&tunnel, time),
        Load::Login { .. } | Load::Idle { .. } => Err(Error::new("measured above")),
    }
}

fn setup<'a>(
    site: &'a Site,
    scenario: &Scenario,
    contestant: Contestant,
    target: SocketAddr,
) -> Setup<'a> {
    let (kind, cipher, exchange) = (scenario.kind, scenario.cipher, Exchange::Default);
    Setup { site, contestant, kind, cipher, exchange, target }
}

fn delay(scenario: &Scenario) -> Option<Delay> {
    let round_trip = Duration::from_millis(u64::from(scenario.round_trip));
    (!round_trip.is_zero()).then_some(Delay { round_trip })
}

/// A target in a process of its own: one process may not have open both ends of so many connections.
#[derive(Debug)]
struct Holder {
    address: SocketAddr,
    _process: Process,
}

impl Holder {
    fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("find this program")?);
        command.arg("hold").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::spawn(command)?;
        let mut line = String::new();
        if let Some(pipe) = process.child().stdout.take() {
            BufReader::new(pipe).read_line(&mut line).context("start a target")?;
        }
        Ok(Self { address: line.trim().parse().context("start a target")?, _process: process })
    }
}

/// Is a target until standard input ends; its address goes to standard output.
pub(crate) fn hold() -> Result<()> {
    let target = Target::start()?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", target.address()).and_then(|()| out.flush()).context("say the address")?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).context("wait for the end")?;
    Ok(())
}
