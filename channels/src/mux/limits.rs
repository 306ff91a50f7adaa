//! What a mux may use.

use std::time::Duration;

use crate::mux::fund::Fund;

/// What a mux may use, and how it flows. All sizes are in bytes.
///
/// What a connection holds at most, whatever its peer does and however slow its users are:
/// for data received `receive_budget` (copies of small pieces may take up to twice their
/// size, and [`KEPT_SLICES`](crate::mux::KEPT_SLICES) slices of the buffers that
/// messages came in), for data to be sent `send_budget`, one `outbox` more and 4 KiB for each
/// channel, for requests and opens that nobody has taken `request_budget`, and less than
/// 1 KiB for each channel itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many channels there may be at once, opened by either side.
    pub channels: usize,
    /// How many opens of the peer may wait for an answer of the user; what comes beyond is
    /// refused for shortage.
    pub offers: usize,
    /// The receive window that a channel starts with while there are few channels, and that
    /// one of many grows to as soon as it moves data.
    pub initial_window: u32,
    /// The receive window that a channel starts with when there are very many.
    pub min_window: u32,
    /// The receive window that a channel may grow to where its reader is fast and the path
    /// is long.
    pub max_window: u32,
    /// What all channels together may have received and not handed on, windows that the
    /// peer may still fill included.
    pub receive_budget: u64,
    /// The memory that windows and outboxes share with other connections, beside the limits of
    /// this one; `None` where there are no others.
    pub fund: Option<Fund>,
    /// How many bytes of data the peer may put into one message.
    pub receive_packet: u32,
    /// How many bytes of data go into one message at most; the peer may allow fewer.
    pub send_packet: u32,
    /// That the peer gives credit early, where that is known. Then what a channel has on the way
    /// may be bounded more tightly than by the peer's window: on a near path, while other channels
    /// wait for what lies on it. `None` bounds nothing.
    pub early_credit: Option<EarlyCredit>,
    /// How many bytes one channel may have accepted and not sent.
    pub outbox: usize,
    /// How many bytes all channels together may have accepted and not sent; when half of
    /// it is used, channels get smaller shares.
    pub send_budget: usize,
    /// What the requests and opens of the peer that the user has not taken may hold.
    pub request_budget: usize,
    /// How many global requests, and how many refusals of opens, may wait to be answered.
    /// A peer that goes on asking beyond is cut off.
    pub answers: usize,
    /// How many requests on one channel may wait to be answered. A peer that goes on asking
    /// beyond is cut off.
    pub channel_answers: usize,
    /// How the peer's life is watched; `None` leaves that to others.
    pub keepalive: Option<Keepalive>,
}

/// When the peer gives credit, whatever is left of its window. One that waits for more would stand
/// still, so this has to be known and not guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlyCredit {
    /// After so many of the largest messages that it takes at most.
    pub messages: u32,
    /// Only if it has also announced its host keys (`hostkeys-00@openssh.com`), which few do that
    /// only give themselves out for a server of OpenSSH.
    pub once_announced: bool,
}

/// How the peer's life is watched.
///
/// A peer that has been silent for `interval` is asked for an answer, and again after each
/// further one. When `count` questions brought no message of any kind for an interval
/// each, the peer is taken for dead: after `interval * (count + 1)` of silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// How long the peer may be silent before it is asked.
    pub interval: Duration,
    /// How many questions may go without an answer.
    pub count: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channels: 16 * 1024,
            offers: 4 * 1024,
            initial_window: 2 * MIB,
            min_window: 8 * KIB,
            max_window: 32 * MIB,
            receive_budget: 256 * u64::from(MIB),
            fund: None,
            receive_packet: 32 * KIB,
            send_packet: 32 * KIB,
            early_credit: None,
            outbox: 512 * 1024,
            send_budget: 64 * 1024 * 1024,
            request_budget: 1024 * 1024,
            answers: 4 * 1024,
            channel_answers: 256,
            keepalive: None,
        }
    }
}

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// The largest payload that is put into one message.
const MAX_SEND_PACKET: u32 = 256 * KIB;

impl Limits {
    /// The same with contradictions removed: no size is zero, and windows are ordered.
    pub(super) fn settled(mut self) -> Self {
        self.min_window = self.min_window.max(1);
        self.initial_window = self.initial_window.max(self.min_window);
        self.max_window = self.max_window.max(self.initial_window);
        self.receive_packet = self.receive_packet.max(1);
        self.send_packet = self.send_packet.clamp(1, MAX_SEND_PACKET);
        self.outbox = self.outbox.max(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_removed() {
        let odd = Limits {
            min_window: 0,
            initial_window: 0,
            max_window: 0,
            receive_packet: 0,
            send_packet: u32::MAX,
            outbox: 0,
            ..Limits::default()
        };
        let settled = odd.settled();
        assert_eq!((settled.min_window, settled.initial_window, settled.max_window), (1, 1, 1));
        assert_eq!((settled.receive_packet, settled.outbox), (1, 1));
        assert_eq!(settled.send_packet, MAX_SEND_PACKET);
    }

    #[test]
    fn the_defaults_contradict_nothing() {
        assert_eq!(Limits::default().settled(), Limits::default());
    }
}
