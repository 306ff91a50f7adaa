//! Several local, remote and dynamic tunnels in one connection, all in use while bulk goes by.

use crate::error::{Error, Result};
use crate::interop::crossing::{self, Crossing};
use crate::interop::forward::{Forward, Kind};
use crate::interop::place::Family;
use crate::interop::role::Role;
use crate::interop::scenario::kinds::can_open;
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange;

/// How many of each kind.
const OF_EACH: usize = 2;

/// What each carries, time and again.
const BYTES: u64 = 64 << 10;
const ROUNDS: usize = 3;

/// Of the ordinary size: it must last longer than the rounds, or they are not beside it.
const PART: u64 = 4;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    Ok(together(trial, Role::Server, &Kind::ALL)?)
}

pub(crate) fn run_stock(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    can_open(trial, Kind::Local)?;
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| can_open(trial, *kind).is_ok()).collect();
    Ok(together(trial, Role::Client, &kinds)?)
}

/// The target that tunnels of one direction go to.
struct Ends {
    target: Target,
    at: Endpoint,
}

fn ends(trial: &mut Trial<'_, '_>, role: Role, kind: Kind) -> Result<Ends> {
    let target = trial.start_target_at(crossing::far(role, kind))?;
    let at = target.tcp.clone();
    Ok(Ends { target, at })
}

fn together(trial: &mut Trial<'_, '_>, role: Role, kinds: &[Kind]) -> Result<()> {
    let (there, here) = (ends(trial, role, Kind::Local)?, ends(trial, role, Kind::Remote)?);
    let ends = |kind: Kind| if kind.is_remote() { &here } else { &there };
    let kinds: Vec<Kind> = kinds.iter().flat_map(|kind| [*kind; OF_EACH]).collect();
    let forward = |kind: &Kind| {
        Forward::new(*kind, crossing::loopback(Family::V4), &ends(*kind).at.to_string())
    };
    let forwards = kinds.iter().map(forward).collect();
    let crossing = Crossing::open(trial, role, Family::V4, forwards)?;
    let crossing = crossing.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let bulk = exchange::both(trial.size / PART);
    let (mut driver, plan) = crossing.start(trial, 0, Kind::Local, &there.at, &bulk)?;
    let (mut times, mut beside) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        for (number, kind) in kinds.iter().enumerate() {
            let Ends { target, at } = ends(*kind);
            let echo = exchange::echo(BYTES);
            times.push(crossing.talk(trial, number, *kind, (target, at), &echo)?);
            beside += usize::from(driver.is_running()?);
        }
    }
    let milliseconds = crossing.finish(driver, &plan, &there.target)?;
    times.sort_unstable();
    trial.measure("tunnels", kinds.len());
    trial.measure("of all conversations beside bulk", format!("{beside}/{}", times.len()));
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    trial.measure("ms for 64 KiB there and back", format!("{middle}, at worst {worst}"));
    trial.measure("ms for bulk", milliseconds);
    crossing.end(trial)
}
