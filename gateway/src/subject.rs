//! The one address or path that rules are held against.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Serialize, Serializer};

use crate::ask::Direction;
use crate::host::Name;
use crate::socket_path::SocketPath;

/// One of the places that an ask comes down to. Rules are held against each by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which way.
    pub direction: Direction,
    /// The name by which the client knows it, where it does not name the address itself.
    pub name: Option<Name>,
    /// What would be dialled or bound.
    pub place: Pinned,
}

/// What is dialled or bound, with nothing left to be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pinned {
    /// An address and a port. To listen on, 0.0.0.0 is all IPv4 addresses and `::` all IPv6
    /// addresses, and these only.
    Tcp(SocketAddr),
    /// The path of a socket, with all links followed.
    Socket(SocketPath),
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Socket(path) => path.fmt(f),
        }
    }
}

impl Serialize for Pinned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The IPv4 address that an IPv6 address leads to on networks that translate: NAT64
/// ([RFC 6052 section 2.1](https://www.rfc-editor.org/rfc/rfc6052#section-2.1)), 6to4
/// ([RFC 3056 section 2](https://www.rfc-editor.org/rfc/rfc3056#section-2)) and the IPv4-compatible
/// form ([RFC 4291 section 2.5.5.1](https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.1)).
pub fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [a, b, c, d, e, f, g, h] = address.segments();
    let (high, low) = match [a, b, c, d, e, f] {
        [0x64, 0xff9b, 0, 0, 0, 0] => (g, h),
        [0x2002, high, low, ..] => (high, low),
        [0, 0, 0, 0, 0, 0]
            if address != Ipv6Addr::LOCALHOST && address != Ipv6Addr::UNSPECIFIED =>
        {
            (g, h)
        }
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_addresses_are_found_within_others() {
        for (address, within) in [
            ("64:ff9b::10.0.0.1", Some("10.0.0.1")),
            ("2002:a00:1::7", Some("10.0.0.1")),
            ("::10.0.0.1", Some("10.0.0.1")),
            ("::1", None),
            ("::", None),
            ("2001:db8::10.0.0.1", None),
            ("10.0.0.1", None),
        ] {
            let expected = within.map(|it| it.parse().unwrap());
            assert_eq!(embedded(address.parse().unwrap()), expected, "{address}");
        }
    }
}
