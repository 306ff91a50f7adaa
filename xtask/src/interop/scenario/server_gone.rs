//! The server goes away in the middle of a transfer: with a bang, and without a word.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::interop::client::Cause;
use crate::interop::peer::Origin;
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial, words};
use crate::traffic::exchange::{self, Exchange};
use crate::traffic::script::End;

/// The client asks each second whether the server is there, and gives up after the third time.
const ALIVE: [(&str, &str); 2] = [("ServerAliveInterval", "1"), ("ServerAliveCountMax", "3")];

/// By when the client must have ended and the local program must know.
const NOTICE: Duration = Duration::from_secs(20);

/// What befalls the server.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Its machine is gone.
    Cut,
    /// It stops where it stands, and its machine goes on acknowledging.
    Frozen,
}

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.peer.origin == Origin::Machine {
        let reason = "the machine's own network cannot be taken away";
        return Err(Stop::NotApplicable(reason.to_owned()));
    }
    for fate in [Fate::Frozen, Fate::Cut] {
        for exchange in [exchange::cut_down(), exchange::cut_up()] {
            gone(trial, fate, &exchange)
                .map_err(|error| error.context(format!("{fate:?}, {}", exchange.name)))?;
            trial.renew_place();
        }
    }
    Ok(())
}

fn gone(trial: &mut Trial<'_, '_>, fate: Fate, exchange: &Exchange) -> Result<()> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let mut call = trial.call(&server, &target.tcp.to_string())?;
    call.options = words(&ALIVE);
    let mut client = trial.open(&call)?;
    let plan = trial.plan(client.begin()?, exchange, 1);
    let driver = trial.drive(&plan)?;
    driver.wait_for_note()?;
    match fate {
        Fate::Cut => trial.place()?.cut()?,
        Fate::Frozen => trial.place()?.freeze()?,
    }
    let status = client.process.wait(NOTICE)?;
    trial.program.check_end(status, Cause::ConnectionLost, &client.process)?;
    let report = driver.report(NOTICE)?;
    let account = report.accounts.first().ok_or_else(|| Error::new("no account"))?;
    match account.end {
        Some(End::Reset) => Ok(()),
        // ssh leaves it to the kernel, which ends what was read to its end in good order.
        Some(End::Finished) if !trial.program.is_adit() => Ok(()),
        Some(End::Finished) => Err(Error::new("the local program saw an orderly end")),
        None => Err(Error::new(account.error.clone().unwrap_or_default())),
    }
}
