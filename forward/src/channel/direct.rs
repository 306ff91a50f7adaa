//! Connections that the peer asks this machine to make.

use std::fmt;
use std::io;

use adit_channels::channel_open::{Kind, Reason, Tcpip};
use adit_channels::session::{Channel, Opening, Openings};

use crate::channel::reason;
use crate::listen;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;

/// The connections that the peer asks this machine to make, `direct-tcpip`
/// ([RFC 4254 section 7.2](https://www.rfc-editor.org/rfc/rfc4254#section-7.2)) and
/// `direct-streamlocal@openssh.com`: the near end, at the server, of a client's local and
/// dynamic tunnels.
///
/// Channels of all other types are refused here, unless they are [taken](Self::others).
pub struct Direct {
    openings: Openings,
    others: Box<dyn FnMut(Opening) + Send>,
}

impl Direct {
    /// What the peer asks for in this way.
    pub fn new(openings: Openings) -> Self {
        Self { openings, others: Box::new(refuse) }
    }

    /// Has channels of other types answered by the caller.
    #[must_use]
    pub fn others(mut self, others: impl FnMut(Opening) + Send + 'static) -> Self {
        self.others = Box::new(others);
        self
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").field("openings", &self.openings).finish_non_exhaustive()
    }
}

/// Nobody serves it.
fn refuse(opening: Opening) {
    let name = opening.kind().name();
    tracing::debug!(name, "a channel of a type that is not served");
    let reason = match opening.kind() {
        Kind::Other { .. } => Reason::UNKNOWN_CHANNEL_TYPE,
        _ => Reason::ADMINISTRATIVELY_PROHIBITED,
    };
    opening.refuse(reason, "channels of this type are not served");
}

impl listen::Listen for Direct {
    type Inbound = Inbound;

    async fn next(&mut self) -> io::Result<Inbound> {
        while let Some(opening) = self.openings.next().await {
            match asked(opening.kind()) {
                Asked::For(target, origin) => return Ok(Inbound::new(opening, target, origin)),
                Asked::Nonsense(why) => opening.refuse(Reason::CONNECT_FAILED, why),
                Asked::Other => (self.others)(opening),
            }
        }
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the session has ended"))
    }
}

/// What the peer asks for.
enum Asked {
    For(Target, Origin),
    /// It cannot be, for this reason.
    Nonsense(&'static str),
    /// Not for a connection.
    Other,
}

fn asked(kind: &Kind) -> Asked {
    match kind {
        Kind::DirectTcpip(Tcpip { host, port, originator, originator_port }) => {
            let Some(port) = u16::try_from(*port).ok().filter(|port| *port != 0) else {
                return Asked::Nonsense("there is no such port");
            };
            let origin = Origin::Reported {
                host: originator.clone(),
                port: u16::try_from(*originator_port).unwrap_or(0),
            };
            Asked::For(Target::Tcp { host: host.clone(), port }, origin)
        }
        Kind::DirectStreamlocal { path } if path.is_empty() || path.contains('\0') => {
            Asked::Nonsense("there is no such path")
        }
        Kind::DirectStreamlocal { path } => Asked::For(Target::Unix(path.into()), Origin::Unix),
        _ => Asked::Other,
    }
}

/// A connection that the peer asks for.
#[derive(Debug)]
pub struct Inbound {
    opening: Opening,
    target: Target,
    origin: Origin,
}

impl Inbound {
    /// A channel that the peer asks for, which is to go to this target.
    pub(crate) fn new(opening: Opening, target: Target, origin: Origin) -> Self {
        Self { opening, target, origin }
    }
}

impl listen::Inbound for Inbound {
    type Stream = Channel;

    async fn target(&mut self) -> io::Result<(Target, Origin)> {
        Ok((self.target.clone(), self.origin.clone()))
    }

    async fn accept(self) -> io::Result<Channel> {
        Ok(self.opening.accept())
    }

    async fn refuse(self, why: Refusal) {
        let (reason, words) = reason::of(&why);
        self.opening.refuse(reason, &words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcpip(port: u32) -> Kind {
        Kind::DirectTcpip(Tcpip {
            host: "db".to_owned(),
            port,
            originator: "10.0.0.1".to_owned(),
            originator_port: 1234,
        })
    }

    #[test]
    fn ports_beyond_16_bits_and_none_are_no_targets() {
        assert!(matches!(asked(&tcpip(5432)), Asked::For(Target::Tcp { port: 5432, .. }, _)));
        for port in [0, 65_536, u32::MAX] {
            assert!(matches!(asked(&tcpip(port)), Asked::Nonsense(_)), "{port}");
        }
    }

    #[test]
    fn other_channels_are_no_connections() {
        assert!(matches!(asked(&Kind::Session), Asked::Other));
        assert!(matches!(asked(&Kind::AuthAgent), Asked::Other));
    }
}
