//! One kind of tunnel between home and the peer, by IPv4 and IPv6, in either role.

use crate::error::Result;
use crate::interop::client::Program;
use crate::interop::crossing::{self, Crossing, exchanges};
use crate::interop::forward::{Forward, Kind};
use crate::interop::place::Family;
use crate::interop::role::Role;
use crate::interop::trial::{Stop, Trial};

pub(crate) fn local(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Server, Kind::Local)
}

pub(crate) fn dynamic(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Server, Kind::Dynamic)
}

pub(crate) fn remote(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Server, Kind::Remote)
}

pub(crate) fn remote_dynamic(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Server, Kind::RemoteDynamic)
}

pub(crate) fn stock_local(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Client, Kind::Local)
}

pub(crate) fn stock_dynamic(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Client, Kind::Dynamic)
}

pub(crate) fn stock_remote(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Client, Kind::Remote)
}

pub(crate) fn stock_remote_dynamic(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    run(trial, Role::Client, Kind::RemoteDynamic)
}

fn run(trial: &mut Trial<'_, '_>, role: Role, kind: Kind) -> Result<(), Stop> {
    if role == Role::Client {
        can_open(trial, kind)?;
    }
    for family in [Family::V4, Family::V6] {
        if family == Family::V6 && role == Role::Client && trial.is_dropbear() {
            trial.measure(family.name(), "dbclient reads no addresses of it in tunnels");
            continue;
        }
        cross(trial, role, kind, family).map_err(|error| error.context(family.name()))?;
    }
    Ok(())
}

/// Whether the peer's client has this kind, and a gateway of adit's to open it at.
pub(crate) fn can_open(trial: &Trial<'_, '_>, kind: Kind) -> Result<(), Stop> {
    if *trial.program == Program::Ssh {
        return Err(Stop::NotApplicable("the peer's server is where its client is".to_owned()));
    }
    if trial.is_dropbear() && kind.is_dynamic() {
        return Err(Stop::NotApplicable(format!("dbclient opens no {} tunnels", kind.name())));
    }
    Ok(())
}

fn cross(trial: &mut Trial<'_, '_>, role: Role, kind: Kind, family: Family) -> Result<()> {
    let target = trial.start_target_at(crossing::far(role, kind))?;
    let Some(at) = target.at(family).cloned() else {
        trial.measure(family.name(), "not at the target");
        return Ok(());
    };
    let forward = Forward::new(kind, crossing::loopback(family), &at.to_string());
    let Some(crossing) = Crossing::open(trial, role, family, vec![forward])? else {
        trial.measure(family.name(), "not in this network");
        return Ok(());
    };
    for exchange in exchanges() {
        crossing.talk(trial, 0, kind, (&target, &at), &exchange)?;
    }
    crossing.end(trial)
}
