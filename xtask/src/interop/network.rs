//! The network of a run: every container of it is there, by IPv4 and, where the engine has it, IPv6.

use std::time::Duration;

use crate::error::Result;
use crate::interop::container::Cli;
use crate::interop::leftover::Owner;
use crate::process;

/// How the names of the networks begin; the owner follows.
const PREFIX: &str = "adit-interop-";

const LIMIT: Duration = Duration::from_secs(60);

/// A network of a container engine; it is removed when this is dropped, after its containers.
#[derive(Debug)]
pub(crate) struct Network {
    cli: Cli,
    pub(crate) name: String,
}

impl Network {
    /// Makes the network of `owner`. Where the engine can make none with IPv6 that is said, and
    /// there is one without.
    pub(crate) fn create(cli: &Cli, owner: &Owner) -> Result<Self> {
        let network = Self { cli: cli.clone(), name: format!("{PREFIX}{owner}") };
        let subnet = subnet(std::process::id());
        let mut words = vec!["network", "create", "--ipv6"];
        if cli.program() == "docker" {
            // It gives out addresses of version 4 by itself, and needs to be told those of 6.
            words.extend(["--subnet", &subnet]);
        }
        words.push(&network.name);
        if let Err(error) = process::succeed(cli.command(&words), LIMIT) {
            process::check_interrupt()?;
            eprintln!("no network with ipv6: {error}");
            let plain = cli.command(&["network", "create", &network.name]);
            process::succeed(plain, LIMIT)?;
        }
        Ok(network)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = process::succeed(self.cli.command(&["network", "rm", &self.name]), LIMIT);
    }
}

/// Removes the networks whose owner is gone.
pub(crate) fn remove_leftovers(cli: &Cli) -> Result<usize> {
    let filter = format!("name={PREFIX}");
    let list = ["network", "ls", "--filter", &filter, "--format", "{{.Name}}"];
    let listed = process::succeed(cli.command(&list), LIMIT)?;
    let orphans = listed.lines().filter(|name| is_orphan(name));
    let removed = orphans
        .filter(|name| process::succeed(cli.command(&["network", "rm", name]), LIMIT).is_ok());
    Ok(removed.count())
}

fn is_orphan(name: &str) -> bool {
    let owner = name.strip_prefix(PREFIX).and_then(Owner::parse);
    owner.is_some_and(|owner| !owner.is_alive())
}

/// Addresses that are nobody's but this run's, [RFC 4193](https://www.rfc-editor.org/rfc/rfc4193).
fn subnet(run: u32) -> String {
    format!("fdad:17:{:x}:{:x}::/64", run >> 16, run & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_networks_whose_owner_is_gone_are_orphans() {
        let own = Owner::this_process().unwrap();
        assert!(!is_orphan(&format!("{PREFIX}{own}")));
        assert!(is_orphan(&format!("{PREFIX}{}-1", std::process::id())));
        assert!(!is_orphan("bridge"));
    }

    #[test]
    fn runs_at_the_same_time_have_different_subnets() {
        assert_eq!(subnet(0x12_3456), "fdad:17:12:3456::/64");
        assert!("fdad:17:12:3456::".parse::<std::net::Ipv6Addr>().is_ok());
    }
}
