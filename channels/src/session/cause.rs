//! Why a session ended.

use std::error::Error;
use std::io;
use std::sync::Arc;

use adit_proto::message::disconnect::Reason;

use crate::mux::keepalive::Unresponsive;
use crate::mux::violation::Violation;

/// Why a session ended. All that waited for it gets the same cause.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// It was ended here, or nobody here had a use for it any more.
    #[error("the connection was closed here")]
    Disconnected,
    /// The peer ended it in good order.
    #[error("the peer closed the connection")]
    PeerLeft,
    /// The connection under it broke.
    #[error("the connection failed: {0}")]
    Pipe(#[source] Arc<dyn Error + Send + Sync>),
    /// The peer broke the protocol, or a limit.
    #[error("the peer misbehaved: {0}")]
    Violation(#[source] Violation),
    /// The peer has been silent for too long.
    #[error("{0}")]
    Unresponsive(Unresponsive),
    /// The driver was dropped.
    #[error("the connection was given up here")]
    Abandoned,
}

impl Cause {
    /// What the peer is to be told, where there is still somebody to tell.
    pub(super) fn farewell(&self) -> Option<(Reason, String)> {
        match self {
            Self::Disconnected => Some((Reason::BY_APPLICATION, String::new())),
            Self::Violation(violation) => Some((violation.reason(), violation.to_string())),
            Self::Unresponsive(silence) => Some((Reason::CONNECTION_LOST, silence.to_string())),
            Self::PeerLeft | Self::Pipe(_) | Self::Abandoned => None,
        }
    }
}

impl From<Cause> for io::Error {
    fn from(cause: Cause) -> Self {
        Self::new(io::ErrorKind::ConnectionAborted, cause)
    }
}

#[cfg(test)]
mod tests {
    use adit_proto::message::channel_id::ChannelId;

    use super::*;

    #[test]
    fn the_cause_of_the_cause_is_not_lost() {
        let cause = Cause::Pipe(Arc::new(io::Error::other("no route to host")));
        assert_eq!(cause.to_string(), "the connection failed: no route to host");
        assert_eq!(cause.source().unwrap().to_string(), "no route to host");
        let error = io::Error::from(cause);
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        assert!(error.get_ref().unwrap().is::<Cause>());
    }

    #[test]
    fn a_peer_that_breaks_the_protocol_is_told_how() {
        let cause = Cause::Violation(Violation::NoPacket(ChannelId(3)));
        let words = "a maximum packet size of 0 for channel 3".to_owned();
        assert_eq!(cause.farewell(), Some((Reason::PROTOCOL_ERROR, words)));
        assert_eq!(Cause::PeerLeft.farewell(), None);
    }
}
