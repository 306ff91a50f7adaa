//! The memory that all receive windows of a connection share.

use crate::mux::fund::{Fund, Share};
use crate::mux::limits::Limits;

/// How many bytes the peer has been, or may be, allowed to send.
///
/// A window that was granted cannot be taken back, so it is paid for when it is granted.
#[derive(Debug)]
pub(super) struct Budget {
    total: u64,
    lent: u64,
    /// What the connection has of the memory that it shares with others.
    share: Option<Share>,
}

/// The divisor of the harmonic shares: channel n starts with a sixteenth of an n-th of the
/// whole. The sum of n shares grows with the logarithm of n only, so ten thousand idle
/// channels leave a third of the budget to those that move data.
const SHARE: u64 = 16;

impl Budget {
    pub(super) fn new(total: u64, fund: Option<Fund>) -> Self {
        Self { total, lent: 0, share: fund.map(Share::of) }
    }

    pub(super) fn lent(&self) -> u64 {
        self.lent
    }

    /// Lends the window that a channel starts with, when there are `channels` others.
    /// `None` where not even the smallest is left.
    pub(super) fn lend_first(&mut self, channels: usize, limits: &Limits) -> Option<u32> {
        let others = u64::try_from(channels).unwrap_or(u64::MAX);
        let share = self.total / SHARE / others.saturating_add(1);
        let share = self.share.as_ref().map_or(share, |of_fund| of_fund.first().min(share));
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let window = share.clamp(limits.min_window, limits.initial_window);
        if self.lend(window) {
            Some(window)
        } else {
            self.lend(limits.min_window).then_some(limits.min_window)
        }
    }

    /// Lends a window that grows `more` bytes, where that leaves as much for others.
    pub(super) fn lend_more(&mut self, more: u32) -> bool {
        u64::from(more) <= self.free() / 2 && self.lend(more)
    }

    /// Takes a window back: what it had left will not be filled any more.
    pub(super) fn give_back(&mut self, window: u32) {
        self.lent = self.lent.saturating_sub(u64::from(window));
        if let Some(share) = &mut self.share {
            share.lend(self.lent);
        }
    }

    /// Books how many channels there are, for whom the memory is shared with.
    pub(super) fn count(&mut self, channels: usize) {
        if let Some(share) = &mut self.share {
            share.count(channels);
        }
    }

    /// Books what the outboxes hold.
    pub(super) fn hold(&mut self, outboxes: usize) {
        if let Some(share) = &mut self.share {
            share.hold(outboxes);
        }
    }

    /// What the outboxes may hold, as far as the memory is shared with others.
    pub(super) fn outboxes(&self) -> usize {
        self.share.as_ref().map_or(usize::MAX, Share::outboxes)
    }

    fn free(&self) -> u64 {
        self.total.saturating_sub(self.lent)
    }

    fn lend(&mut self, window: u32) -> bool {
        let lent = self.lent.saturating_add(u64::from(window));
        let enough = lent <= self.total && self.share.as_mut().is_none_or(|it| it.lend(lent));
        if enough {
            self.lent = lent;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_channels_start_with_the_whole_window_and_many_with_small_ones() {
        let limits = Limits::default();
        let mut budget = Budget::new(limits.receive_budget, None);
        assert_eq!(budget.lend_first(0, &limits), Some(limits.initial_window));
        assert_eq!(budget.lend_first(7, &limits), Some(limits.initial_window));
        assert_eq!(budget.lend_first(100, &limits), Some(166_111));
        assert_eq!(budget.lend_first(10_000, &limits), Some(limits.min_window));
    }

    #[test]
    fn as_many_channels_as_allowed_find_a_window_and_leave_room_to_grow() {
        let limits = Limits::default();
        let mut budget = Budget::new(limits.receive_budget, None);
        for channels in 0..limits.channels {
            assert!(budget.lend_first(channels, &limits).is_some(), "{channels}");
            if channels == 10_000 {
                assert!(budget.free() >= limits.receive_budget / 3, "{budget:?}");
            }
        }
        assert!(budget.lend_more(limits.initial_window));
    }

    #[test]
    fn what_is_lent_never_exceeds_the_whole() {
        let limits = Limits { min_window: 10, initial_window: 40, ..Limits::default() }.settled();
        let mut budget = Budget::new(100, None);
        let mut lent = 0;
        for channels in 0.. {
            match budget.lend_first(channels, &limits) {
                Some(window) => lent += window,
                None => break,
            }
        }
        assert_eq!(lent, 100);
        assert!(!budget.lend_more(1));
        budget.give_back(50);
        assert!(!budget.lend_more(26));
        assert!(budget.lend_more(25));
        assert_eq!(budget.lent(), 75);
    }

    #[test]
    fn a_channel_starts_small_where_others_of_the_process_are_many() {
        let limits = Limits::default();
        let fund = Fund::new(limits.receive_budget, 2);
        let mut crowded = Budget::new(limits.receive_budget, Some(fund.clone()));
        crowded.count(2000);
        let mut budget = Budget::new(limits.receive_budget, Some(fund.clone()));
        assert_eq!(budget.lend_first(0, &limits), Some(limits.min_window));
        crowded.count(0);
        assert_eq!(budget.lend_first(1, &limits), Some(limits.initial_window));
        budget.give_back(limits.initial_window);
        budget.give_back(limits.min_window);
        drop((budget, crowded));
        assert_eq!(fund.used(), 0);
    }
}
