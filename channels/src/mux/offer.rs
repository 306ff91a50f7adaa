//! A channel that the peer asks for.

use adit_proto::message::channel_open::Kind;
use adit_proto::wire::Rest;
use bytes::Bytes;

use crate::mux::id::Id;

/// A channel that the peer asks for, to be accepted or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The channel.
    pub id: Id,
    /// What it is for.
    pub kind: Kind,
}

/// How much memory an offer of this kind holds.
pub(super) fn weight(kind: &Kind) -> usize {
    let fields = match kind {
        Kind::DirectTcpip(ends) | Kind::ForwardedTcpip(ends) => {
            ends.host.len().saturating_add(ends.originator.len())
        }
        Kind::DirectStreamlocal { path } | Kind::ForwardedStreamlocal { path } => path.len(),
        Kind::X11 { originator, .. } => originator.len(),
        Kind::Other { name, data } => name.len().saturating_add(data.0.len()),
        _ => 0,
    };
    fields.saturating_add(size_of::<Kind>())
}

/// The same kind with memory of its own, so that it does not pin the buffer that its
/// message came in.
pub(super) fn detached(kind: Kind) -> Kind {
    match kind {
        Kind::Other { name, data } => {
            Kind::Other { name, data: Rest(Bytes::copy_from_slice(&data.0)) }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_offer_does_not_pin_the_buffer_that_it_came_in() {
        let buffer = Bytes::from(vec![7; 1000]);
        let data = Rest(buffer.slice(1..));
        let kept = detached(Kind::Other { name: "x@example.org".to_owned(), data });
        assert!(buffer.is_unique());
        assert!(weight(&kept) > 999);
    }

    #[test]
    fn long_names_weigh_what_they_hold() {
        let path = "x".repeat(5000);
        assert!(weight(&Kind::DirectStreamlocal { path }) > 5000);
    }
}
