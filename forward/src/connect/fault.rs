//! What is wrong with a head.

use crate::prefix;

/// Longest head, in bytes, with the empty line at its end.
pub const LONGEST: usize = 16 * 1024;

/// What is wrong with a head, or with what was to become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is none.
    #[error("this is not HTTP")]
    Malformed,
    /// It does not end.
    #[error("the HTTP head is longer than {LONGEST} bytes")]
    TooLong,
    /// The request is for something other than a tunnel.
    #[error("this proxy makes tunnels by CONNECT, and nothing else")]
    Method,
    /// It is of another version than HTTP/1.
    #[error("this HTTP version is not 1.0 or 1.1")]
    Version,
    /// What is to be connected to is not of the form `host:port`.
    #[error("CONNECT needs a target of the form host:port")]
    Authority,
    /// The user has a colon, for which the login has no room.
    #[error("the user for an HTTP proxy cannot have a colon")]
    User,
}

impl prefix::Fault for Fault {
    const MALFORMED: Self = Self::Malformed;
}
