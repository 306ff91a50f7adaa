//! One scenario against one peer: what the scenario calls to set the stage, and what it measured.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use crate::error::{Context, Error, Result};
use crate::interop::call::Call;
use crate::interop::client::{Cause, Client, Program};
use crate::interop::conversation::{Driver, Talk};
use crate::interop::forward::{Begin, Forward};
use crate::interop::key::{Keys, Kind};
use crate::interop::logs::Logs;
use crate::interop::peer::{Flavour, Origin, Peer};
use crate::interop::place::{Family, Place, SSH_PORT};
use crate::interop::release::Release;
use crate::interop::server::{self, Server, Settings};
use crate::interop::services::Services;
use crate::interop::stage::{Side, Stage};
use crate::interop::target::Target;
use crate::interop::watched::Watched;
use crate::traffic::drive::Plan;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange::Exchange;

/// Why a scenario did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Failed(Error),
    /// The peer has not what the scenario is about.
    NotApplicable(String),
}

/// What a scenario works with.
#[derive(Debug)]
pub(crate) struct Trial<'t, 's> {
    pub(crate) peer: Peer,
    pub(crate) keys: &'t Keys,
    /// The client under test, or adit's gateway where the peer is the client.
    pub(crate) program: &'t Program,
    /// Of a bulk transfer, in bytes.
    pub(crate) size: u64,
    /// Figures for the reports, each with its name.
    pub(crate) measurements: Vec<(String, String)>,
    stage: &'t mut Stage<'s>,
    logs: Logs,
    next_connection: u64,
}

impl<'t, 's> Trial<'t, 's> {
    /// A trial whose logs go to the folder `logs`.
    pub(crate) fn new(
        stage: &'t mut Stage<'s>,
        program: &'t Program,
        size: u64,
        logs: PathBuf,
    ) -> Result<Self> {
        Ok(Self {
            peer: stage.peer,
            keys: stage.keys,
            program,
            size,
            measurements: Vec::new(),
            stage,
            logs: Logs::new(logs)?,
            next_connection: 1,
        })
    }

    pub(crate) fn is_dropbear(&self) -> bool {
        self.peer.flavour == Flavour::Dropbear
    }

    /// Whether the peer's server connects to Unix sockets: Dropbear 2022.83 refuses them still,
    /// 2025.89 does not.
    pub(crate) fn has_unix_targets(&self) -> bool {
        let is_old =
            matches!(self.peer.origin, Origin::Release(release) if release < Release::Trixie);
        !(self.is_dropbear() && is_old)
    }

    pub(crate) fn place(&mut self) -> Result<&mut dyn Place> {
        self.stage.place()
    }

    /// The place on one side.
    pub(crate) fn at(&mut self, side: Side) -> Result<&mut dyn Place> {
        self.stage.at(side)
    }

    /// The servers of the programs that travel, on one side.
    pub(crate) fn services(&mut self, side: Side) -> Result<&Services> {
        self.stage.services(side)
    }

    /// The address at which a side is reached from the other end; none if the network has none.
    pub(crate) fn address(&mut self, to: Side, family: Family) -> Result<Option<IpAddr>> {
        self.stage.address(to, family)
    }

    /// Goes on in a new place.
    pub(crate) fn renew_place(&mut self) {
        self.stage.discard();
    }

    /// The file for the output of the next process.
    pub(crate) fn log(&mut self, name: &str) -> PathBuf {
        self.logs.next(name)
    }

    pub(crate) fn measure(&mut self, name: &str, value: impl ToString) {
        self.measurements.push((name.to_owned(), value.to_string()));
    }

    /// Starts the peer's server; what ran in the place before ends, an earlier server with it.
    pub(crate) fn start_server(&mut self, settings: &Settings) -> Result<Server> {
        self.stage.clear()?;
        let log = self.log("server");
        let flavour = self.peer.flavour;
        server::start(self.place()?, flavour, settings, &log)
    }

    /// Starts a target in the network of the peer.
    pub(crate) fn start_target(&mut self) -> Result<Target> {
        let log = self.log("target");
        Target::start(self.place()?, &log)
    }

    /// Starts a target in the network of one side.
    pub(crate) fn start_target_at(&mut self, side: Side) -> Result<Target> {
        let log = self.log("target");
        Target::start(self.at(side)?, &log)
    }

    /// A call of the client under test with everything in order: one tunnel from a TCP port, the
    /// server's host keys known, the ed25519 key of the user.
    pub(crate) fn call(&mut self, server: &Server, to: &str) -> Result<Call> {
        let forward = Forward::local(Begin::Tcp, to.to_owned());
        Ok(Call {
            server: server.address,
            user: self.place()?.user().to_owned(),
            identity: Some(self.keys.user(Kind::Ed25519)),
            known_hosts: self.known_hosts(server, &server.host_keys)?,
            jumps: Vec::new(),
            forwards: vec![forward],
            options: Vec::new(),
        })
    }

    /// As [`Trial::call`] without a tunnel, from home.
    pub(crate) fn home_call(&mut self, server: &Server, address: IpAddr) -> Result<Call> {
        let mut call = self.call(server, "")?;
        call.forwards.clear();
        call.server.set_ip(address);
        call.known_hosts = self.known_hosts_of(call.server, &server.host_keys)?;
        Ok(call)
    }

    /// A file that knows `host_keys` for the server.
    pub(crate) fn known_hosts(&mut self, server: &Server, host_keys: &[String]) -> Result<PathBuf> {
        self.known_hosts_of(server.address, host_keys)
    }

