//! The peer's own client through the gateway: every kind of key, and bulk.

use crate::error::{Error, Result};
use crate::interop::agent::Agent;
use crate::interop::gateway::{Asked, Gateway};
use crate::interop::key::{self, Kind};
use crate::interop::leftover;
use crate::interop::peer::Flavour;
use crate::interop::stock::{self, Call, Identity};
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::interop::watched::Watched;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange::{self, Exchange};

const BYTES: u64 = 64 << 10;

/// Of the ordinary size: the clients were shown to carry bulk by their own servers.
const PART: u64 = 8;

/// How long a client that says nothing may take to open its tunnel, in milliseconds.
const OPEN_WITHIN: u64 = 30_000;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let gateway = Gateway::start(trial, &target, Asked::Tcp)?;
    for kind in Kind::ALL {
        let identity = Identity::File(kind);
        through(trial, &gateway, &target, identity, &[], &exchange::echo(BYTES))
            .map_err(|error| error.context(format!("{} from its file", kind.name())))?;
    }
    let bulk = exchange::both(trial.size / PART);
    through(trial, &gateway, &target, Identity::File(Kind::Ed25519), &[], &bulk)?;
    if trial.peer.flavour == Flavour::Dropbear {
        return Ok(());
    }
    let identity = Identity::File(Kind::Ed25519);
    let rekeys = ["-o", "RekeyLimit=1M"];
    through(trial, &gateway, &target, identity, &rekeys, &bulk)
        .map_err(|error| error.context("rekey at 1 MiB"))?;
    by_agent(trial, &gateway, &target)?;
    Ok(())
}

fn by_agent(trial: &mut Trial<'_, '_>, gateway: &Gateway, target: &Target) -> Result<()> {
    let log = trial.log("agent");
    let place = trial.place()?;
    let socket = place.shared().inside(&format!("agent-{}", leftover::serial()));
    let agent = Agent::start(|words| place.own(words), socket, &log)?;
    for kind in Kind::ALL {
        let place = trial.place()?;
        let key = place.shared().inside(&key::user_name(kind));
        agent.hold(|words| place.own(words), &key)?;
        let identity = Identity::Agent(agent.socket.clone());
        through(trial, gateway, target, identity, &[], &exchange::echo(BYTES))
            .map_err(|error| error.context(format!("{} by the agent", kind.name())))?;
    }
    Ok(())
}

/// One call of the client, one conversation through its tunnel.
pub(crate) fn through(
    trial: &mut Trial<'_, '_>,
    gateway: &Gateway,
    target: &Target,
    identity: Identity,
    options: &[&str],
    exchange: &Exchange,
) -> Result<()> {
    let mut call = Call::new(trial, &target.tcp.to_string())?;
    call.identity = identity;
    call.options = options.iter().map(|option| (*option).to_owned()).collect();
    talk(trial, gateway, target, &call, &call.begin()?, exchange).map(drop)
}

/// As [`through`], with a call that is made already; `begin` is where the driver finds the tunnel.
/// The client that has ended is yielded, for what it said.
pub(crate) fn talk(
    trial: &mut Trial<'_, '_>,
    gateway: &Gateway,
    target: &Target,
    call: &Call,
    begin: &Endpoint,
    exchange: &Exchange,
) -> Result<Watched> {
    let mut client = stock::open(trial, gateway, call)?;
    let mut plan = trial.plan(begin.clone(), exchange, 1);
    if trial.is_dropbear() {
        plan.connect_within = OPEN_WITHIN;
    }
    let talk = trial.drive_inside(&plan)?.finish(&plan, target);
    let talk = talk.map_err(|error| {
        Error::new(format!("{}: {error}; the client: {}", exchange.name, client.last_words()))
    })?;
    talk.check_digests()?;
    if talk.speed() > 0 && exchange.name == "both" {
        let condition = call.options.join(" ").replace("-o ", ", ");
        trial.measure(&format!("{}{condition}, MiB/s", exchange.name), talk.speed());
    }
    client.stop()?;
    Ok(client)
}
