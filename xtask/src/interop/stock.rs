//! The peer's own client, against the gateway under test.

use std::time::Duration;

use crate::error::{Context, Result};
use crate::interop::client;
use crate::interop::gateway::Gateway;
use crate::interop::key::{self, Kind};
use crate::interop::leftover;
use crate::interop::peer::Flavour;
use crate::interop::place::{Place, SSH_PORT};
use crate::interop::server::dropbear_name;
use crate::interop::trial::Trial;
use crate::interop::watched::Watched;
use crate::traffic::endpoint::Endpoint;

/// To log in.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Who the client says it is.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    File(Kind),
    /// What the agent at this socket, in the peer's file system, holds.
    Agent(String),
    /// A key that the gateway does not know.
    Stranger,
}

/// A call of the peer's client.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) identity: Identity,
    /// The tunnel: where it begins in the peer's network or file system, and its target.
    pub(crate) from: Endpoint,
    pub(crate) to: String,
    /// Words for OpenSSH.
    pub(crate) options: Vec<String>,
}

impl Call {
    /// A tunnel from a port that is free to `to`, with the ed25519 key.
    pub(crate) fn new(trial: &mut Trial<'_, '_>, to: &str) -> Result<Self> {
        let from = free_endpoint(trial.place()?)?;
        let identity = Identity::File(Kind::Ed25519);
        Ok(Self { identity, from, to: to.to_owned(), options: Vec::new() })
    }
}

/// A port of the peer's loopback on which nothing listens.
fn free_endpoint(place: &dyn Place) -> Result<Endpoint> {
    if place.server_port() != SSH_PORT {
        return client::free_address().map(Endpoint::Tcp);
    }
    // A network of its own has no other listeners there; each call gets another port.
    let number = u16::try_from(leftover::serial() % 20_000).unwrap_or(0);
    Ok(Endpoint::Tcp(([127, 0, 0, 1], 10_000 + number).into()))
}

/// Starts the peer's client. OpenSSH says when it is ready; Dropbear says nothing, and whoever uses
/// the tunnel must try until it is there.
pub(crate) fn open(trial: &mut Trial<'_, '_>, gateway: &Gateway, call: &Call) -> Result<Watched> {
    let process = start(trial, gateway, call)?;
    if trial.peer.flavour == Flavour::OpenSsh {
        let is_ready = |line: &str| line.contains("Entering interactive session").then_some(());
        process.wait_for("login", READY_LIMIT, is_ready)?;
    }
    Ok(process)
}

/// Starts the peer's client without waiting for anything.
pub(crate) fn start(trial: &mut Trial<'_, '_>, gateway: &Gateway, call: &Call) -> Result<Watched> {
    let log = trial.log("stock-client");
    let flavour = trial.peer.flavour;
    let place = trial.place()?;
    let words = match flavour {
        Flavour::OpenSsh => openssh(place, gateway, call)?,
        Flavour::Dropbear => dropbear(place, gateway, call),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Watched::start(flavour.name(), place.own(&words), &log)
}

fn openssh(place: &dyn Place, gateway: &Gateway, call: &Call) -> Result<Vec<String>> {
    let shared = place.shared();
    let port = gateway.port;
    let host =
        if port == SSH_PORT { "127.0.0.1".to_owned() } else { format!("[127.0.0.1]:{port}") };
    let known = format!("{host} {}\n", gateway.host_key);
    std::fs::write(shared.outside("known_hosts"), known).context("write known_hosts")?;
    let options = [
        format!("UserKnownHostsFile={}", shared.inside("known_hosts")),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        "BatchMode=yes".to_owned(),
        "ExitOnForwardFailure=yes".to_owned(),
        "ConnectTimeout=20".to_owned(),
    ];
    let mut words: Vec<String> = ["ssh", "-F", "none", "-N", "-v"].map(str::to_owned).to_vec();
    words.extend(call.options.iter().cloned());
    words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
    let identity = match &call.identity {
        Identity::File(kind) => {
            vec![
                "-o".into(),
                "IdentityAgent=none".into(),
                "-i".into(),
                shared.inside(&key::user_name(*kind)),
            ]
        }
        Identity::Stranger => {
            vec!["-o".into(), "IdentityAgent=none".into(), "-i".into(), shared.inside("stranger")]
        }
        Identity::Agent(socket) => vec!["-o".into(), format!("IdentityAgent={socket}")],
    };
    words.extend(identity);
    let forward = format!("{}:{}", call.from, call.to);
    let rest = ["-L", &forward, "-p", &port.to_string(), "-l", &gateway.user, "127.0.0.1"];
    words.extend(rest.map(str::to_owned));
    Ok(words)
}

fn dropbear(place: &dyn Place, gateway: &Gateway, call: &Call) -> Vec<String> {
    let key = match &call.identity {
        Identity::File(kind) => dropbear_name(&key::user_name(*kind)),
        Identity::Agent(_) | Identity::Stranger => dropbear_name("stranger"),
    };
    let key = place.shared().inside(&key);
    let forward = format!("{}:{}", call.from, call.to);
    // It has no way to name a file of known hosts, and each gateway has a new key: the host keys
    // are OpenSSH's to check, and asked twice, it checks none.
    let words = ["dbclient", "-N", "-y", "-y", "-i", &key, "-L", &forward];
    let to = ["-p", &gateway.port.to_string(), "-l", &gateway.user, "127.0.0.1"];
    words.into_iter().chain(to).map(str::to_owned).collect()
}
