//! Who asked for a tunnelled connection.

use std::fmt;
use std::net::SocketAddr;

use crate::escape::{Foreign, Host};

/// Longest address of a peer's telling that is shown, in characters.
const SHOWN: usize = 255;

/// Who asked for a tunnelled connection, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A program that connected to a TCP port here.
    Tcp(SocketAddr),
    /// A program that connected to a Unix socket here; such programs have no address.
    Unix,
    /// Whom the SSH peer says it was, which is the peer's word and no more.
    Reported {
        /// An address, or whatever the peer sent in its place.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("a local program"),
            Self::Reported { host, port } if host.contains(['/', '\\']) || host.is_empty() => {
                write!(f, "{:?}:{port}", Foreign { text: host, limit: SHOWN }.to_string())
            }
            Self::Reported { host, port } => {
                let host = Foreign { text: host, limit: SHOWN }.to_string();
                write!(f, "{}:{port}", Host(&host))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_reports_is_shown_harmless() {
        let reported = |host: &str| Origin::Reported { host: host.to_owned(), port: 7 }.to_string();
        assert_eq!(reported("10.0.0.1"), "10.0.0.1:7");
        assert_eq!(reported("::1"), "[::1]:7");
        assert_eq!(reported(""), "\"\":7");
        assert!(!reported("\u{1b}[2J").contains('\u{1b}'));
        assert!(reported(&"x".repeat(40_000)).len() < 300);
    }
}
