//! The peer's own client, against the gateway under test.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::client;
use crate::interop::forward::{Begin, Forward};
use crate::interop::gateway::Gateway;
use crate::interop::key::{self, Kind};
use crate::interop::leftover;
use crate::interop::peer::Flavour;
use crate::interop::place::{self, Family, Place, SSH_PORT};
use crate::interop::programs;
use crate::interop::server::dropbear_name;
use crate::interop::trial::{Trial, known_name};
use crate::interop::watched::Watched;
use crate::traffic::endpoint::Endpoint;

/// To log in.
pub(crate) const READY_LIMIT: Duration = Duration::from_secs(60);

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
    /// They begin where they are told to in the peer's network or file system.
    pub(crate) forwards: Vec<Forward>,
    /// The gateways on the way, the nearest first, each with its host key.
    pub(crate) hops: Vec<(SocketAddr, String)>,
    /// More words for the client.
    pub(crate) options: Vec<String>,
}

impl Call {
    /// A tunnel from a port that is free to `to`, with the ed25519 key.
    pub(crate) fn new(trial: &mut Trial<'_, '_>, to: &str) -> Result<Self> {
        let from = Endpoint::Tcp(free_address(trial.place()?, Family::V4)?);
        Ok(Self::with(vec![Forward::local(Begin::Fixed(from), to)]))
    }

    /// With these tunnels and the ed25519 key.
    pub(crate) fn with(forwards: Vec<Forward>) -> Self {
        Self {
            identity: Identity::File(Kind::Ed25519),
            forwards,
            hops: Vec::new(),
            options: Vec::new(),
        }
    }

    /// Where the first tunnel begins.
    pub(crate) fn begin(&self) -> Result<Endpoint> {
        match self.forwards.first().map(|forward| &forward.from) {
            Some(Begin::Fixed(endpoint)) => Ok(endpoint.clone()),
            _ => Err(Error::new("a call without a place where it begins")),
        }
    }

    /// The flags of the tunnels with their values.
    fn tunnels(&self) -> Result<Vec<String>> {
        let words = |forward: &Forward| match &forward.from {
            Begin::Fixed(endpoint) => Ok(forward.words(endpoint)),
            other => Err(Error::new(format!("a stock client cannot begin at {other:?}"))),
        };
        Ok(self.forwards.iter().map(words).collect::<Result<Vec<_>>>()?.concat())
    }
}

/// A port of the peer's loopback on which nothing listens.
pub(crate) fn free_address(place: &dyn Place, family: Family) -> Result<SocketAddr> {
    let loopback = family.loopback();
    if place.server_port() != SSH_PORT {
        return Ok(SocketAddr::new(loopback, client::free_address()?.port()));
    }
    // A network of its own has no other listeners there; each call gets another port.
    let number = u16::try_from(leftover::serial() % 20_000).unwrap_or(0);
    Ok(SocketAddr::new(loopback, 10_000 + number))
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
    let words = words(place, flavour, gateway, call)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Watched::start(flavour.name(), place.own(&words), &log)
}

/// The command of a client whose standard input and output are the tunnel to `target`.
pub(crate) fn stdio(
    trial: &mut Trial<'_, '_>,
    gateway: &Gateway,
    call: &Call,
    target: &str,
) -> Result<Command> {
    let flavour = trial.peer.flavour;
    let place = trial.place()?;
    let words = words(place, flavour, gateway, call)?;
    let flag = match flavour {
        Flavour::OpenSsh => "-W",
        Flavour::Dropbear => "-B",
    };
    let kept = words.iter().map(String::as_str).filter(|word| *word != "-N");
    let mut words: Vec<&str> = kept.collect();
    // Behind the name of the program, before that of the server.
    words.splice(1..1, [flag, target]);
    Ok(place.own(&words))
}

fn words(
    place: &dyn Place,
    flavour: Flavour,
    gateway: &Gateway,
    call: &Call,
) -> Result<Vec<String>> {
    match flavour {
        Flavour::OpenSsh => openssh(place, gateway, call),
        Flavour::Dropbear => dropbear(place, gateway, call),
    }
}

fn openssh(place: &dyn Place, gateway: &Gateway, call: &Call) -> Result<Vec<String>> {
    let shared = place.shared();
    let host = gateway.address.ip().to_string();
    let known = format!("{} {}\n", known_name(gateway.address), gateway.host_key);
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
    if !call.hops.is_empty() {
        words.extend(jumps(place, gateway, call)?);
    }
    words.extend(call.tunnels()?);
    let rest = ["-p", &gateway.address.port().to_string(), "-l", &gateway.user, &host];
    words.extend(rest.map(str::to_owned));
    Ok(words)
}

/// ssh hands none of its words to those it starts for the jumps, but the name of its
/// configuration.
fn jumps(place: &dyn Place, gateway: &Gateway, call: &Call) -> Result<Vec<String>> {
    let shared = place.shared();
    let known = call.hops.iter().map(|(address, key)| format!("{} {key}\n", known_name(*address)));
    std::fs::write(shared.outside("known_hops"), known.collect::<String>())
        .context("write known_hosts")?;
    let configuration = format!(
        "UserKnownHostsFile {}\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\n\
         BatchMode yes\nIdentityAgent none\nIdentityFile {}\n",
        shared.inside("known_hops"),
        shared.inside(&key::user_name(Kind::Ed25519)),
    );
    std::fs::write(shared.outside("ssh_config"), configuration).context("write ssh_config")?;
    let hop = |(address, _): &(SocketAddr, String)| {
        format!("{}@{}:{}", gateway.user, programs::host(address.ip()), address.port())
    };
    let hops: Vec<String> = call.hops.iter().map(hop).collect();
    // The last one of its kind wins.
    Ok(vec!["-F".to_owned(), shared.inside("ssh_config"), "-J".to_owned(), hops.join(",")])
}

fn dropbear(place: &dyn Place, gateway: &Gateway, call: &Call) -> Result<Vec<String>> {
    let key = match &call.identity {
        Identity::File(kind) => dropbear_name(&key::user_name(*kind)),
        Identity::Agent(_) | Identity::Stranger => dropbear_name("stranger"),
    };
    let key = place.shared().inside(&key);
    let (host, port) = (gateway.address.ip().to_string(), gateway.address.port().to_string());
    // It has no way to name a file of known hosts, and each gateway has a new key: the host keys
    // are OpenSSH's to check, and asked twice, it checks none.
    let mut words = ["dbclient", "-N", "-y", "-y", "-i", &key].map(str::to_owned).to_vec();
    words.extend(call.options.iter().cloned());
    let to = if call.hops.is_empty() {
        ["-p", &port, "-l", &gateway.user, &host].map(str::to_owned).to_vec()
    } else {
        // It starts itself once more for each hop, by the name that it was started by.
        let path = place::run(place, &["sh", "-c", "command -v dbclient"])?;
        words.splice(..1, [path.trim().to_owned()]);
        let before = call.hops.iter().map(|(address, _)| *address);
        let all = before.chain([gateway.address]);
        let hop = |at: SocketAddr| format!("{}@{}/{}", gateway.user, at.ip(), at.port());
        vec![all.map(hop).collect::<Vec<_>>().join(",")]
    };
    Ok([words, call.tunnels()?, to].concat())
}
