//! Standard input and output joined to a target.

use std::process::Command;

use crate::error::Result;
use crate::interop::client::Cause;
use crate::interop::crossing::exchanges;
use crate::interop::forward::Kind;
use crate::interop::gateway::Gateway;
use crate::interop::place::Family;
use crate::interop::programs::host;
use crate::interop::scenario::kinds::can_open;
use crate::interop::server::Settings;
use crate::interop::stage::Side;
use crate::interop::stock::{self, Call};
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange::{self, Exchange};
use crate::traffic::way::Way;

/// What stock clients carry, to servers of their own as well: once the far end finishes they end,
/// whatever they have not sent yet.
const STOCK: [fn() -> Exchange; 2] = [|| exchange::echo(1 << 20), exchange::near_end_first];

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    for family in [Family::V4, Family::V6] {
        by_adit(trial, family).map_err(|error| error.context(family.name()))?;
    }
    Ok(())
}

fn by_adit(trial: &mut Trial<'_, '_>, family: Family) -> Result<()> {
    let Some(address) = trial.address(Side::Peer, family)? else {
        trial.measure(family.name(), "not in this network");
        return Ok(());
    };
    let target = trial.start_target_at(Side::Peer)?;
    let server = trial.start_server(&Settings::default())?;
    let mut call = trial.home_call(&server, address)?;
    call.forwards.clear();
    let mut targets: Vec<String> = target.at(family).map(ToString::to_string).into_iter().collect();
    if family == Family::V4 && trial.has_unix_targets() {
        targets.push(target.unix_inside.clone());
    }
    for to in targets {
        let of_stock = || STOCK.map(|exchange| exchange()).to_vec();
        let all = if trial.program.is_adit() { exchanges().collect() } else { of_stock() };
        for exchange in all {
            let program = trial.program;
            let command = program.stdio_in(trial.at(Side::Home)?, &call, &to)?;
            talk(trial, &command, &target, &exchange)?;
        }
    }
    if trial.program.is_adit() {
        // Nothing listens there.
        let log = trial.log("client");
        let nowhere = format!("{}:1", host(family.loopback()));
        let program = trial.program;
        let command = program.stdio_in(trial.at(Side::Home)?, &call, &nowhere)?;
        program.must_fail(command, Cause::Forward, &log)?;
    }
    Ok(())
}

pub(crate) fn run_stock(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    can_open(trial, Kind::Local)?;
    for family in [Family::V4, Family::V6] {
        by_peer(trial, family).map_err(|error| error.context(family.name()))?;
    }
    Ok(())
}

fn by_peer(trial: &mut Trial<'_, '_>, family: Family) -> Result<()> {
    let target = trial.start_target_at(Side::Home)?;
    let Some(at) = target.at(family).map(ToString::to_string) else { return Ok(()) };
    if family == Family::V6 && trial.is_dropbear() {
        trial.measure(family.name(), "dbclient reads no addresses of it in tunnels");
        return Ok(());
    }
    let Some(gateway) = Gateway::at_home(trial, family, &["--permit", &at])? else {
        trial.measure(family.name(), "not in this network");
        return Ok(());
    };
    trial.measure("not tried, as stock clients end with the far end", "what ends there first");
    let mut exchanges = STOCK.to_vec();
    if trial.is_dropbear() {
        // Its channel is closed on both sides then, and it stays, one time of five.
        trial.measure("not tried, as dbclient may stay after it", "what ends here first");
        exchanges.truncate(1);
    }
    for exchange in exchanges.iter().map(|exchange| exchange()) {
        let command = stock::stdio(trial, &gateway, &Call::with(Vec::new()), &at)?;
        talk(trial, &command, &target, &exchange)?;
    }
    Ok(())
}

/// One conversation with the target by a program that is the tunnel.
pub(crate) fn talk(
    trial: &mut Trial<'_, '_>,
    command: &Command,
    target: &Target,
    exchange: &Exchange,
) -> Result<()> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut plan = trial.plan(target.tcp.clone(), exchange, 1);
    plan.way = Way::Program(words);
    let talk = trial.drive(&plan)?.finish(&plan, target);
    talk.map_err(|error| error.context(exchange.name))?.check_digests()
}
