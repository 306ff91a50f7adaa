//! What a mux has to tell.

use adit_proto::message::channel_open::Reason;
use adit_proto::wire::Text;

use crate::mux::id::Id;
use crate::mux::request::{Answer, Verdict};
use crate::mux::stream::Stream;

/// What happened that somebody may be waiting for.
///
/// `Readable`, `Writable`, `Requested`, `Offered` and `GlobalRequested` are edges: one comes
/// when there is something after a call has found nothing, and then none until the next call
/// that finds nothing. So events do not pile up, however much the peer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer granted a channel that was asked for.
    Opened(Id),
    /// The peer refused a channel that was asked for; it is gone.
    Refused {
        /// The channel.
        id: Id,
        /// Why, for programs.
        reason: Reason,
        /// Why, for people.
        description: Text,
    },
    /// The stream has data, or has ended, after [`take`](crate::mux::Mux::take) found it empty.
    Readable(Id, Stream),
    /// The channel takes data again, or never will, after
    /// [`write`](crate::mux::Mux::write) took less than it was given.
    Writable(Id),
    /// The peer asks something on the channel, after
    /// [`next_request`](crate::mux::Mux::next_request) found nothing.
    Requested(Id),
    /// The peer answered the oldest request on the channel that wanted an answer.
    Answered {
        /// The channel.
        id: Id,
        /// The answer.
        verdict: Verdict,
    },
    /// The peer closed the channel: nothing more comes or goes. Data that came before can
    /// still be taken.
    Closed(Id),
    /// The peer asks for a channel, after [`next_offer`](crate::mux::Mux::next_offer) found
    /// nothing.
    Offered,
    /// The peer asks something of the connection, after
    /// [`next_global_request`](crate::mux::Mux::next_global_request) found nothing.
    GlobalRequested,
    /// The peer answered the oldest global request that wanted an answer.
    GlobalAnswered(Answer),
}
