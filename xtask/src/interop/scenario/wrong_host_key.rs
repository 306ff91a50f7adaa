//! Host keys that are not trusted: a changed one, an unknown one, a revoked one.

use crate::error::{Context, Error};
use crate::interop::client::Cause;
use crate::interop::key;
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial};

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let server = trial.start_server(&Settings::default())?;
    let other = key::public(&trial.keys.stranger())?;
    let revoked = trial.known_hosts(&server, &server.host_keys)?;
    let lines = std::fs::read_to_string(&revoked).context("read known_hosts")?;
    std::fs::write(&revoked, format!("@revoked {lines}")).context("write known_hosts")?;
    let files = [
        ("changed", trial.known_hosts(&server, &[other])?),
        ("unknown", trial.known_hosts(&server, &[])?),
        ("revoked", revoked),
    ];
    for (name, known_hosts) in files {
        let mut call = trial.call(&server, "127.0.0.1:1")?;
        call.known_hosts = known_hosts;
        let log = trial.log(name);
        trial
            .program
            .fail(&call, Cause::HostKey, &log)
            .map_err(|error| error.context(format!("a host key that is {name}")))?;
        // Nobody may log in, or even try to, at a host that is not trusted.
        if server.process.said("Accepted publickey") || server.process.said("auth succeeded") {
            return Err(Error::new(format!("logged in with a host key that is {name}")).into());
        }
    }
    Ok(())
}
