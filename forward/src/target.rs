//! Where a tunnelled connection is to go.

use std::fmt;
use std::path::PathBuf;

use crate::escape::{Escaped, Host};

/// Where a tunnelled connection is to go, as the one who asked for it named it.
///
/// The name of a TCP target is resolved by whoever dials it, which may be the far end.
/// [`Display`](fmt::Display) and [`FromStr`](std::str::FromStr) are each other's inverse, in
/// the form of a stdio forwarding: `host:port`, `[::1]:port` or `/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A TCP port.
    Tcp {
        /// A name or an address; an IPv6 address has no brackets here.
        host: String,
        /// The port, which is not zero where a user asked for it.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{}:{port}", Host(host)),
            Self::Unix(path) => Escaped(&path.to_string_lossy()).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_as_a_user_writes_it() {
        let tcp = |host: &str, port| Target::Tcp { host: host.to_owned(), port }.to_string();
        assert_eq!(tcp("db.example", 5432), "db.example:5432");
        assert_eq!(tcp("::1", 80), "[::1]:80");
        assert_eq!(Target::Unix("/run/a:b".into()).to_string(), "/run/a\\:b");
    }
}
