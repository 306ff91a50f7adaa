//! Networks of `Match localnetwork`.

use std::net::{IpAddr, Ipv6Addr};

/// A network, or the networks but this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    first: IpAddr,
    prefix: u32,
    negated: bool,
}

/// Reads addresses and networks with commas between, each of which may have `!` before it.
///
/// # Errors
/// The item that is none: also where bits are set beyond the prefix.
pub(crate) fn parse(list: &str) -> Result<Vec<Network>, String> {
    list.split(',').map(|item| one(item).ok_or_else(|| item.to_owned())).collect()
}

fn one(item: &str) -> Option<Network> {
    let (negated, item) = item.strip_prefix('!').map_or((false, item), |rest| (true, rest));
    let (address, prefix) = item.split_once('/').map_or((item, None), |(it, n)| (it, Some(n)));
    let first = address.parse::<IpAddr>().ok()?;
    let width = if first.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(width), |text| text.parse().ok().filter(|it| *it <= width))?;
    let network = Network { first, prefix, negated };
    (bits(first) & !mask(width, prefix) == 0).then_some(network)
}

/// Whether the networks have the address: one of them has, and no negated one.
pub(crate) fn contain(networks: &[Network], address: IpAddr) -> bool {
    let has = |network: &&Network| {
        let width = if network.first.is_ipv4() { 32 } else { 128 };
        let same = network.first.is_ipv4() == address.is_ipv4();
        same && bits(address) & mask(width, network.prefix) == bits(network.first)
    };
    let mut found = networks.iter().filter(has).peekable();
    found.peek().is_some() && found.all(|network| !network.negated)
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => Ipv6Addr::to_bits(address),
    }
}

/// The upper bits of a number of this width.
fn mask(width: u32, prefix: u32) -> u128 {
    let all = u128::MAX >> (128 - width);
    all & !all.checked_shr(prefix).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &str, address: &str) -> bool {
        contain(&parse(list).unwrap(), address.parse().unwrap())
    }

    #[test]
    fn networks_have_addresses() {
        assert!(found("192.0.2.0/24,2001:db8::/32", "192.0.2.7"));
        assert!(found("192.0.2.0/24,2001:db8::/32", "2001:db8::7"));
        assert!(found("0.0.0.0/0", "127.0.0.1"));
        assert!(found("192.0.2.7", "192.0.2.7"));
        assert!(!found("192.0.2.0/24", "192.0.3.7"));
        assert!(!found("0.0.0.0/0", "::1"));
        assert!(!found("!192.0.2.7,192.0.2.0/24", "192.0.2.7"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for list in ["", "x", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/24,", "*"] {
            assert!(parse(list).is_err(), "{list}");
        }
    }
}
