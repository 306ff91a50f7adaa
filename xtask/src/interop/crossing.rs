//! A tunnel of any kind between home and the peer, whoever is the client, and what goes through it.
//!
//! The two ends have networks of their own, and the target is in one of them alone: what is dialled
//! at the wrong end is not there.

use std::net::SocketAddr;

use crate::error::{Error, Result};
use crate::interop::client::Client;
use crate::interop::conversation::Driver;
use crate::interop::forward::{Begin, Forward, Kind};
use crate::interop::gateway::Gateway;
use crate::interop::place::Family;
use crate::interop::programs::host;
use crate::interop::role::Role;
use crate::interop::server::{Server, Settings};
use crate::interop::stage::Side;
use crate::interop::stock::{self, Call};
use crate::interop::target::Target;
use crate::interop::trial::Trial;
use crate::interop::watched::Watched;
use crate::traffic::drive::Plan;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange::{self, Exchange};
use crate::traffic::way::Way;

/// How long a client that says nothing may take to open its tunnel, in milliseconds.
const OPEN_WITHIN: u64 = 30_000;

/// A client and a server that are connected, with their tunnels open.
#[derive(Debug)]
pub(crate) struct Crossing {
    role: Role,
    client: Opened,
    /// Where the tunnels begin, in the order in which they were asked for.
    pub(crate) begins: Vec<Endpoint>,
    _server: Option<Serving>,
}

#[derive(Debug)]
enum Opened {
    Tested(Client),
    Stock(Watched),
    /// Whoever opened it has it still.
    Beside,
}

#[derive(Debug)]
enum Serving {
    Peer { _server: Server },
    Adit { _gateway: Gateway },
}

/// The side where a tunnel begins.
pub(crate) fn near(role: Role, kind: Kind) -> Side {
    let client_is_home = role == Role::Server;
    if client_is_home == kind.is_remote() { Side::Peer } else { Side::Home }
}

/// The side of its target.
pub(crate) fn far(role: Role, kind: Kind) -> Side {
    if near(role, kind) == Side::Home { Side::Peer } else { Side::Home }
}

impl Crossing {
    /// Opens tunnels from loopback to where `forwards` say: adit's client to the peer's server, or
    /// the peer's client to adit's gateway, by this version of IP. None where the network has none.
    pub(crate) fn open(
        trial: &mut Trial<'_, '_>,
        role: Role,
        family: Family,
        forwards: Vec<Forward>,
    ) -> Result<Option<Self>> {
        match role {
            Role::Server => Self::by_adit(trial, family, forwards),
            Role::Client => Self::by_peer(trial, family, forwards),
        }
    }

    /// With a client that is there already; whatever it is connected to outlives this.
    pub(crate) fn of(client: Client) -> Self {
        let begins = client.listening.clone();
        Self { role: Role::Server, client: Opened::Tested(client), begins, _server: None }
    }

    /// As [`Self::of`], with a client that the caller keeps.
    pub(crate) fn beside(begins: &[Endpoint]) -> Self {
        let begins = begins.to_vec();
        Self { role: Role::Server, client: Opened::Beside, begins, _server: None }
    }

    fn by_adit(
        trial: &mut Trial<'_, '_>,
        family: Family,
        forwards: Vec<Forward>,
    ) -> Result<Option<Self>> {
        let Some(address) = trial.address(Side::Peer, family)? else { return Ok(None) };
        let server = trial.start_server(&Settings::default())?;
        let mut call = trial.home_call(&server, address)?;
        call.forwards = forwards;
        let client = trial.open_home(&call)?;
        Ok(Some(Self { _server: Some(Serving::Peer { _server: server }), ..Self::of(client) }))
    }

    fn by_peer(
        trial: &mut Trial<'_, '_>,
        family: Family,
        forwards: Vec<Forward>,
    ) -> Result<Option<Self>> {
        let permits = permits(&forwards);
        let words: Vec<&str> = permits.iter().map(String::as_str).collect();
        let Some(gateway) = Gateway::at_home(trial, family, &words)? else { return Ok(None) };
        Self::by_hops(trial, gateway, Vec::new(), forwards).map(Some)
    }

    /// The peer's client to a gateway of adit's, by way of others, each with its host key.
    pub(crate) fn by_hops(
        trial: &mut Trial<'_, '_>,
        gateway: Gateway,
        hops: Vec<(SocketAddr, String)>,
        forwards: Vec<Forward>,
    ) -> Result<Self> {
        let forwards = forwards.into_iter().map(|forward| fixed(trial, forward));
        let forwards = forwards.collect::<Result<Vec<_>>>()?;
        let begins = forwards.iter().filter_map(|forward| match &forward.from {
            Begin::Fixed(begin) => Some(begin.clone()),
            _ => None,
        });
        let begins = begins.collect();
        let call = Call { hops, ..Call::with(forwards) };
        let client = stock::open(trial, &gateway, &call)?;
        let (client, server) = (Opened::Stock(client), Serving::Adit { _gateway: gateway });
        Ok(Self { role: Role::Client, client, begins, _server: Some(server) })
    }

    /// Has one conversation through the tunnel of this number; the milliseconds that it took.
    pub(crate) fn talk(
        &self,
        trial: &mut Trial<'_, '_>,
        number: usize,
        kind: Kind,
        (target, at): (&Target, &Endpoint),
        exchange: &Exchange,
    ) -> Result<u64> {
        let (driver, plan) = self.start(trial, number, kind, at, exchange)?;
        self.finish(driver, &plan, target).map_err(|error| {
            let name = format!("{}, {}", kind.name(), exchange.name);
            error.context(name)
        })
    }

