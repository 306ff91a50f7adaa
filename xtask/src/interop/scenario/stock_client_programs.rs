//! The same programs through the tunnels of the peer's own client.

use std::net::SocketAddr;

use crate::error::Result;
use crate::interop::client::Program;
use crate::interop::forward::{Begin, Forward};
use crate::interop::gateway::Gateway;
use crate::interop::place::Family;
use crate::interop::programs::{Programs, SOCKS, host};
use crate::interop::scenario::programs::{need_image, travel};
use crate::interop::services::{HTTP, IMAP, POP3, REDIS, SMTP};
use crate::interop::stage::Side;
use crate::interop::stock::{self, Call};
use crate::interop::trial::{Stop, Trial};
use crate::traffic::endpoint::Endpoint;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    need_image(trial)?;
    need_adit(trial)?;
    if trial.is_dropbear() {
        return Err(Stop::NotApplicable("dbclient opens no dynamic tunnels".to_owned()));
    }
    for family in [Family::V4, Family::V6] {
        through(trial, family).map_err(|error| error.context(family.name()))?;
    }
    Ok(())
}

/// Only adit's gateway has a place apart from its client.
pub(crate) fn need_adit(trial: &Trial<'_, '_>) -> Result<(), Stop> {
    match trial.program {
        Program::Adit(_) => Ok(()),
        Program::Ssh => Err(Stop::NotApplicable("the peer's server is where its client is".into())),
    }
}

fn through(trial: &mut Trial<'_, '_>, family: Family) -> Result<()> {
    let target = |port| format!("{}:{port}", host(family.loopback()));
    let ports = [HTTP, SMTP, IMAP, POP3, REDIS];
    let permits = ports.map(target).to_vec();
    let by_name = format!("localhost:{HTTP}");
    let words = permits.iter().chain([&by_name]).flat_map(|target| ["--permit", target]);
    let Some(gateway) = Gateway::at_home(trial, family, &words.collect::<Vec<_>>())? else {
        trial.measure(family.name(), "not in this network");
        return Ok(());
    };
    let file = trial.services(Side::Home)?.file.clone();
    let (mut forwards, mut begins) = (Vec::new(), Vec::<SocketAddr>::new());
    for to in permits.iter().map(Some).chain([None]) {
        let from = stock::free_address(trial.place()?, family)?;
        let begin = Begin::Fixed(Endpoint::Tcp(from));
        forwards.push(match to {
            Some(to) => Forward::local(begin, to),
            None => Forward::dynamic(begin),
        });
        begins.push(from);
    }
    let mut client = stock::open(trial, &gateway, &Call::with(forwards))?;
    let rates = travel(Programs { place: trial.at(Side::Annex)? }, &begins, family, &SOCKS, &file)?;
    trial.measure(&format!("{}, requests/s", family.name()), rates);
    client.stop().map(drop)
}
