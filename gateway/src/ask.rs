//! What a logged in user asks for.

use std::fmt;

use adit_forward::target::Target;
use serde::{Deserialize, Serialize};

use crate::host::{self, Host};
use crate::socket_path::{self, SocketPath};

/// What a logged in user asks for, in the one spelling that is judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Which way.
    pub direction: Direction,
    /// Where.
    pub place: Place,
}

impl Ask {
    /// Takes what a channel open or a global request names.
    ///
    /// # Errors
    /// [`Unclear`], which is a refusal.
    pub fn new(direction: Direction, target: &Target) -> Result<Self, Unclear> {
        let place = match (direction, target) {
            (_, Target::Unix(path)) => Place::Socket(SocketPath::new(path)?),
            (Direction::Open, Target::Tcp { host, port }) => to_open(host, *port)?,
            (Direction::Listen, Target::Tcp { host, port }) => to_listen(host, *port)?,
        };
        Ok(Self { direction, place })
    }
}

fn to_open(host: &str, port: u16) -> Result<Place, Unclear> {
    let host: Host = host.parse()?;
    match &host {
        _ if port == 0 => Err(Unclear::PortZero),
        // Systems take it for this machine.
        Host::Address(address) if address.is_unspecified() => Err(Unclear::Unspecified),
        _ => Ok(Place::Tcp { host, port }),
    }
}

fn to_listen(host: &str, port: u16) -> Result<Place, Unclear> {
    match host {
        "" => Ok(Place::Everywhere { said: Said::Nothing, port }),
        "*" => Ok(Place::Everywhere { said: Said::Star, port }),
        host => Ok(Place::Tcp { host: host.parse()?, port }),
    }
}

/// Which way a tunnel goes that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The gateway connects: `direct-tcpip`
    /// ([RFC 4254 section 7.2](https://www.rfc-editor.org/rfc/rfc4254#section-7.2)) and
    /// `direct-streamlocal@openssh.com`.
    Open,
    /// The gateway listens: `tcpip-forward`
    /// ([RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1)) and
    /// `streamlocal-forward@openssh.com`.
    Listen,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Listen => "listen",
        })
    }
}

/// Where a tunnel leads to, or begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A port of a host.
    Tcp {
        /// The host; to listen on, it may be 0.0.0.0 or `::`, which are all addresses of one
        /// family.
        host: Host,
        /// The port; to listen on, 0 lets the system choose.
        port: u16,
    },
    /// A port on every address of the machine, to listen on.
    Everywhere {
        /// How that was said.
        said: Said,
        /// The port; 0 lets the system choose.
        port: u16,
    },
    /// A Unix socket.
    Socket(SocketPath),
}

impl Place {
    /// The port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp { port, .. } | Self::Everywhere { port, .. } => Some(*port),
            Self::Socket(_) => None,
        }
    }
}

/// How a client said that it is to be listened everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Said {
    /// By `*`.
    Star,
    /// By leaving the address empty, which many clients do that mean nothing in particular.
    Nothing,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Everywhere { port, .. } => write!(f, "*:{port}"),
            Self::Socket(path) => path.fmt(f),
        }
    }
}

/// Why it is not clear what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// The host.
    #[error(transparent)]
    Host(#[from] host::Unclear),
    /// The path.
    #[error(transparent)]
    Path(#[from] socket_path::Unclear),
    /// Port 0 is for listening.
    #[error("nothing can be reached on port 0")]
    PortZero,
    /// No host is meant in particular.
    #[error("0.0.0.0 and :: are no hosts")]
    Unspecified,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(direction: Direction, host: &str, port: u16) -> Result<String, Unclear> {
        let target = Target::Tcp { host: host.to_owned(), port };
        Ask::new(direction, &target).map(|ask| ask.place.to_string())
    }

    #[test]
    fn what_is_to_be_opened_is_a_port_of_one_host() {
        assert_eq!(tcp(Direction::Open, "DB.", 80).as_deref(), Ok("db:80"));
        assert_eq!(tcp(Direction::Open, "::1", 80).as_deref(), Ok("[::1]:80"));
        assert_eq!(tcp(Direction::Open, "db", 0), Err(Unclear::PortZero));
        for host in ["0", "0.0.0.0", "::", "::ffff:0.0.0.0", "[::]"] {
            assert_eq!(tcp(Direction::Open, host, 80), Err(Unclear::Unspecified), "{host}");
        }
        assert_eq!(tcp(Direction::Open, "", 80), Err(host::Unclear::Empty.into()));
        assert_eq!(tcp(Direction::Open, "*", 80), Err(host::Unclear::Characters.into()));
    }

    #[test]
    fn it_can_be_listened_everywhere() {
        for (host, shown) in [
            ("", "*:0"),
            ("*", "*:0"),
            ("0", "0.0.0.0:0"),
            ("0.0.0.0", "0.0.0.0:0"),
            ("::", "[::]:0"),
            ("localhost", "localhost:0"),
        ] {
            assert_eq!(tcp(Direction::Listen, host, 0).as_deref(), Ok(shown), "{host}");
        }
        assert_eq!(tcp(Direction::Listen, "::1%lo", 0), Err(host::Unclear::Zone.into()));
    }

    #[test]
    fn sockets_have_one_path() {
        let ask = |path: &str| Ask::new(Direction::Open, &Target::Unix(path.into()));
        assert_eq!(ask("/run//a").unwrap().place.to_string(), "/run/a");
        assert_eq!(ask("a"), Err(socket_path::Unclear::Relative.into()));
    }
}
