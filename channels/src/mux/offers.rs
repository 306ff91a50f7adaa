//! The channels that the peer asks for.

use std::collections::VecDeque;

use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{ChannelOpenFailure, Reason};
use adit_proto::wire::Text;

use crate::mux::event::Event;
use crate::mux::id::Id;
use crate::mux::looked::Looked;
use crate::mux::pool::Pool;

/// Channels that the peer asks for and the user has not looked at, and refusals to be sent.
#[derive(Debug, Default)]
pub(super) struct Offers {
    waiting: VecDeque<Id>,
    looked: Looked,
    refusals: VecDeque<ChannelOpenFailure>,
}

impl Offers {
    /// The peer asks for a channel.
    pub(super) fn push(&mut self, id: Id, pool: &mut Pool) {
        self.waiting.push_back(id);
        if self.looked.tell() {
            pool.tell(Event::Offered);
        }
    }

    /// The oldest that the user has not looked at.
    pub(super) fn next(&mut self) -> Option<Id> {
        let id = self.waiting.pop_front();
        if id.is_none() {
            self.looked = Looked::InVain;
        }
        id
    }

    /// Refuses the channel that is `recipient` to the peer.
    pub(super) fn refuse(&mut self, recipient: ChannelId, reason: Reason, description: &str) {
        self.refusals.push_back(ChannelOpenFailure {
            recipient,
            reason,
            description: Text::from(description),
            language: Text::default(),
        });
    }

    /// How many refusals are to be sent.
    pub(super) fn refusals(&self) -> usize {
        self.refusals.len()
    }

    /// The next refusal to send.
    pub(super) fn poll_refusal(&mut self) -> Option<ChannelOpenFailure> {
        self.refusals.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::mux::limits::Limits;

    #[test]
    fn the_user_is_told_once_until_it_has_looked() {
        let (mut offers, mut pool) = (Offers::default(), Pool::new(Limits::default()));
        let id = |number| Id::new(number, NonZeroU32::MIN);
        offers.push(id(0), &mut pool);
        offers.push(id(1), &mut pool);
        assert_eq!(Vec::from_iter(pool.events.drain(..)), [Event::Offered]);
        assert_eq!([offers.next(), offers.next(), offers.next()], [Some(id(0)), Some(id(1)), None]);
        offers.push(id(2), &mut pool);
        assert_eq!(Vec::from_iter(pool.events.drain(..)), [Event::Offered]);
    }

    #[test]
    fn a_refusal_names_the_channel_as_the_peer_counts() {
        let mut offers = Offers::default();
        offers.refuse(ChannelId(9), Reason::CONNECT_FAILED, "connection refused");
        let refusal = offers.poll_refusal().unwrap();
        assert_eq!((refusal.recipient, refusal.reason), (ChannelId(9), Reason::CONNECT_FAILED));
        assert_eq!((refusal.description.0.as_str(), offers.refusals()), ("connection refused", 0));
    }
}
