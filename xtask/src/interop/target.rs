//! The target behind the tunnel: this program once more, in the network of the peer.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::leftover;
use crate::interop::place::{Family, Place};
use crate::interop::watched::Watched;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::script::Account;
use crate::traffic::target::Listening;

const READY_LIMIT: Duration = Duration::from_secs(30);

/// A running target; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Target {
    process: Watched,
    /// On the loopback of the network that it is in.
    pub(crate) tcp: Endpoint,
    /// The same by IPv6, where there is such a thing.
    pub(crate) tcp_v6: Option<Endpoint>,
    /// The path in the file system of this machine.
    pub(crate) unix_outside: String,
    /// The path in the file system of the peer.
    pub(crate) unix_inside: String,
}

impl Target {
    pub(crate) fn start(place: &dyn Place, log: &Path) -> Result<Self> {
        Self::start_on(place, Ipv4Addr::LOCALHOST, log)
    }

    /// As [`Target::start`], with another address by IPv4 that the place has.
    pub(crate) fn start_on(place: &dyn Place, address: Ipv4Addr, log: &Path) -> Result<Self> {
        let name = format!("target-{}.sock", leftover::serial());
        let outside = place.shared().outside(&name);
        let own = std::env::current_exe().context("find this program")?;
        let mut command = place.guest(&own);
        command.arg("target").arg(format!("{address}:0")).arg(&outside);
        if place.has_ipv6() {
            command.arg("[::1]:0");
        }
        let process = Watched::start("target", command, log)?;
        let read = |line: &str| serde_json::from_str::<Listening>(line).ok();
        let listening = process.wait_for("listening", READY_LIMIT, read)?.listening;
        let tcp = listening.first().cloned().ok_or_else(|| Error::new("no target"))?;
        let tcp_v6 = listening.get(2).cloned();
        let unix_outside = outside.display().to_string();
        Ok(Self { process, tcp, tcp_v6, unix_outside, unix_inside: place.shared().inside(&name) })
    }

    /// Where it listens by this version of IP.
    pub(crate) fn at(&self, family: Family) -> Option<&Endpoint> {
        match family {
            Family::V4 => Some(&self.tcp),
            Family::V6 => self.tcp_v6.as_ref(),
        }
    }

    /// What the target says of the connections from `first` on, in their order.
    pub(crate) fn accounts(
        &self,
        first: u64,
        count: usize,
        limit: Duration,
    ) -> Result<Vec<Account>> {
        let numbers = (first..).take(count);
        let wanted = |line: &str| {
            let account = serde_json::from_str::<Account>(line).ok()?;
            numbers.clone().any(|number| number == account.id).then_some(account)
        };
        let mut accounts = self.process.wait_for_all("account", count, limit, wanted)?;
        accounts.sort_by_key(|account| account.id);
        Ok(accounts)
    }
}
