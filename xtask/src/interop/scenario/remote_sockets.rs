//! Remote tunnels that begin or end at Unix sockets.

use crate::error::{Context, Error, Result};
use crate::interop::crossing::{self, Crossing, exchanges};
use crate::interop::forward::{Begin, Forward, Kind};
use crate::interop::leftover;
use crate::interop::place::Family;
use crate::interop::role::Role;
use crate::interop::scenario::kinds::can_open;
use crate::interop::stage::Side;
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::endpoint::Endpoint;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.is_dropbear() {
        let reason = "Dropbear's server listens at no Unix sockets";
        return Err(Stop::NotApplicable(reason.to_owned()));
    }
    Ok(combinations(trial, Role::Server)?)
}

pub(crate) fn run_stock(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    can_open(trial, Kind::Remote)?;
    if trial.is_dropbear() {
        return Err(Stop::NotApplicable("dbclient forwards no Unix sockets".to_owned()));
    }
    Ok(combinations(trial, Role::Client)?)
}

fn combinations(trial: &mut Trial<'_, '_>, role: Role) -> Result<()> {
    let target = trial.start_target_at(crossing::far(role, Kind::Remote))?;
    let socket = unix(&target, role);
    let tcp = target.tcp.to_string();
    let begins = [socket_at_server(trial, role)?, socket_at_server(trial, role)?];
    let [first, second] = begins.clone().map(|(named, _)| Begin::Unix(named.into()));
    let forwards = vec![
        Forward::new(Kind::Remote, first, &tcp),
        Forward::new(Kind::Remote, second, &socket),
        Forward::new(Kind::Remote, crossing::loopback(Family::V4), &socket),
    ];
    let crossing = Crossing::open(trial, role, Family::V4, forwards)?;
    let mut crossing = crossing.ok_or_else(|| Error::new("the network has no ipv4"))?;
    // The driver's names for them, which are not always the server's.
    for (begin, (_, found)) in crossing.begins.iter_mut().zip(&begins) {
        *begin = Endpoint::Unix(found.into());
    }
    for number in 0..3 {
        for exchange in exchanges() {
            crossing.talk(trial, number, Kind::Remote, (&target, &target.tcp), &exchange)?;
        }
    }
    crossing.end(trial)?;
    match begins.iter().find(|(_, found)| std::path::Path::new(found).exists()) {
        // sshd leaves its sockets to whoever comes next.
        Some((named, _)) if role == Role::Client => {
            Err(Error::new(format!("{named} is left behind")))
        }
        _ => Ok(()),
    }
}

/// The target's socket as the client names it.
fn unix(target: &Target, role: Role) -> String {
    match role {
        // adit has the file system of this machine, wherever it is.
        Role::Server => target.unix_outside.clone(),
        Role::Client => target.unix_inside.clone(),
    }
}

/// A socket that is not there yet: the name that the server knows, and the driver's.
fn socket_at_server(trial: &mut Trial<'_, '_>, role: Role) -> Result<(String, String)> {
    use std::os::unix::fs::PermissionsExt;
    let side = crossing::near(role, Kind::Remote);
    let shared = trial.at(side)?.shared().clone();
    let folder = format!("sockets-{}", leftover::serial());
    let outside = shared.outside(&folder);
    std::fs::create_dir(&outside).context("make a folder for sockets")?;
    if side == Side::Peer {
        // The user there is another one.
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&outside, open).context("open a folder for sockets")?;
    }
    let found = outside.join("socket").display().to_string();
    let named = match side {
        Side::Peer => format!("{}/socket", shared.inside(&folder)),
        _ => found.clone(),
    };
    Ok((named, found))
}
