//! A chain of three servers of different versions, the peer's the last: each host key is checked,
//! and each kind of tunnel goes through.

use crate::error::{Error, Result};
use crate::interop::call::Call;
use crate::interop::chain::Chain;
use crate::interop::client::Cause;
use crate::interop::crossing::{self, Crossing, exchanges};
use crate::interop::forward::{Forward, Kind};
use crate::interop::gateway::Gateway;
use crate::interop::key;
use crate::interop::place::Family;
use crate::interop::scenario::kinds::can_open;
use crate::interop::scenario::stdio;
use crate::interop::stage::Side;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if !trial.program.is_adit() {
        let reason = "ssh gives its jumps none of the options of its command line";
        return Err(Stop::NotApplicable(reason.to_owned()));
    }
    let chain = Chain::start(trial)?;
    trial.measure("chain", chain.names());
    wrong_keys(trial, &chain)?;
    for family in [Family::V4, Family::V6] {
        match chain.call(trial, family, &chain.keys())? {
            Some(call) => {
                each_kind(trial, &call, family).map_err(|error| error.context(family.name()))?;
            }
            None => trial.measure(family.name(), "not in this network"),
        }
    }
    Ok(())
}

/// A wrong key at each hop in turn is the end, and nobody tries to log in there.
fn wrong_keys(trial: &mut Trial<'_, '_>, chain: &Chain) -> Result<()> {
    let stranger = key::public(&trial.keys.stranger())?;
    for (number, hop) in chain.hops.iter().enumerate() {
        let mut keys = chain.keys();
        keys.iter_mut().skip(number).take(1).for_each(|key| key.clone_from(&stranger));
        let call = chain.call(trial, Family::V4, &keys)?;
        let mut call = call.ok_or_else(|| Error::new("the network has no ipv4"))?;
        call.forwards = vec![Forward::new(Kind::Dynamic, crossing::loopback(Family::V4), "")];
        let client = trial.fail_home(&call, Cause::HostKey)?;
        let address = hop.address(Family::V4).map(|address| address.ip().to_string());
        if !address.is_some_and(|address| client.said(&address)) {
            let said = client.last_words();
            return Err(Error::new(format!("{} is not named: {said}", hop.name)));
        }
        let log = &hop.server.process;
        if log.said("Accepted publickey") || log.said("auth succeeded") {
            let text = format!("logged in at {}, which has a wrong host key", hop.name);
            return Err(Error::new(text));
        }
        // The later hops were shown to be right by being passed when they were the wrong ones.
    }
    Ok(())
}

fn each_kind(trial: &mut Trial<'_, '_>, call: &Call, family: Family) -> Result<()> {
    let there = trial.start_target_at(Side::Peer)?;
    let here = trial.start_target_at(Side::Home)?;
    let (Some(there_at), Some(here_at)) = (there.at(family).cloned(), here.at(family).cloned())
    else {
        return Err(Error::new("a target without an address"));
    };
    let ends = |kind: Kind| if kind.is_remote() { (&here, &here_at) } else { (&there, &there_at) };
    let forward =
        |kind: Kind| Forward::new(kind, crossing::loopback(family), &ends(kind).1.to_string());
    let mut tunnels = call.clone();
    tunnels.forwards = Kind::ALL.map(forward).to_vec();
    let crossing = Crossing::of(trial.open_home(&tunnels)?);
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        for exchange in exchanges() {
            crossing.talk(trial, number, kind, ends(kind), &exchange)?;
        }
    }
    crossing.end(trial)?;
    let program = trial.program;
    let at = there_at.to_string();
    let command = program.stdio_in(trial.at(Side::Home)?, call, &at)?;
    stdio::talk(trial, &command, &there, &exchange::both(1 << 20))
        .map_err(|error| error.context("stdio"))
}

/// The peer's client goes through three gateways of adit's; ssh checks the host key of each.
pub(crate) fn run_stock(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    can_open(trial, Kind::Local)?;
    let there = trial.start_target_at(Side::Home)?;
    let here = trial.start_target_at(Side::Peer)?;
    let local = Forward::local(crossing::loopback(Family::V4), there.tcp.to_string());
    let loopback = crossing::loopback(Family::V4);
    let remote = Forward::new(Kind::Remote, loopback, &here.tcp.to_string());
    let to = there.tcp.to_string();
    let words = ["--permit", &to, "--permit-listen", "127.0.0.1:*"];
    let last = gateway(trial, &words)?;
    // Each lets its users through to the next one, and no further.
    let second = gateway(trial, &["--permit", &last.address.to_string()])?;
    let first = gateway(trial, &["--permit", &second.address.to_string()])?;
    let hops = [&first, &second].map(|gateway| (gateway.address, gateway.host_key.clone()));
    let crossing = Crossing::by_hops(trial, last, hops.to_vec(), vec![local, remote])?;
    for exchange in exchanges() {
        crossing.talk(trial, 0, Kind::Local, (&there, &there.tcp), &exchange)?;
        crossing.talk(trial, 1, Kind::Remote, (&here, &here.tcp), &exchange)?;
    }
    Ok(crossing.end(trial)?)
}

fn gateway(trial: &mut Trial<'_, '_>, words: &[&str]) -> Result<Gateway> {
    let gateway = Gateway::at_home(trial, Family::V4, words)?;
    gateway.ok_or_else(|| Error::new("the network has no ipv4"))
}
