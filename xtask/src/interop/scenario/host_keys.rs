//! A server that has one host key only, of each kind; and keys that are learned.

use crate::error::Error;
use crate::interop::key::Kind;
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial, words};
use crate::traffic::exchange;

const BYTES: u64 = 64 << 10;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    for kind in Kind::ALL {
        let server = trial.start_server(&Settings::with_host_key(kind))?;
        for algorithm in kind.algorithms() {
            if trial.is_dropbear() && *algorithm == "rsa-sha2-512" {
                trial.measure("not in Dropbear", algorithm);
                continue;
            }
            trial
                .once(&server, &target, &[("HostKeyAlgorithms", algorithm)], &exchange::echo(BYTES))
                .map_err(|error| error.context(format!("host key {algorithm}")))?;
        }
        trial
            .once(&server, &target, &[], &exchange::echo(BYTES))
            .map_err(|error| error.context(format!("host key {} by default", kind.name())))?;
    }
    learned(trial)
}

/// What `accept-new` writes is what the next call, a strict one, reads.
fn learned(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let mut call = trial.call(&server, &target.tcp.to_string())?;
    call.known_hosts = trial.log("learned");
    call.options = words(&[("StrictHostKeyChecking", "accept-new")]);
    trial.call_once(&call, &target, &exchange::echo(BYTES))?;
    let learned = std::fs::read_to_string(&call.known_hosts).unwrap_or_default();
    let host_key = server.host_keys.first().cloned().unwrap_or_default();
    if !learned.contains(&host_key) {
        return Err(
            Error::new(format!("accept-new did not write the host key: {learned:?}")).into()
        );
    }
    call.options = Vec::new();
    trial.call_once(&call, &target, &exchange::echo(BYTES))?;
    Ok(())
}
