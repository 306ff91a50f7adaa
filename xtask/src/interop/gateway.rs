//! The server under test in the network of the peer: `adit serve`, or the peer's own server to see
//! whether a scenario is right.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::client::{self, Program};
use crate::interop::key::{self, Kind};
use crate::interop::leftover;
use crate::interop::peer::Flavour;
use crate::interop::place::{self, Family, Place};
use crate::interop::server::{self, Server, Settings};
use crate::interop::stage::Side;
use crate::interop::target::Target;
use crate::interop::trial::Trial;
use crate::interop::watched::Watched;
use crate::process;
use crate::traffic::endpoint::Endpoint;

/// What the gateway runs for the subsystem, of the package openssh-sftp-server.
pub(crate) const SFTP: &str = "/usr/lib/openssh/sftp-server";

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

/// The keys of a file, by which what is run finds no home: what whoever runs this has shells do is no
/// part of it.
fn homeless(authorized: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(authorized).context("read public keys")?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(|line| format!("environment=\"HOME=/nonexistent\" {line}")).collect())
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

    /// As [`Self::at_home`] by IPv4, with sessions as the user who runs this: of a rule, what they
    /// may have. The peer's own server, which allows all, where that is to be tried.
    pub(crate) fn with_sessions(trial: &mut Trial<'_, '_>, sessions: &[&str]) -> Result<Self> {
        if !trial.program.is_adit() {
            let lines = ["X11Forwarding yes", "AllowAgentForwarding yes"].map(str::to_owned);
            let settings = Settings { lines: lines.to_vec(), ..Settings::default() };
            let server = trial.start_server(&settings)?;
            return Self::of(trial, server, String::new());
        }
        let address = trial.address(Side::Home, Family::V4)?;
        let address = address.ok_or_else(|| Error::new("the network has no ipv4"))?;
        let mut id = Command::new("id");
        id.arg("-un");
        let account = process::succeed(id, READY_LIMIT)?;
        let host_key = trial.keys.host(Kind::Ed25519);
        let user = trial.place()?.user().to_owned();
        let keys = homeless(&trial.place()?.shared().outside(server::AUTHORIZED))?;
        let text = format!(
            "listen = [\"0.0.0.0:0\"]\nhost-keys = [{host_key:?}]\n\
             [[user]]\nname = {user:?}\nkeys = {keys:?}\naccount = {account:?}\n\
             [[rule]]\nname = \"sessions\"\naction = \"allow\"\nsessions = {sessions:?}\n\
             [subsystems]\nsftp = {SFTP:?}\n",
            account = account.trim(),
        );
        let config = trial.log("gateway").with_extension("toml");
        std::fs::write(&config, text).context("write a configuration")?;
        let log = trial.log("gateway");
        let Program::Adit(program) = trial.program else { return Err(Error::new("no adit")) };
        let mut command = trial.at(Side::Home)?.guest(program);
        command.args(["serve", "--config"]).arg(&config);
        let (process, mut address_there) = start(command, &log)?;
        address_there.set_ip(address);
        Ok(Self {
            _process: process,
            address: address_there,
            user,
            host_key: key::public(&host_key)?,
            unix_target: String::new(),
        })
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
        let (process, address) = start(command, &log)?;
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
        Self::of(trial, server, target.unix_inside.clone())
    }

    fn of(trial: &mut Trial<'_, '_>, server: Server, unix_target: String) -> Result<Self> {
        let host_key = server.host_keys.first().cloned();
        Ok(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, server.address.port())),
            _process: server.process,
            user: trial.place()?.user().to_owned(),
            host_key: host_key.ok_or_else(|| Error::new("a server without a host key"))?,
            unix_target,
        })
    }
}

/// Starts `adit serve`, and says where it listens.
fn start(command: Command, log: &Path) -> Result<(Watched, SocketAddr)> {
    let process = Watched::start("adit serve", command, log)?;
    match process.wait_for("listening", READY_LIMIT, client::listening)? {
        Endpoint::Tcp(address) => Ok((process, address)),
        Endpoint::Unix(path) => {
            Err(Error::new(format!("adit serve listens on {}", path.display())))
        }
    }
}
