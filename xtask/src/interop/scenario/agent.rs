//! From the peer's server to a second one, by the agent of this machine.

use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::agent::{self, Agent};
use crate::interop::key::Kind;
use crate::interop::peer::{Flavour, Origin, Peer};
use crate::interop::place::USER;
use crate::interop::release::Release;
use crate::interop::server::Settings;
use crate::interop::stage::Side;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::trial::{Stop, Trial, known_name, words};
use crate::process;

const LIMIT: Duration = Duration::from_secs(20);

/// The file in the shared folder with the second server's host key.
const KNOWN: &str = "known_second";

/// What the second server must say.
const WORD: &str = "here-is-the-second";

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let Origin::Release(release) = trial.peer.origin else {
        let reason = "there is one version of the machine's own server";
        return Err(Stop::NotApplicable(reason.to_owned()));
    };
    let second = Peer { flavour: Flavour::OpenSsh, origin: Origin::Release(other(release)) };
    let (place, second) = trial.start_other(second, &Settings::default())?;
    let server = trial.start_server(&Settings::default())?;
    let road = trial.road_from_peer(place.as_ref())?;
    let address = road.first().copied().ok_or_else(|| Error::new("no way to the second server"))?;
    let key = second.host_keys.first().cloned().unwrap_or_default();
    let known = format!("{} {key}\n", known_name((address, second.address.port()).into()));
    std::fs::write(trial.place()?.shared().outside(KNOWN), &known).context("write known_hosts")?;
    let file = trial.place()?.shared().inside(KNOWN);
    let hop = format!(
        "ssh -F none -o UserKnownHostsFile={file} -o GlobalKnownHostsFile=none \
         -o StrictHostKeyChecking=yes -o BatchMode=yes {USER}@{address} echo {WORD}"
    );
    let first = trial.address(Side::Peer, crate::interop::place::Family::V4)?;
    let first = first.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let mut call = trial.home_call(&server, first)?;
    let log = trial.log("agent");
    // The path of a socket is short; that of the logs may not be.
    let folder = tempfile::tempdir().context("make a folder for an agent")?;
    let socket = folder.path().join("agent").display().to_string();
    let agent = Agent::start(agent::here, socket, &log)?;
    call.options = words(&[("IdentityAgent", &agent.socket)]);
    let known_first = std::fs::read_to_string(&call.known_hosts).context("read known_hosts")?;
    let both = folder.path().join("known_hosts");
    std::fs::write(&both, known_first + &known).context("write known_hosts")?;
    let key = trial.keys.user(Kind::Ed25519).display().to_string();
    let mut stand_in = StandIn::with(trial.program, call)?;
    stand_in.set("SSH_AUTH_SOCK", &agent.socket);

    agent.hold(agent::here, &key)?;
    arrives(trial, &stand_in, &["-A"], &hop).map_err(|error| error.context("-A"))?;
    let named = format!("ForwardAgent={}", agent.socket);
    arrives(trial, &stand_in, &["-o", &named], &hop)
        .map_err(|error| error.context("an agent that is named"))?;
    fails(trial, &stand_in, &["-a"], &hop).map_err(|error| error.context("-a"))?;
    if release == Release::Bullseye {
        trial.measure("a key for some hosts alone", "its ssh binds no sessions");
        return Ok(());
    }
    // To the first server, and from there to the second.
    let (here, there) = (first.to_string(), format!("{first}>{address}"));
    let known = both.display().to_string();
    restrict(&agent, &key, &known, &[&here, &there])?;
    arrives(trial, &stand_in, &["-A"], &hop)
        .map_err(|error| error.context("a key for both hosts"))?;
    restrict(&agent, &key, &known, &[&here])?;
    fails(trial, &stand_in, &["-A"], &hop)
        .map_err(|error| error.context("a key for the first host"))?;
    Ok(())
}

/// Another release, whose server knows which host a login was meant for.
fn other(release: Release) -> Release {
    if release == Release::Newest { Release::Trixie } else { Release::Newest }
}

/// Gives the agent a key, and no other, for these hosts alone.
fn restrict(agent: &Agent, key: &str, known: &str, hosts: &[&str]) -> Result<()> {
    let variable = format!("SSH_AUTH_SOCK={}", agent.socket);
    process::succeed(agent::here(&["env", &variable, "ssh-add", "-q", "-D"]), LIMIT)?;
    let mut words = vec!["env", &variable, "ssh-add", "-q", "-H", known];
    words.extend(hosts.iter().flat_map(|host| ["-h", host]));
    words.push(key);
    process::succeed(agent::here(&words), LIMIT).map(drop)
}

fn arrives(trial: &mut Trial<'_, '_>, stand_in: &StandIn, flags: &[&str], hop: &str) -> Result<()> {
    let said = stand_in.output(trial, &[flags, &[HOST, hop]].concat())?;
    if said.contains(WORD) { Ok(()) } else { Err(Error::new(format!("the second said {said:?}"))) }
}

fn fails(trial: &mut Trial<'_, '_>, stand_in: &StandIn, flags: &[&str], hop: &str) -> Result<()> {
    let finished = stand_in.ssh(trial, &[flags, &[HOST, hop]].concat(), &[])?;
    let is_refused = finished.stderr_text().contains("Permission denied");
    if finished.status.code() == Some(255) && is_refused {
        return Ok(());
    }
    let (status, said) = (finished.status, finished.stderr_text());
    Err(Error::new(format!("the login at the second ended with {status}: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_server_is_of_another_release_that_is_new_enough() {
        for release in Release::ALL {
            assert!(other(release) != release && other(release) > Release::Bookworm);
        }
    }
}
