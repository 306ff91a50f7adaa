//! Users that the server does not let in.

use crate::interop::client::Cause;
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial};

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let server = trial.start_server(&Settings::default())?;
    let right = trial.call(&server, "127.0.0.1:1")?;
    let mut stranger = right.clone();
    stranger.identity = Some(trial.keys.stranger());
    let mut nobody = right;
    nobody.user = "no-such-user".to_owned();
    for (name, call) in [("a key that is not authorized", stranger), ("an unknown user", nobody)] {
        let log = trial.log("client");
        trial.program.fail(&call, Cause::Login, &log).map_err(|error| error.context(name))?;
    }
    Ok(())
}
