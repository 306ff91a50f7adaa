//! One request.

use bytes::Bytes;

use crate::mux::owed::Ticket;

/// What the peer asks, on a channel
/// ([RFC 4254 section 5.4](https://www.rfc-editor.org/rfc/rfc4254#section-5.4)) or of the
/// connection ([section 4](https://www.rfc-editor.org/rfc/rfc4254#section-4)).
#[derive(Debug, PartialEq, Eq)]
pub struct Request<K> {
    /// What is asked.
    pub kind: K,
    /// To answer by; `None` where no answer is wanted.
    pub ticket: Option<Ticket>,
}

/// Whether a request on a channel is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// `SSH_MSG_CHANNEL_SUCCESS`.
    Granted,
    /// `SSH_MSG_CHANNEL_FAILURE`.
    Refused,
}

/// Whether a request that concerns no channel is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `SSH_MSG_REQUEST_SUCCESS`, and what it holds: for `tcpip-forward` of port 0 the port,
    /// for most others nothing.
    Granted(Bytes),
    /// `SSH_MSG_REQUEST_FAILURE`.
    Refused,
}

/// Whether the one who asks wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The peer has to answer.
    Wanted,
    /// The peer does not answer.
    Unwanted,
}

impl Reply {
    /// The field on the wire.
    pub(super) fn is_wanted(self) -> bool {
        self == Self::Wanted
    }
}
