//! A session, its display, the agent and tunnels of each kind in one connection, all in use while
//! bulk goes by.

use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::agent::{self, Agent};
use crate::interop::caller;
use crate::interop::client;
use crate::interop::crossing::Crossing;
use crate::interop::display::Display;
use crate::interop::forward::{Begin, Forward, Kind};
use crate::interop::key::Kind as KeyKind;
use crate::interop::place::Family;
use crate::interop::scenario::x11::{Seen, look_well};
use crate::interop::server::Settings;
use crate::interop::stage::Side;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::stock;
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial, words};
use crate::tools::FOR_DISPLAYS;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange::{self, Exchange};

const BYTES: u64 = 64 << 10;
const ROUNDS: usize = 3;

/// Of the ordinary size: it must last longer than the rounds, or they are not beside it.
const PART: u64 = 2;

/// Dropbear's server has windows of 24 KiB.
const PART_OF_DROPBEAR: u64 = 32;

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    caller::need(&FOR_DISPLAYS)?;
    let targets = [Side::Peer, Side::Home].map(|side| trial.start_target_at(side));
    let [there, here] = targets;
    let (there, here) = (there?, here?);
    let server = trial.start_server(&Settings::with_line("X11Forwarding yes"))?;
    let address = trial.address(Side::Peer, Family::V4)?;
    let address = address.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let mut call = trial.home_call(&server, address)?;
    let folder = tempfile::tempdir().context("make a folder for an agent")?;
    let socket = folder.path().join("agent").display().to_string();
    let log = trial.log("agent");
    let agent = Agent::start(agent::here, socket, &log)?;
    agent.hold(agent::here, &trial.keys.user(KeyKind::Ed25519).display().to_string())?;
    call.options = words(&[("IdentityAgent", &agent.socket)]);
    let mut stand_in = StandIn::with(trial.program, call)?;
    stand_in.set("SSH_AUTH_SOCK", &agent.socket);
    let screen = Display::start(trial, &mut stand_in)?;
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| !(trial.is_dropbear() && *kind == Kind::RemoteDynamic))
        .collect();
    Ok(together(trial, &stand_in, &screen, &kinds, [&there, &here])?)
}

/// Tunnels of these kinds that begin at ports which are named.
pub(crate) fn forwards(
    trial: &mut Trial<'_, '_>,
    kinds: &[Kind],
    [there, here]: [&Target; 2],
) -> Result<Vec<(Forward, Endpoint)>> {
    let forward = |kind: &Kind| {
        let begin = Endpoint::Tcp(if kind.is_remote() {
            stock::free_address(trial.place()?, Family::V4)?
        } else {
            client::free_address()?
        });
        let target = if kind.is_remote() { here } else { there };
        let from = Begin::Fixed(begin.clone());
        Ok((Forward::new(*kind, from, &target.tcp.to_string()), begin))
    };
    kinds.iter().map(forward).collect()
}

/// What goes by while the rest is tried.
pub(crate) fn bulk(trial: &Trial<'_, '_>) -> Exchange {
    let part = if trial.is_dropbear() { PART_OF_DROPBEAR } else { PART };
    exchange::both(trial.size / part)
}

fn together(
    trial: &mut Trial<'_, '_>,
    stand_in: &StandIn,
    screen: &Display,
    kinds: &[Kind],
    [there, here]: [&Target; 2],
) -> Result<()> {
    let forwards = forwards(trial, kinds, [there, here])?;
    let mut words = vec!["-A".to_owned(), "-Y".to_owned()];
    words.extend(forwards.iter().flat_map(|(forward, begin)| forward.words(begin)));
    words.extend([HOST, "sh"].map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut shell = stand_in.start(trial, &words)?;
    let seen = Seen::ask(&mut shell)?;
    let has_display = !seen.display.is_empty();
    if !has_display {
        trial.measure("display", "the peer's server forwards none");
    }
    let begins: Vec<Endpoint> = forwards.iter().map(|(_, begin)| begin.clone()).collect();
    let crossing = Crossing::beside(&begins);
    let bulk = bulk(trial);
    let (mut driver, plan) = crossing.start(trial, 0, Kind::Local, &there.tcp, &bulk)?;
    let mut beside = 0;
    for round in 0..ROUNDS {
        for (number, kind) in kinds.iter().enumerate() {
            let target = if kind.is_remote() { here } else { there };
            let echo = exchange::echo(BYTES);
            crossing.talk(trial, number, *kind, (target, &target.tcp), &echo)?;
        }
        if has_display {
            look_well(trial, stand_in, &seen)?;
        }
        let line = format!("agent-{round}=$(ssh-add -l | grep -c ED25519)");
        shell.tell(&format!("echo \"{line}\""))?;
        let wanted = format!("agent-{round}=1");
        shell.wait_for("key of the agent", LIMIT, |line| (line == wanted).then_some(()))?;
        beside += usize::from(driver.is_running()?);
    }
    let milliseconds = crossing.finish(driver, &plan, there)?;
    if shell.said(&screen.cookie) {
        return Err(Error::new("the real cookie came to the server"));
    }
    trial.measure("rounds beside bulk", format!("{beside}/{ROUNDS}"));
    trial.measure("ms for bulk", milliseconds);
    shell.tell("exit 5")?;
    let status = shell.wait(LIMIT)?;
    if status.code() == Some(5) {
        return Ok(());
    }
    Err(Error::new(format!("the session ended with {status}: {}", shell.last_words())))
}