    /// A file that knows `host_keys` for a server at this address.
    pub(crate) fn known_hosts_of(
        &mut self,
        address: SocketAddr,
        host_keys: &[String],
    ) -> Result<PathBuf> {
        let path = self.log("known_hosts");
        let name = known_name(address);
        let lines: String = host_keys.iter().map(|key| format!("{name} {key}\n")).collect();
        std::fs::write(&path, lines).context("write known_hosts")?;
        Ok(path)
    }

    /// Opens the tunnels of `call` with the client under test.
    pub(crate) fn open(&mut self, call: &Call) -> Result<Client> {
        let log = self.log("client");
        self.program.open(call, &log)
    }

    /// The same at home.
    pub(crate) fn open_home(&mut self, call: &Call) -> Result<Client> {
        let log = self.log("client");
        let program = self.program;
        program.open_in(self.at(Side::Home)?, call, &log)
    }

    /// A call from home that must fail; what it said.
    pub(crate) fn fail_home(&mut self, call: &Call, cause: Cause) -> Result<Watched> {
        let log = self.log("client");
        let program = self.program;
        program.fail_in(self.at(Side::Home)?, call, cause, &log)
    }

    /// Starts a place for another peer, and its server. They are no part of the stage.
    pub(crate) fn start_other(
        &mut self,
        peer: Peer,
        settings: &Settings,
    ) -> Result<(Box<dyn Place>, Server)> {
        let log = self.log(&peer.name());
        let place = self.stage.start_peer(peer)?;
        let server = server::start(place.as_ref(), peer.flavour, settings, &log)?;
        Ok((place, server))
    }

    /// By which addresses one place reaches another.
    pub(crate) fn road(&self, from: &dyn Place, to: &dyn Place) -> Result<Vec<IpAddr>> {
        self.stage.join(from, to)
    }

    /// By which addresses home reaches a place.
    pub(crate) fn road_from_home(&mut self, to: &dyn Place) -> Result<Vec<IpAddr>> {
        self.stage.join_from_home(to)
    }

    /// By which addresses the peer reaches a place.
    pub(crate) fn road_from_peer(&mut self, to: &dyn Place) -> Result<Vec<IpAddr>> {
        self.stage.join_from_peer(to)
    }

    /// By which addresses a place reaches the peer.
    pub(crate) fn road_to_peer(&mut self, from: &dyn Place) -> Result<Vec<IpAddr>> {
        self.stage.join_to_peer(from)
    }

    /// A plan for `exchange` through the tunnel that begins at `begin`.
    pub(crate) fn plan(
        &mut self,
        begin: Endpoint,
        exchange: &Exchange,
        connections: usize,
    ) -> Plan {
        let first = self.next_connection;
        self.next_connection += u64::try_from(connections).unwrap_or(u64::MAX);
        Plan { first, connections, ..Plan::new(begin, exchange) }
    }

    /// Starts a driver on this machine.
    pub(crate) fn drive(&mut self, plan: &Plan) -> Result<Driver> {
        let log = self.log("driver");
        let mut command = Command::new(own_program()?);
        command.arg("drive");
        Driver::start(command, plan, &log)
    }

    /// Starts a driver in the network of the peer.
    pub(crate) fn drive_inside(&mut self, plan: &Plan) -> Result<Driver> {
        self.drive_at(Side::Peer, plan)
    }

    /// Starts a driver in the network of one side.
    pub(crate) fn drive_at(&mut self, side: Side, plan: &Plan) -> Result<Driver> {
        let log = self.log("driver");
        let mut command = self.at(side)?.guest(&own_program()?);
        command.arg("drive");
        Driver::start(command, plan, &log)
    }

    /// Has one conversation through a tunnel that begins on this machine; the ends must agree.
    pub(crate) fn talk(
        &mut self,
        begin: &Endpoint,
        target: &Target,
        exchange: &Exchange,
    ) -> Result<Talk> {
        let plan = self.plan(begin.clone(), exchange, 1);
        let talk = self.drive(&plan)?.finish(&plan, target);
        let talk = talk.map_err(|error| error.context(exchange.name))?;
        talk.check_digests()?;
        Ok(talk)
    }

    /// Opens one tunnel to the target's port, has one conversation, and ends the client.
    pub(crate) fn once(
        &mut self,
        server: &Server,
        target: &Target,
        options: &[(&str, &str)],
        exchange: &Exchange,
    ) -> Result<Talk> {
        let mut call = self.call(server, &target.tcp.to_string())?;
        call.options = words(options);
        self.call_once(&call, target, exchange)
    }

    /// As [`Trial::once`], with a call that is made already.
    pub(crate) fn call_once(
        &mut self,
        call: &Call,
        target: &Target,
        exchange: &Exchange,
    ) -> Result<Talk> {
        let client = self.open(call)?;
        let talk = self.talk(&client.begin()?, target, exchange)?;
        client.end(self.program)?;
        Ok(talk)
    }

    /// Puts everything away for the next scenario; after a failure the place is not trusted any
    /// more, and the logs stay, with their last lines told.
    pub(crate) fn finish(&mut self, has_failed: bool) -> Result<()> {
        if has_failed {
            eprint!("{}", self.logs.ends()?);
            self.stage.discard();
            return Ok(());
        }
        // A place that does not obey is replaced.
        if self.stage.clear().is_err() {
            self.stage.discard();
        }
        self.logs.remove()
    }
}

/// The name of a server in a file of known hosts.
pub(crate) fn known_name(address: SocketAddr) -> String {
    let (host, port) = (address.ip(), address.port());
    if port == SSH_PORT { host.to_string() } else { format!("[{host}]:{port}") }
}

/// Options as a call has them.
pub(crate) fn words(options: &[(&str, &str)]) -> Vec<(String, String)> {
    options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("find this program")
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
