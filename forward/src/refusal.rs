//! Why a connection could not be had.

use std::fmt;
use std::io::{self, ErrorKind};

use rustix::io::Errno;

use crate::escape::Foreign;

/// Longest foreign text that is shown, in characters.
const SHOWN: usize = 200;

/// Why a target could not be reached, in the causes that every protocol which carries such
/// an answer can tell apart: SOCKS replies, HTTP status codes, SSH channel open failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody answered, and said no: nothing listens there.
    Refused,
    /// The host does not answer, or cannot be reached.
    Unreachable,
    /// No way leads to its network, as to IPv6 addresses from where there is only IPv4.
    NetworkUnreachable,
    /// The host name, or the socket path, names nothing.
    NameNotFound,
    /// A policy or a permission forbids it.
    NotAllowed,
    /// A policy forbids it, and says why in words for the one who asked. They may come from a
    /// peer; [`Display`](fmt::Display) shows them harmless and shortened.
    Prohibited(String),
    /// No answer within the time allowed.
    TimedOut,
    /// Out of file descriptors, memory, ports or channels.
    ResourceShortage,
    /// Anything else, in words. They may come from a peer; [`Display`](fmt::Display) shows
    /// them harmless and shortened.
    Other(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::Unreachable => f.write_str("host unreachable"),
            Self::NetworkUnreachable => f.write_str("network unreachable"),
            Self::NameNotFound => f.write_str("no such name"),
            Self::NotAllowed => f.write_str("not allowed"),
            Self::Prohibited(text) => {
                write!(f, "not allowed: {}", Foreign { text, limit: SHOWN })
            }
            Self::TimedOut => f.write_str("no answer in time"),
            Self::ResourceShortage => f.write_str("out of connections or memory"),
            Self::Other(text) => Foreign { text, limit: SHOWN }.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// The cause behind an error of `connect` and its like.
impl From<&io::Error> for Refusal {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::HostUnreachable => Self::Unreachable,
            ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Self::NetworkUnreachable,
            ErrorKind::NotFound => Self::NameNotFound,
            ErrorKind::PermissionDenied => Self::NotAllowed,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::OutOfMemory => Self::ResourceShortage,
            _ if is_shortage(error) => Self::ResourceShortage,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

/// Whether the machine or the process ran out of something that comes back by waiting.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| shortages.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_connect_keep_their_cause() {
        let cases = [
            (Errno::CONNREFUSED, Refusal::Refused),
            (Errno::HOSTUNREACH, Refusal::Unreachable),
            (Errno::NETUNREACH, Refusal::NetworkUnreachable),
            (Errno::ADDRNOTAVAIL, Refusal::NetworkUnreachable),
            (Errno::NOENT, Refusal::NameNotFound),
            (Errno::ACCESS, Refusal::NotAllowed),
            (Errno::PERM, Refusal::NotAllowed),
            (Errno::TIMEDOUT, Refusal::TimedOut),
            (Errno::MFILE, Refusal::ResourceShortage),
            (Errno::NOBUFS, Refusal::ResourceShortage),
        ];
        for (errno, refusal) in cases {
            assert_eq!(Refusal::from(io::Error::from(errno)), refusal, "{errno:?}");
        }
    }

    #[test]
    fn words_of_a_peer_are_shown_harmless_and_short() {
        let shown = Refusal::Other("no\u{7}".to_owned() + &"x".repeat(9_000)).to_string();
        assert!(shown.starts_with("no\\u{7}x") && shown.len() < 300);
    }
}