    /// Starts a conversation, to go on while other things happen.
    pub(crate) fn start(
        &self,
        trial: &mut Trial<'_, '_>,
        number: usize,
        kind: Kind,
        at: &Endpoint,
        exchange: &Exchange,
    ) -> Result<(Driver, Plan)> {
        let begin = self.begins.get(number).ok_or_else(|| Error::new("no such tunnel"))?;
        let mut plan = trial.plan(begin.clone(), exchange, 1);
        plan.connect_within = OPEN_WITHIN;
        plan.way = way(kind, begin, at)?;
        let driver = trial.drive_at(near(self.role, kind), &plan)?;
        Ok((driver, plan))
    }

    /// Waits for the end of a conversation, and compares what the ends saw.
    pub(crate) fn finish(&self, driver: Driver, plan: &Plan, target: &Target) -> Result<u64> {
        let talk = driver
            .finish(plan, target)
            .map_err(|error| Error::new(format!("{error}; the client: {}", self.last_words())))?;
        talk.check_digests()?;
        Ok(talk.near.milliseconds)
    }

    pub(crate) fn last_words(&self) -> String {
        match &self.client {
            Opened::Tested(client) => client.process.last_words(),
            Opened::Stock(process) => process.last_words(),
            Opened::Beside => "has its own log".to_owned(),
        }
    }

    /// Ends the client in good order.
    pub(crate) fn end(self, trial: &Trial<'_, '_>) -> Result<()> {
        match self.client {
            Opened::Tested(client) => client.end(trial.program),
            Opened::Stock(mut process) => process.stop().map(drop),
            Opened::Beside => Ok(()),
        }
    }
}

/// The way into a tunnel of this kind, to the target at `at`.
pub(crate) fn way(kind: Kind, begin: &Endpoint, at: &Endpoint) -> Result<Way> {
    match (kind.is_dynamic(), at) {
        (false, _) => Ok(Way::Begin(begin.clone())),
        (true, Endpoint::Tcp(address)) => {
            let (host, port) = (address.ip().to_string(), address.port());
            Ok(Way::Proxy { at: begin.clone(), host, port })
        }
        (true, Endpoint::Unix(_)) => Err(Error::new("a proxy is asked for no sockets")),
    }
}

/// The conversations that every kind of tunnel must carry.
pub(crate) fn exchanges() -> impl Iterator<Item = Exchange> {
    [exchange::both(1 << 20)].into_iter().chain(exchange::half_closes())
}

/// What a gateway must permit for these tunnels, and nothing else.
fn permits(forwards: &[Forward]) -> Vec<String> {
    let words = |forward: &Forward| -> Vec<String> {
        let listen = |at: String| vec!["--permit-listen".to_owned(), at];
        match (forward.kind, &forward.from, forward.target()) {
            (Kind::Local, _, Some(to)) => vec!["--permit".to_owned(), to.to_owned()],
            (Kind::Dynamic, Begin::At(address), _) => {
                vec!["--permit".to_owned(), format!("{}:*", host(*address))]
            }
            (_, Begin::At(address), _) => listen(format!("{}:*", host(*address))),
            (_, Begin::Fixed(endpoint), _) => listen(endpoint.to_string()),
            (_, Begin::Unix(path), _) => listen(path.display().to_string()),
            _ => Vec::new(),
        }
    };
    forwards.iter().flat_map(words).collect()
}

/// A stock client says nothing that all of them say of the ports they were given, so it is told.
fn fixed(trial: &mut Trial<'_, '_>, forward: Forward) -> Result<Forward> {
    let begin = match &forward.from {
        Begin::At(address) => {
            let family = Family::of(*address);
            Endpoint::Tcp(stock::free_address(trial.place()?, family)?)
        }
        Begin::Tcp => Endpoint::Tcp(stock::free_address(trial.place()?, Family::V4)?),
        Begin::Fixed(endpoint) => endpoint.clone(),
        Begin::Unix(path) => Endpoint::Unix(path.clone()),
    };
    Ok(Forward { from: Begin::Fixed(begin), ..forward })
}

/// A port of loopback that is free.
pub(crate) fn loopback(family: Family) -> Begin {
    Begin::At(family.loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_tunnel_begins_where_the_server_is_and_ends_where_the_client_is() {
        assert_eq!(near(Role::Server, Kind::Remote), Side::Peer);
        assert_eq!(far(Role::Server, Kind::RemoteDynamic), Side::Home);
        assert_eq!(near(Role::Server, Kind::Dynamic), Side::Home);
        assert_eq!(near(Role::Client, Kind::Local), Side::Peer);
        assert_eq!(far(Role::Client, Kind::Remote), Side::Peer);
    }

    #[test]
    fn a_gateway_permits_what_is_asked_and_no_more() {
        let forwards = [
            Forward::local(Begin::Tcp, "x:1"),
            Forward::new(Kind::Remote, loopback(Family::V6), "y:2"),
            Forward::new(Kind::RemoteDynamic, Begin::Unix("/s".into()), ""),
        ];
        let permits = permits(&forwards);
        assert_eq!(permits[..2], ["--permit", "x:1"]);
        assert_eq!(permits[2..], ["--permit-listen", "[::1]:*", "--permit-listen", "/s"]);
    }
}
