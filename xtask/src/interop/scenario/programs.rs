//! The web, mail and a database through tunnels of one connection, each by a program of its own.

use std::net::{IpAddr, SocketAddr};

use crate::error::{Error, Result};
use crate::interop::client::Client;
use crate::interop::forward::{Begin, Forward};
use crate::interop::peer::Origin;
use crate::interop::place::Family;
use crate::interop::programs::{Names, PROXIES, Programs, Scheme, host};
use crate::interop::server::Settings;
use crate::interop::services::{HTTP, IMAP, POP3, REDIS, SMTP};
use crate::interop::stage::Side;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::endpoint::Endpoint;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    need_image(trial)?;
    for family in [Family::V4, Family::V6] {
        let Some(address) = trial.address(Side::Peer, family)? else {
            trial.measure(family.name(), "not in this network");
            continue;
        };
        through(trial, family, address).map_err(|error| error.context(family.name()))?;
    }
    Ok(())
}

/// The programs and their servers come in an image of their own.
pub(crate) fn need_image(trial: &Trial<'_, '_>) -> Result<(), Stop> {
    match trial.peer.origin {
        Origin::Release(_) => Ok(()),
        Origin::Machine => {
            let reason = "the programs need a network of their own, the machine's has others";
            Err(Stop::NotApplicable(reason.to_owned()))
        }
    }
}

fn through(trial: &mut Trial<'_, '_>, family: Family, address: IpAddr) -> Result<()> {
    let server = trial.start_server(&Settings::default())?;
    let file = trial.services(Side::Annex)?.file.clone();
    let mut call = trial.home_call(&server, address)?;
    let begin = || Begin::At(family.loopback());
    let target = |port| format!("{}:{port}", host(family.loopback()));
    call.forwards =
        [HTTP, SMTP, IMAP, POP3, REDIS].map(|port| Forward::local(begin(), target(port))).to_vec();
    call.forwards.push(Forward::dynamic(begin()));
    let client = trial.open_home(&call)?;
    let begins = addresses(&client)?;
    let rates =
        travel(Programs { place: trial.at(Side::Home)? }, &begins, family, &PROXIES, &file)?;
    trial.measure(&format!("{}, requests/s", family.name()), rates);
    client.end(trial.program)
}

/// Where the tunnels begin, all of them at ports.
fn addresses(client: &Client) -> Result<Vec<SocketAddr>> {
    let address = |begin: &Endpoint| match begin {
        Endpoint::Tcp(address) => Ok(*address),
        Endpoint::Unix(_) => Err(Error::new("a tunnel begins at a socket")),
    };
    client.listening.iter().map(address).collect()
}

/// All programs through tunnels that begin at `begins`: to the servers of the web, of mail by SMTP,
/// IMAP and POP3, of the database; the last one is dynamic. What the database's tool measured.
pub(crate) fn travel(
    programs: Programs<'_>,
    begins: &[SocketAddr],
    family: Family,
    schemes: &[Scheme],
    file: &[u8],
) -> Result<String> {
    let [http, smtp, imap, pop3, redis, dynamic] = *begins else {
        return Err(Error::new(format!("{} tunnels", begins.len())));
    };
    programs.fetch(&http.to_string(), &[], file)?;
    programs.mail(smtp, imap, pop3)?;
    programs.redis(redis)?;
    let rates = programs.redis_benchmark(redis)?;
    by_proxy(programs, dynamic, family, schemes, file)?;
    Ok(rates)
}

/// The web by each protocol of the proxy.
pub(crate) fn by_proxy(
    programs: Programs<'_>,
    proxy: SocketAddr,
    family: Family,
    schemes: &[Scheme],
    file: &[u8],
) -> Result<()> {
    for (scheme, names) in schemes.iter().copied() {
        // SOCKS 4 has no addresses of version 6.
        if (scheme, family) == ("socks4", Family::V6) {
            continue;
        }
        // The server is at the far end's loopback alone: the near end's would refuse.
        let name = match names {
            Names::Asked => "localhost".to_owned(),
            Names::Resolved => host(family.loopback()),
        };
        programs.fetch_by(scheme, proxy, &format!("{name}:{HTTP}"), file)?;
    }
    Ok(())
}
