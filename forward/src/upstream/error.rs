//! Why nothing could be reached through a proxy.

use std::io::{self, ErrorKind};

use crate::connect::{self, Response, Status};
use crate::conversation::Unheard;
use crate::escape::Foreign;
use crate::refusal::Refusal;
use crate::socks5::{self, Reply};

/// Longest words of a proxy that are shown, in characters.
const SHOWN: usize = 100;

/// A target could not be reached through a proxy.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect through the proxy {proxy}: {fault}")]
pub struct Error {
    /// The proxy, as [`Upstream`](crate::upstream::Upstream) shows it.
    pub proxy: String,
    /// The cause.
    pub fault: Fault,
}

/// Why a target could not be reached through a proxy.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The proxy itself could not be reached.
    #[error("it cannot be reached: {0}")]
    Unreachable(Refusal),
    /// The target has a name that has to be resolved here, and was not.
    #[error("the name of the target cannot be resolved here: {0}")]
    Name(Refusal),
    /// It ended the connection in the middle.
    #[error("it closed the connection without an answer")]
    Closed,
    /// The connection to it broke.
    #[error("the connection to it broke: {0}")]
    Broken(io::Error),
    /// It, or the way to it, was too slow.
    #[error("no answer in time")]
    TimedOut,
    /// It cannot be asked for such a target.
    #[error("it cannot be asked for this target")]
    Target,
    /// It cannot be told this user and password.
    #[error("it cannot be given this user and password")]
    Credentials,
    /// It wants to know who asks, or in a way that is not spoken here.
    #[error("it wants a user and a password")]
    LoginNeeded,
    /// It does not take the user and password.
    #[error("it does not take this user and password")]
    LoginWrong,
    /// It refused, over SOCKS5.
    #[error("it answered: {0} (SOCKS5 reply {code})", code = .0.0)]
    Socks(Reply),
    /// It refused, over HTTP.
    #[error("it answered: {} {}", .0.status, Foreign { text: &.0.reason, limit: SHOWN })]
    Http(Response),
    /// Its answer is not SOCKS5.
    #[error("its answer is not understood: {0}")]
    NotSocks(socks5::Fault),
    /// Its answer is not HTTP/1.
    #[error("its answer is not understood: {0}")]
    NotHttp(connect::Fault),
}

impl Error {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.fault {
            Fault::LoginNeeded => Some("put them into its URL: socks5://user:password@host:port"),
            Fault::Credentials => Some("SOCKS5 takes up to 255 bytes each, HTTP no colon in users"),
            Fault::Name(_) => Some("socks5h:// lets the proxy resolve names"),
            Fault::NotSocks(_) => Some("if it is an HTTP proxy, its URL begins with http://"),
            Fault::NotHttp(_) => Some("if it is a SOCKS proxy, its URL begins with socks5h://"),
            _ => None,
        }
    }
}

/// The cause, where it has a name of its own; else all of it in words.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match &error.fault {
            Fault::Socks(Reply::REFUSED) => Self::Refused,
            Fault::Socks(Reply::HOST_UNREACHABLE) => Self::Unreachable,
            Fault::Socks(Reply::NETWORK_UNREACHABLE) => Self::NetworkUnreachable,
            Fault::Socks(Reply::NOT_ALLOWED) => Self::NotAllowed,
            Fault::Http(Response { status: Status::FORBIDDEN, .. }) => Self::NotAllowed,
            Fault::Socks(Reply::EXPIRED) | Fault::TimedOut => Self::TimedOut,
            Fault::Http(Response { status: Status::GATEWAY_TIMEOUT, .. }) => Self::TimedOut,
            Fault::Name(refusal) => refusal.clone(),
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Broken(error),
        }
    }
}

impl From<Unheard<socks5::Fault>> for Fault {
    fn from(unheard: Unheard<socks5::Fault>) -> Self {
        match unheard {
            Unheard::Lost(error) => error.into(),
            Unheard::Wrong(fault) => Self::NotSocks(fault),
        }
    }
}

impl From<Unheard<connect::Fault>> for Fault {
    fn from(unheard: Unheard<connect::Fault>) -> Self {
        match unheard {
            Unheard::Lost(error) => error.into(),
            Unheard::Wrong(fault) => Self::NotHttp(fault),
        }
    }
}
