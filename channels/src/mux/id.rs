//! Channels as the users of a mux name them.

use std::fmt;
use std::num::NonZeroU32;

use adit_proto::message::channel_id::ChannelId;

/// A channel of a mux.
///
/// Numbers on the wire are used again when a channel is gone; an `Id` is not, so one that
/// outlives its channel names nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    number: u32,
    generation: NonZeroU32,
}

impl Id {
    pub(super) fn new(number: u32, generation: NonZeroU32) -> Self {
        Self { number, generation }
    }

    /// The channel's number on the wire, as this side counts.
    pub fn number(self) -> ChannelId {
        ChannelId(self.number)
    }

    /// The place in tables that hold something for each channel.
    pub(crate) fn slot(self) -> usize {
        slot(self.number)
    }

    pub(super) fn generation(self) -> NonZeroU32 {
        self.generation
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number(), f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.number, self.generation)
    }
}

/// The place in a table of the channel with this number. Where addresses are narrower than
/// numbers, it names nothing.
pub(super) fn slot(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
