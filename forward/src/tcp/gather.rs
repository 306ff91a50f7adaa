//! Much of a stream read at a time.

use std::time::Duration;

use tokio::time::Instant;

/// Whether the system should tell of what has come only when there is [`MUCH`] of it.
///
/// Where the sender is the slower end, each piece of a stream wakes this program, which then takes
/// its turn, gives credit and sleeps again. A stream that flows so fast that [`MUCH`] comes in less
/// than [`PATIENCE`] is left to gather. What else comes then waits for the stream, or at its end
/// for the patience. Each such wait in vain doubles what must flow before the next try.
#[derive(Debug)]
pub(super) struct Gather {
    gathers: bool,
    /// What came since.
    flowed: usize,
    since: Instant,
    /// How much must flow that fast first.
    wanted: usize,
}

/// So much is gathered: what one read takes.
pub(super) const MUCH: usize = 256 * 1024;

/// So long what has come may wait for more. The clock of the runtime may double it.
pub(super) const PATIENCE: Duration = Duration::from_millis(1);

/// A fast stream brings [`MUCH`] in this time.
const FAST: Duration = Duration::from_micros(750);

const LEAST_WANTED: usize = 4 * 1024 * 1024;

const MOST_WANTED: usize = 1024 * 1024 * 1024;

impl Gather {
    pub(super) fn new(now: Instant) -> Self {
        Self { gathers: false, flowed: 0, since: now, wanted: LEAST_WANTED }
    }

    /// Whether it is to be told of much only.
    pub(super) fn gathers(&self) -> bool {
        self.gathers
    }

    /// So much was read. Whether to [gather](Self::gathers) begins with it.
    pub(super) fn handle_read(&mut self, len: usize, now: impl Fn() -> Instant) -> bool {
        if self.flowed == 0 && !self.gathers {
            self.since = now();
        }
        self.flowed = self.flowed.saturating_add(len);
        if self.flowed < self.wanted {
            return false;
        }
        let pieces = u32::try_from(self.flowed / MUCH).unwrap_or(u32::MAX);
        self.flowed = 0;
        if self.gathers {
            self.wanted = (self.wanted / 2).max(LEAST_WANTED);
            return false;
        }
        let taken = now().saturating_duration_since(self.since);
        self.gathers = taken < FAST.saturating_mul(pieces);
        self.gathers
    }

    /// What had come has waited in vain: it gathers no more.
    pub(super) fn handle_vain(&mut self) {
        self.gathers = false;
        self.flowed = 0;
        self.wanted = self.wanted.saturating_mul(2).min(MOST_WANTED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Flow {
        gather: Gather,
        now: Instant,
    }

    impl Flow {
        fn new() -> Self {
            let now = Instant::now();
            Self { gather: Gather::new(now), now }
        }

        /// How much of a stream that brings [`MUCH`] in each `pace` flows before it is gathered,
        /// within a GiB.
        fn until_gathered(&mut self, pace: Duration) -> Option<usize> {
            let quarter = MUCH / 4;
            (1..=4096).map(|count| count * 4 * quarter).find(|_| {
                (0..4).any(|_| {
                    self.now += pace / 4;
                    self.gather.handle_read(quarter, || self.now)
                })
            })
        }
    }

    #[test]
    fn a_stream_that_flows_fast_is_gathered() {
        let mut flow = Flow::new();
        assert_eq!(flow.until_gathered(Duration::from_micros(500)), Some(LEAST_WANTED));
        assert!(flow.gather.gathers());
    }

    #[test]
    fn a_stream_that_would_wait_long_for_much_is_not() {
        assert_eq!(Flow::new().until_gathered(PATIENCE), None);
    }

    #[test]
    fn each_wait_in_vain_doubles_what_must_flow_and_what_flows_then_halves_it() {
        let mut flow = Flow::new();
        let pace = Duration::from_micros(500);
        for wanted in [LEAST_WANTED, 2 * LEAST_WANTED, 4 * LEAST_WANTED] {
            assert_eq!(flow.until_gathered(pace), Some(wanted));
            flow.gather.handle_vain();
            assert!(!flow.gather.gathers());
        }
        assert_eq!(flow.until_gathered(pace), Some(8 * LEAST_WANTED));
        assert_eq!(flow.until_gathered(pace), None, "it begins only once");
        flow.gather.handle_vain();
        assert_eq!(flow.until_gathered(pace), Some(2 * LEAST_WANTED));
    }

    #[test]
    fn a_stream_that_only_ever_waits_in_vain_is_tried_each_gib() {
        let mut flow = Flow::new();
        for _ in 0..64 {
            flow.gather.handle_vain();
        }
        assert_eq!(flow.until_gathered(Duration::from_micros(500)), Some(MOST_WANTED));
    }
}
