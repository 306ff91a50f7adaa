//! What a mux holds.

use crate::mux::class::Class;

/// What a mux holds at the moment, in sums over all its channels.
///
/// A mux whose channels are all gone holds nothing: its load is the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Channels, whatever their state.
    pub channels: usize,
    /// Channels of [`Class::Interactive`](crate::mux::Class::Interactive).
    pub interactive: usize,
    /// Channels of [`Class::Bulk`](crate::mux::Class::Bulk).
    pub bulk: usize,
    /// Opens of the peer that the user has not answered.
    pub offers: usize,
    /// Bytes of receive windows that are granted or filled, out of
    /// [`receive_budget`](crate::mux::Limits::receive_budget).
    pub windows: u64,
    /// Bytes received and not taken.
    pub inbox: usize,
    /// Pieces of the inboxes that share the memory of the messages that they came in.
    pub slices: usize,
    /// Bytes accepted and not sent.
    pub outbox: usize,
    /// Bytes of opens and requests of the peer that the user has not taken.
    pub requests: usize,
}

impl Load {
    /// The channels of a class, where they are counted apart.
    pub(super) fn of_class(&mut self, class: Class) -> Option<&mut usize> {
        match class {
            Class::Interactive => Some(&mut self.interactive),
            Class::Ordinary => None,
            Class::Bulk => Some(&mut self.bulk),
        }
    }
}
