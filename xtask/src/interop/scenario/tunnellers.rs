//! The tunnellers that have adit do the ssh: sshuttle, which takes whole networks to the peer, and
//! autossh, which starts ssh again whenever it ends.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::error::{Context, Error, Result};
use crate::interop::caller;
use crate::interop::client;
use crate::interop::place::{self, Family};
use crate::interop::scenario::programs::need_image;
use crate::interop::server::Settings;
use crate::interop::stage::Side;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::interop::watched::Watched;
use crate::process;
use crate::tools::FOR_TUNNELLERS;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange::{self, Exchange};

/// An address that only the peer has.
const HIDDEN: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
const NETWORK: &str = "10.99.0.0/24";

const BYTES: u64 = 1 << 20;

const LIMIT: Duration = Duration::from_secs(60);

/// For a tunnel that comes back, in milliseconds.
const BACK_WITHIN: u64 = 60_000;

const PAUSE: Duration = Duration::from_millis(50);

pub(crate) fn sshuttle(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    need_image(trial)?;
    caller::need(&FOR_TUNNELLERS)?;
    let server = trial.start_server(&Settings::default())?;
    let stand_in = StandIn::new(trial, &server)?;
    let peer = trial.address(Side::Peer, Family::V4)?;
    let peer = peer.ok_or_else(|| Error::new("the network has no ipv4"))?.to_string();
    let hidden = format!("{HIDDEN}/32");
    let there = ["ip", "address", "replace", &hidden, "dev", "lo"];
    // Without a way there the first packet has no address to come from.
    let here = ["ip", "route", "replace", NETWORK, "via", &peer];
    for (side, words) in [(Side::Peer, &there[..]), (Side::Home, &here[..])] {
        let set = process::succeed(stand_in.command_at(trial, side, words)?, LIMIT);
        process::check_interrupt()?;
        set.map_err(|_| Stop::NotApplicable("only root may change the networks".to_owned()))?;
    }
    Ok(through_sshuttle(trial, &stand_in)?)
}

fn through_sshuttle(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let log = trial.log("target");
    let target = Target::start_on(trial.place()?, HIDDEN, &log)?;
    let wrapper = stand_in.wrapper();
    let words =
        ["sshuttle", "--method", "nft", "--python", "python3", "-e", &wrapper, "-r", HOST, NETWORK];
    let log = trial.log("sshuttle");
    let mut sshuttle = Watched::start("sshuttle", stand_in.command(trial, &words)?, &log)?;
    let is_ready = |line: &str| line.contains("Connected to server").then_some(());
    sshuttle.wait_for("connection", LIMIT, is_ready)?;
    let exchanges = [exchange::echo(BYTES), exchange::both(BYTES)];
    for exchange in exchanges {
        let spoken = talk(trial, &target.tcp, &target, &exchange);
        spoken.map_err(|error| Error::new(format!("{error}; {}", sshuttle.last_words())))?;
    }
    sshuttle.ask_to_end();
    sshuttle.wait(LIMIT).map(drop)
}

fn talk(
    trial: &mut Trial<'_, '_>,
    begin: &Endpoint,
    target: &Target,
    exchange: &Exchange,
) -> Result<()> {
    let mut plan = trial.plan(begin.clone(), exchange, 1);
    plan.connect_within = BACK_WITHIN;
    trial.drive_at(Side::Home, &plan)?.finish(&plan, target)?.check_digests()
}

pub(crate) fn autossh(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    caller::need(&FOR_TUNNELLERS)?;
    let target = trial.start_target_at(Side::Peer)?;
    let server = trial.start_server(&Settings::default())?;
    let mut stand_in = StandIn::new(trial, &server)?;
    stand_in.set("AUTOSSH_PATH", &stand_in.wrapper());
    // Else it tells the system's log alone.
    stand_in.set("AUTOSSH_DEBUG", "1");
    // As if it had been up for long.
    stand_in.set("AUTOSSH_GATETIME", "0");
    Ok(through_autossh(trial, &stand_in, &target)?)
}

fn through_autossh(trial: &mut Trial<'_, '_>, stand_in: &StandIn, target: &Target) -> Result<()> {
    let port = client::free_address()?.port();
    let begin = Endpoint::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let forward = format!("{begin}:{}", target.tcp);
    let words = ["autossh", "-M", "0", "-N", "-L", &forward, HOST];
    let log = trial.log("autossh");
    let mut autossh = Watched::start("autossh", stand_in.command(trial, &words)?, &log)?;
    let echo = exchange::echo(BYTES);
    talk(trial, &begin, target, &echo)?;
    let first = child(autossh.id())?.ok_or_else(|| Error::new("autossh started no ssh"))?;
    let second = next_child(autossh.id(), first, || {
        // Asked to end, ssh would end well, and autossh with it.
        rustix::process::kill_process(first, Signal::KILL).context("end ssh")
    });
    let second = second
        .map_err(|error| Error::new(format!("{error} after a signal; {}", autossh.last_words())))?;
    talk(trial, &begin, target, &echo)?;
    // And once more, with the server's end gone.
    place::shell(trial.place()?, "pkill -f '[s]shd.*: adit' || pkill -n -x dropbear")?;
    let third = next_child(autossh.id(), second, || Ok(()));
    third.map_err(|error| {
        Error::new(format!("{error} without a server; {}", autossh.last_words()))
    })?;
    talk(trial, &begin, target, &echo)?;
    autossh.ask_to_end();
    autossh.wait(LIMIT).map(drop)
}

/// The only child of a process, if there is one now.
fn child(parent: u32) -> Result<Option<Pid>> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(&path).context(format!("read {path}"))?;
    let first = children.split_whitespace().find_map(|word| word.parse().ok());
    Ok(first.and_then(Pid::from_raw))
}

/// Waits for another child than `before`; while that is there still, `end` is to end it.
fn next_child(parent: u32, before: Pid, end: impl Fn() -> Result<()>) -> Result<Pid> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        match child(parent)? {
            Some(child) if child == before => end()?,
            Some(child) => return Ok(child),
            None => {}
        }
        process::check_interrupt()?;
        std::thread::sleep(PAUSE);
    }
    Err(Error::new("autossh started no ssh"))
}
