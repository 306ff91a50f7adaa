//! The server under test in the network of the peer: `adit serve`, or the peer's own server to see
//! whether a scenario is right.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::interop::client::{self, Program};
use crate::interop::key;
use crate::interop::leftover;
use crate::interop::peer::Flavour;
use crate::interop::place::{self, Family, Place};
use crate::interop::server::{self, Settings};
use crate::interop::stage::Side;
use crate::interop::target::Target;
use crate::interop::trial::Trial;
use crate::interop::watched::Watched;
use crate::traffic::endpoint::Endpoint;

const READY_LIMIT: Duration = Duration::from_secs(30);

/// A running gateway; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    _process: Watched,
    /// Where the peer reaches it.
    pub(crate) address: SocketAddr,
    pub(crate) user: String,
    /// The public host key, its type and its value.
    pub(crate) host_key: String,
    /// The path of the target's socket in the file system that the gateway sees.
    pub(crate) unix_target: String,
}

/// The kinds of targets that clients will ask for: OpenSSH's server cannot permit a port and a path
/// and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Tcp,
    TcpAndUnix,
}

/// The public key of a private one. Whoever runs this may not read the file; the peer's root may.
fn public(place: &dyn Place, private: &str) -> Result<String> {
    let said = place::run(place, &["ssh-keygen", "-y", "-f", private])?;
    key::value(&said).ok_or_else(|| Error::new("the gateway's host key is none"))
}

impl Gateway {
    /// Starts a gateway that lets the users' keys in and goes to nothing but `target`.
    pub(crate) fn start(trial: &mut Trial<'_, '_>, target: &Target, asked: Asked) -> Result<Self> {
        match trial.program {
            Program::Adit(_) => Self::start_adit(trial, target, &[]),
            Program::Ssh => Self::start_own(trial, target, asked),
        }
    }

    /// The same with every algorithm that there is, and compression.
    pub(crate) fn start_with_all(trial: &mut Trial<'_, '_>, target: &Target) -> Result<Self> {
        match trial.program {
            Program::Adit(_) => {
                Self::start_adit(trial, target, &["--algorithms", "all", "--compression"])
            }
            Program::Ssh => Self::start_with(trial, &Settings::with_all_key_exchanges(), target),
        }
    }

    fn start_adit(trial: &mut Trial<'_, '_>, target: &Target, words: &[&str]) -> Result<Self> {
        let permits = [target.tcp.to_string(), target.unix_outside.clone()];
        let permits = permits.iter().flat_map(|target| ["--permit", target]);
        let words = permits.chain(words.iter().copied()).collect::<Vec<_>>();
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut gateway = Self::serve(trial, Side::Peer, loopback, &words)?;
        gateway.unix_target = target.unix_outside.clone();
        Ok(gateway)
    }

    /// Starts adit's gateway at home, where the peer reaches it by this version of IP; `words` say
    /// what it permits.
    pub(crate) fn at_home(
        trial: &mut Trial<'_, '_>,
        family: Family,
        words: &[&str],
    ) -> Result<Option<Self>> {
        let Some(address) = trial.address(Side::Home, family)? else { return Ok(None) };
        let every = SocketAddr::new(family.unspecified(), 0);
        let mut gateway = Self::serve(trial, Side::Home, every, words)?;
        gateway.address.set_ip(address);
        Ok(Some(gateway))
    }

    fn serve(
        trial: &mut Trial<'_, '_>,
        side: Side,
        listen: SocketAddr,
        words: &[&str],
    ) -> Result<Self> {
        let Program::Adit(program) = trial.program else { return Err(Error::new("no adit")) };
        let log = trial.log("gateway");
        // The peer's own tools make the keys, so that its oldest can read them.
        let shared = trial.place()?.shared().clone();
        let user = trial.place()?.user().to_owned();
        // It is not there: the gateway makes it on its first run.
        let name = format!("gateway-{}", leftover::serial());
        let host_key = shared.outside(&name);
        let mut command = trial.at(side)?.guest(program);
        command.args(["serve", "--listen", &listen.to_string(), "--host-key"]).arg(&host_key);
        command.arg("--authorized-keys").arg(shared.outside(server::AUTHORIZED)).args(words);
        let process = Watched::start("adit serve", command, &log)?;
        let begin = process.wait_for("listening", READY_LIMIT, client::listening)?;
        let Endpoint::Tcp(address) = begin else {
            return Err(Error::new(format!("adit serve listens on {begin}")));
        };
        Ok(Self {
            _process: process,
            address,
            user,
            host_key: public(trial.place()?, &shared.inside(&name))?,
            unix_target: String::new(),
        })
    }

    fn start_own(trial: &mut Trial<'_, '_>, target: &Target, asked: Asked) -> Result<Self> {
        let settings = match (trial.peer.flavour, asked) {
            (Flavour::OpenSsh, Asked::Tcp) => {
                Settings::with_line(&format!("PermitOpen {}", target.tcp))
            }
            _ => Settings::default(),
        };
        Self::start_with(trial, &settings, target)
    }

    fn start_with(trial: &mut Trial<'_, '_>, settings: &Settings, target: &Target) -> Result<Self> {
        let server = trial.start_server(settings)?;
        let host_key = server.host_keys.first().cloned();
        Ok(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, server.address.port())),
            _process: server.process,
            user: trial.place()?.user().to_owned(),
            host_key: host_key.ok_or_else(|| Error::new("a server without a host key"))?,
            unix_target: target.unix_inside.clone(),
        })
    }
}
