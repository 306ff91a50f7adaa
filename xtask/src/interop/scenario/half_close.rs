//! The ends of a connection: in every order, and by a reset from either side.

use crate::error::{Error, Result};
use crate::interop::client::Client;
use crate::interop::server::Settings;
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange::{self, Exchange};

/// How long the other end may take to notice a reset, in milliseconds.
const NOTICE: u64 = 15_000;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let call = trial.call(&server, &target.tcp.to_string())?;
    let client = trial.open(&call)?;
    for exchange in exchange::half_closes() {
        trial.talk(&client.begin()?, &target, &exchange)?;
    }
    for exchange in exchange::resets() {
        if exchange.name == exchange::DEAF && trial.is_dropbear() {
            // Some versions go on taking data for a target that is gone until the window is full.
            trial.measure("Dropbear does not tell", exchange.name);
            continue;
        }
        reset(trial, &client, &target, &exchange).map_err(|error| error.context(exchange.name))?;
    }
    // The connection that carried all this is as good as new.
    trial.talk(&client.begin()?, &target, &exchange::echo(1 << 20))?;
    client.end(trial.program)?;
    Ok(())
}

/// SSH knows no reset: whether the other end sees one or an orderly end, it must see it soon.
fn reset(
    trial: &mut Trial<'_, '_>,
    client: &Client,
    target: &Target,
    exchange: &Exchange,
) -> Result<()> {
    let mut plan = trial.plan(client.begin()?, exchange, 1);
    plan.patience = NOTICE;
    let talk = trial.drive(&plan)?.finish(&plan, target)?;
    let seen = talk.near.accounts.iter().chain(&talk.far).any(|account| account.end.is_some());
    if seen { Ok(()) } else { Err(Error::new("neither end says how it ended")) }
}
