//! To log in with a key of each kind, from its file and by the agent.

use std::path::Path;

use crate::error::Result;
use crate::interop::agent::{self, Agent};
use crate::interop::key::Kind;
use crate::interop::server::{Server, Settings};
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial, words};
use crate::traffic::exchange;

const BYTES: u64 = 64 << 10;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    for kind in Kind::ALL {
        for algorithm in kind.algorithms() {
            // Dropbear signs and checks RSA with SHA-256 alone.
            if !(trial.is_dropbear() && *algorithm == "rsa-sha2-512") {
                from_file(trial, &server, &target, kind, Some(algorithm))?;
            }
        }
        from_file(trial, &server, &target, kind, None)?;
    }
    // The path of a socket is short; that of the logs may not be.
    let folder =
        tempfile::tempdir().map_err(|cause| crate::error::Error::new(cause.to_string()))?;
    let socket = folder.path().join("agent").display().to_string();
    let log = trial.log("agent");
    let agent = Agent::start(agent::here, socket, &log)?;
    for kind in Kind::ALL {
        let key = trial.keys.user(kind).display().to_string();
        agent.hold(agent::here, &key)?;
        by_agent(trial, &server, &target, &agent, kind.name())?;
    }
    encrypted(trial, &server, &target, &agent, folder.path())?;
    Ok(())
}

fn from_file(
    trial: &mut Trial<'_, '_>,
    server: &Server,
    target: &Target,
    kind: Kind,
    algorithm: Option<&str>,
) -> Result<()> {
    let mut call = trial.call(server, &target.tcp.to_string())?;
    call.identity = Some(trial.keys.user(kind));
    if let Some(algorithm) = algorithm {
        call.options = words(&[("PubkeyAcceptedAlgorithms", algorithm)]);
    }
    let name = algorithm.unwrap_or_else(|| kind.name());
    trial
        .call_once(&call, target, &exchange::echo(BYTES))
        .map(drop)
        .map_err(|error| error.context(format!("{name} from its file")))
}

fn by_agent(
    trial: &mut Trial<'_, '_>,
    server: &Server,
    target: &Target,
    agent: &Agent,
    name: &str,
) -> Result<()> {
    let mut call = trial.call(server, &target.tcp.to_string())?;
    call.identity = None;
    call.options = words(&[("IdentityAgent", &agent.socket), ("IdentitiesOnly", "no")]);
    trial
        .call_once(&call, target, &exchange::echo(BYTES))
        .map(drop)
        .map_err(|error| error.context(format!("{name} by the agent")))
}

/// The agent holds a key whose file nobody here could open.
fn encrypted(
    trial: &mut Trial<'_, '_>,
    server: &Server,
    target: &Target,
    agent: &Agent,
    folder: &Path,
) -> Result<()> {
    // Away with the others first.
    agent.hold(agent::here, &trial.keys.stranger().display().to_string())?;
    agent.hold_encrypted(&trial.keys.encrypted(), folder)?;
    by_agent(trial, server, target, agent, "an encrypted key")
}
