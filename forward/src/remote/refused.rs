//! Why the peer does not listen.

use adit_channels::session;

use crate::entry::{Bind, Entry};

/// The first port that any user of a machine may listen on, in most systems.
const UNPRIVILEGED: u16 = 1024;

/// The peer does not listen where it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("the server does not listen on {entry}: {cause}")]
pub struct Refused {
    /// Where it was asked to.
    pub entry: Entry,
    /// Why not, as far as is known.
    pub cause: Cause,
}

/// Why the peer does not listen, as far as is known: a refusal comes without a reason.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// It refuses.
    #[error("it refuses the request")]
    Refused,
    /// It refuses to stop.
    #[error("it refuses to cancel what it listens on")]
    Uncancelled,
    /// It does not answer.
    #[error("it does not answer the request")]
    Unanswered,
    /// It was to choose a port, and did not say which.
    #[error("it does not say which port it chose")]
    NoPort,
    /// The path cannot be sent.
    #[error("the path is not utf-8")]
    Path,
    /// The session has ended.
    #[error(transparent)]
    Ended(session::Cause),
}

impl Refused {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        if !matches!(self.cause, Cause::Refused) {
            return None;
        }
        Some(match &self.entry {
            Entry::Tcp { port: 1..UNPRIVILEGED, .. } => {
                "ports below 1024 are for the server's administrators; else the port may be in use, \
                 or remote forwarding forbidden"
            }
            Entry::Tcp { port: 0, .. } => {
                "the server may forbid remote forwarding (AllowTcpForwarding, PermitListen, \
                 permitlisten)"
            }
            Entry::Tcp { bind: Bind::Default | Bind::Localhost, .. } => {
                "the port may be in use there, perhaps by a former connection of yours that the \
                 server takes for alive, or forwarding may be forbidden (AllowTcpForwarding, \
                 PermitListen, permitlisten)"
            }
            Entry::Tcp { .. } => {
                "the port may be in use there, the address may be none of the server's, or \
                 forwarding may be forbidden (AllowTcpForwarding, PermitListen, GatewayPorts)"
            }
            Entry::Unix(_) => {
                "something may be there already (StreamLocalBindUnlink), the folder may be none \
                 that the user can write to, or forwarding forbidden \
                 (AllowStreamLocalForwarding)"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_what_its_cause_may_be() {
        let cases = [
            ("80", "administrators"),
            ("0", "forbid"),
            ("8080", "in use"),
            ("192.0.2.1:8080", "none of the server's"),
            ("/run/s", "already"),
        ];
        for (entry, hint) in cases {
            let entry: Entry = entry.parse().unwrap();
            let refused = Refused { entry, cause: Cause::Refused };
            assert!(refused.hint().unwrap().contains(hint), "{refused}");
        }
        let refused = Refused { entry: "0".parse().unwrap(), cause: Cause::NoPort };
        assert_eq!(refused.hint(), None);
    }
}
