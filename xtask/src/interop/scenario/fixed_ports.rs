//! Ports that are not for everyone: IMAP's at the near end, port 80 at the far one.

use std::net::SocketAddr;

use crate::error::{Error, Result};
use crate::interop::client::Cause;
use crate::interop::crossing::Crossing;
use crate::interop::forward::{Begin, Forward, Kind};
use crate::interop::gateway::Gateway;
use crate::interop::place::Family;
use crate::interop::programs::Programs;
use crate::interop::role::Role;
use crate::interop::scenario::kinds::can_open;
use crate::interop::scenario::programs::need_image;
use crate::interop::server::Settings;
use crate::interop::services::IMAP;
use crate::interop::stage::Side;
use crate::interop::stock::{self, Call};
use crate::interop::trial::{Stop, Trial};
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange;

const BYTES: u64 = 64 << 10;

/// Of a web server; below 1024, it is not for ordinary users.
const WEB: u16 = 80;

/// A client of a mail program that knows no other port than 143.
pub(crate) fn imap(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    imap_as(trial, Role::Server)
}

pub(crate) fn stock_imap(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    can_open(trial, Kind::Local)?;
    imap_as(trial, Role::Client)
}

fn imap_as(trial: &mut Trial<'_, '_>, role: Role) -> Result<(), Stop> {
    need_image(trial)?;
    let (programs, services) = match role {
        Role::Server => (Side::Home, Side::Annex),
        Role::Client => (Side::Annex, Side::Home),
    };
    trial.services(services)?;
    let port = SocketAddr::new(Family::V4.loopback(), IMAP);
    let forward = Forward::local(Begin::Fixed(Endpoint::Tcp(port)), port.to_string());
    let crossing = open(trial, role, vec![forward])?;
    let programs = Programs { place: trial.at(programs)? };
    programs.log_in(port)?;
    Ok(crossing.end(trial)?)
}

fn open(trial: &mut Trial<'_, '_>, role: Role, forwards: Vec<Forward>) -> Result<Crossing> {
    let crossing = Crossing::open(trial, role, Family::V4, forwards)?;
    crossing.ok_or_else(|| Error::new("the network has no ipv4"))
}

fn web() -> Endpoint {
    Endpoint::Tcp(SocketAddr::new(Family::V4.loopback(), WEB))
}

/// Remote port 80 is refused to an ordinary user, and granted to root.
pub(crate) fn web_port(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    need_image(trial)?;
    let target = trial.start_target_at(Side::Home)?;
    let at = target.tcp.clone();
    let address = trial.address(Side::Peer, Family::V4)?;
    let address = address.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let server = trial.start_server(&Settings::default())?;
    let mut call = trial.home_call(&server, address)?;
    call.forwards = vec![Forward::new(Kind::Remote, Begin::Fixed(web()), &at.to_string())];
    let refused = trial.fail_home(&call, Cause::Forward)?;
    if trial.program.is_adit() && !refused.said("1024") {
        let said = refused.last_words();
        return Err(Error::new(format!("nothing is said of low ports: {said}")).into());
    }
    call.user = "root".to_owned();
    let crossing = Crossing::of(trial.open_home(&call)?);
    crossing.talk(trial, 0, Kind::Remote, (&target, &at), &exchange::echo(BYTES))?;
    Ok(crossing.end(trial)?)
}

/// A gateway that allows every port does not mean the low ones; one that names port 80 does.
pub(crate) fn stock_web_port(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    need_image(trial)?;
    can_open(trial, Kind::Remote)?;
    let target = trial.start_target_at(Side::Peer)?;
    let at = target.tcp.clone();
    let forward = Forward::new(Kind::Remote, Begin::Fixed(web()), &at.to_string());
    let every = ["--permit-listen", "127.0.0.1:*"];
    let gateway = Gateway::at_home(trial, Family::V4, &every)?;
    let gateway = gateway.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let client = stock::start(trial, &gateway, &Call::with(vec![forward.clone()]))?;
    let refused = ["remote port forwarding failed", "Remote TCP forward request failed"];
    let is_refused = |line: &str| refused.iter().any(|text| line.contains(text)).then_some(());
    client.wait_for("refusal of port 80", stock::READY_LIMIT, is_refused)?;
    drop((client, gateway));
    let crossing = open(trial, Role::Client, vec![forward])?;
    crossing.talk(trial, 0, Kind::Remote, (&target, &at), &exchange::echo(BYTES))?;
    Ok(crossing.end(trial)?)
}
