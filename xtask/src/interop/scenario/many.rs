//! A thousand local connections at once through one SSH connection.

use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange;

const CONNECTIONS: usize = 1000;
const BYTES: u64 = 64 << 10;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let call = trial.call(&server, &target.tcp.to_string())?;
    let client = trial.open(&call)?;
    let plan = trial.plan(client.begin()?, &exchange::echo_together(BYTES), CONNECTIONS);
    let talk = trial.drive(&plan)?.finish(&plan, &target)?;
    talk.check_digests()?;
    trial.measure("connections", CONNECTIONS);
    trial.measure("milliseconds", talk.near.milliseconds);
    trial.measure("peak memory of the client, KiB", client.peak_memory()?);
    client.end(trial.program)?;
    Ok(())
}
