//! Sources, as they are counted.

use std::fmt;
use std::net::IpAddr;

use adit_transport::certificate::Network;

/// Where connections come from that are counted together: one IPv4 address, or the 64 bits of an
/// IPv6 address behind which one site chooses freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(Network);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 32 } else { 64 };
        Self(Network::around(address, prefix))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_one_source() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap()).to_string();
        assert_eq!(source("192.0.2.1"), "192.0.2.1");
        assert_eq!(source("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    }
}
