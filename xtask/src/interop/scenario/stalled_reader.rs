//! A program that reads nothing any more stalls its own connection alone, and costs a bounded amount.

use crate::error::Error;
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange;

/// What would be sent to the reader that has stalled: far more than may be kept for it.
const WAITING: u64 = 1 << 30;

/// What a client may hold more than before, in KiB: the window of the stalled channel, and what the
/// others need.
const MEMORY: u64 = 32 << 10;

const ROUNDS: usize = 20;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let call = trial.call(&server, &target.tcp.to_string())?;
    let client = trial.open(&call)?;
    let begin = client.begin()?;
    trial.talk(&begin, &target, &exchange::both(1 << 20))?;
    let before = client.peak_memory()?;
    let plan = trial.plan(begin.clone(), &exchange::stalled(WAITING), 1);
    let stalled = trial.drive(&plan)?;
    stalled.wait_for_note()?;
    for _ in 0..ROUNDS {
        trial.talk(&begin, &target, &exchange::echo(1 << 20))?;
    }
    trial.talk(&begin, &target, &exchange::both(64 << 20))?;
    let more = client.peak_memory()?.saturating_sub(before);
    trial.measure("memory for a stalled reader and the others, KiB", more);
    if more > MEMORY {
        return Err(
            Error::new(format!("{more} KiB more than before, {MEMORY} are the most")).into()
        );
    }
    drop(stalled);
    client.end(trial.program)?;
    Ok(())
}
