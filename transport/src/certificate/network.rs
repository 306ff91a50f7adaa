//! Networks: addresses that begin alike.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network in CIDR notation, `10.0.0.0/8` or `2001:db8::/32`; a lone address is a network of one.
///
/// IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`,
/// [RFC 4291 section 2.5.5.2](https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.2)) are the IPv4
/// addresses, in networks and in what is looked for in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    /// A network of this address alone.
    pub fn of(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Self { first, prefix: width(first) }
    }

    /// The network of this address and all that share its first `prefix` bits, at most the
    /// address' width.
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let address = address.to_canonical();
        let prefix = prefix.min(width(address));
        Self { first: masked(address, prefix), prefix }
    }

    /// The lowest address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// How many bits all addresses have in common.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix) == self.first
    }
}

impl FromStr for Network {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| Invalid::Address)?;
        let Some(prefix) = prefix else { return Ok(Self::of(written)) };
        // `+8` and `08` are numbers elsewhere.
        let plain = prefix.bytes().all(|digit| digit.is_ascii_digit());
        let short = prefix == "0" || !prefix.starts_with('0');
        let prefix: u8 = prefix.parse().map_err(|_| Invalid::Prefix)?;
        if !plain || !short || prefix > width(written) {
            return Err(Invalid::Prefix);
        }
        let network = Self::new(written, prefix).ok_or(Invalid::Prefix)?;
        let whole = network.first == written.to_canonical();
        if whole { Ok(network) } else { Err(Invalid::Inside(network)) }
    }
}

impl Network {
    /// `None` where an IPv4 address is written as IPv6 and the prefix ends before it.
    fn new(written: IpAddr, prefix: u8) -> Option<Self> {
        let address = written.to_canonical();
        let prefix = prefix.checked_sub(width(written).saturating_sub(width(address)))?;
        Some(Self { first: masked(address, prefix), prefix })
    }
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// An address with all bits behind the prefix cleared.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) {
            self.first.fmt(f)
        } else {
            write!(f, "{}/{}", self.first, self.prefix)
        }
    }
}

/// Why text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// What stands before the slash is no address.
    #[error("this is no IP address or network")]
    Address,
    /// What stands behind the slash is no length of a prefix.
    #[error("the network's prefix length must be a number up to 32 for IPv4 and 128 for IPv6")]
    Prefix,
    /// The address lies within the network and does not begin it.
    #[error("the address has bits behind the prefix: the network is {0}")]
    Inside(Network),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        let cases = [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "ff02::1", true),
            ("::/0", "10.0.0.1", false),
            ("::/0", "::ffff:10.0.0.1", false),
            ("2001:db8::/32", "2001:db8:ffff::", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1/32", "192.0.2.2", false),
            ("::1", "::1", true),
        ];
        for (text, address, expected) in cases {
            assert_eq!(network(text).contains(address.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn ipv4_written_as_ipv6_is_ipv4() {
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
        assert!(network("10.0.0.0/8").contains("::ffff:10.1.2.3".parse().unwrap()));
        assert_eq!("::ffff:10.0.0.1/64".parse::<Network>(), Err(Invalid::Prefix));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for (text, cause) in [
            ("", Invalid::Address),
            ("db", Invalid::Address),
            ("10.0.0", Invalid::Address),
            ("10.0.0.0/", Invalid::Prefix),
            ("10.0.0.0/33", Invalid::Prefix),
            ("10.0.0.0/+8", Invalid::Prefix),
            ("10.0.0.0/08", Invalid::Prefix),
            ("10.0.0.0/8/8", Invalid::Prefix),
            ("::/129", Invalid::Prefix),
            ("10.0.0.1/8", Invalid::Inside(network("10.0.0.0/8"))),
        ] {
            assert_eq!(text.parse::<Network>(), Err(cause), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_is_read_as_it_is_shown(address in any::<IpAddr>(), prefix in 0_u8..=128) {
            let network = Network::around(address, prefix);
            prop_assert!(network.contains(address));
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Network>();
        }
    }
}
