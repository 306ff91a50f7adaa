//! Servers one behind the other, each of another version, the last one that of the peer.

use std::net::{IpAddr, SocketAddr};

use crate::error::{Context, Error, Result};
use crate::interop::call::Call;
use crate::interop::peer::{Flavour, Origin, Peer};
use crate::interop::place::{Family, Place, SSH_PORT, USER};
use crate::interop::programs::host;
use crate::interop::release::Release;
use crate::interop::server::{Server, Settings};
use crate::interop::trial::{Stop, Trial, known_name};

/// A server of the chain, and where the one before it reaches it.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) name: String,
    pub(crate) server: Server,
    addresses: Vec<IpAddr>,
    /// None of the peer, whose place is that of the trial.
    _place: Option<Box<dyn Place>>,
}

/// Running servers; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) hops: Vec<Hop>,
}

impl Chain {
    /// Starts two other servers and that of the peer.
    pub(crate) fn start(trial: &mut Trial<'_, '_>) -> Result<Self, Stop> {
        let Origin::Release(release) = trial.peer.origin else {
            let reason = "there is one version of the machine's own server";
            return Err(Stop::NotApplicable(reason.to_owned()));
        };
        let [first, second] = before(trial.peer.flavour, release);
        let (first_place, first_server) = trial.start_other(first, &Settings::default())?;
        let (second_place, second_server) = trial.start_other(second, &Settings::default())?;
        let last_server = trial.start_server(&Settings::default())?;
        let roads = [
            trial.road_from_home(first_place.as_ref())?,
            trial.road(first_place.as_ref(), second_place.as_ref())?,
            trial.road_to_peer(second_place.as_ref())?,
        ];
        let names = [first.name(), second.name(), trial.peer.name()];
        let servers = [first_server, second_server, last_server];
        let places = [Some(first_place), Some(second_place), None];
        let hops = names.into_iter().zip(servers).zip(roads).zip(places);
        let hops = hops.map(|(((name, server), addresses), _place)| Hop {
            name,
            server,
            addresses,
            _place,
        });
        Ok(Self { hops: hops.collect() })
    }

    /// A call from home through all of them; none where a link has no such version of IP.
    ///
    /// `keys` are the host keys that are known of the hops, one for each.
    pub(crate) fn call(
        &self,
        trial: &mut Trial<'_, '_>,
        family: Family,
        keys: &[String],
    ) -> Result<Option<Call>> {
        let addresses: Option<Vec<SocketAddr>> =
            self.hops.iter().map(|hop| hop.address(family)).collect();
        let Some(addresses) = addresses else { return Ok(None) };
        let Some(((last, server), before)) = addresses
            .split_last()
            .zip(self.hops.last())
            .map(|((last, before), hop)| ((*last, &hop.server), before))
        else {
            return Err(Error::new("a chain without a server"));
        };
        let mut call = trial.home_call(server, last.ip())?;
        call.jumps = before
            .iter()
            .map(|address| format!("{USER}@{}:{}", host(address.ip()), address.port()))
            .collect();
        call.known_hosts = trial.log("known_hosts");
        let lines = addresses.iter().zip(keys);
        let lines = lines.map(|(address, key)| format!("{} {key}\n", known_name(*address)));
        std::fs::write(&call.known_hosts, lines.collect::<String>())
            .context("write known_hosts")?;
        Ok(Some(call))
    }

    /// The host keys that the hops have.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.hops.iter().filter_map(|hop| hop.server.host_keys.first().cloned()).collect()
    }

    /// The names of the hops, the nearest first.
    pub(crate) fn names(&self) -> String {
        self.hops.iter().map(|hop| hop.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Hop {
    pub(crate) fn address(&self, family: Family) -> Option<SocketAddr> {
        let found = self.addresses.iter().find(|address| Family::of(**address) == family);
        found.map(|address| SocketAddr::new(*address, SSH_PORT))
    }
}

/// Two peers of other releases than the last one, OpenSSH first.
fn before(flavour: Flavour, release: Release) -> [Peer; 2] {
    let all = Release::ALL;
    let own = all.iter().position(|one| *one == release).unwrap_or_default();
    let other = |distance: usize, flavour| {
        let release = all.iter().cycle().nth(own + distance).copied().unwrap_or(release);
        Peer { flavour, origin: Origin::Release(release) }
    };
    [other(1, Flavour::OpenSsh), other(2, flavour)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_a_chain_differ() {
        for release in Release::ALL {
            for flavour in [Flavour::OpenSsh, Flavour::Dropbear] {
                let last = Peer { flavour, origin: Origin::Release(release) };
                let [first, second] = before(flavour, release);
                assert!(first != second && second != last && first != last);
                assert_ne!(first.origin, second.origin);
                assert_eq!(second.flavour, flavour);
            }
        }
        let names = before(Flavour::OpenSsh, Release::Newest).map(Peer::name);
        assert_eq!(names, ["openssh-bullseye", "openssh-bookworm"]);
    }
}
