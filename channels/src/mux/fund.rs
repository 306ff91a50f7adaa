//! Memory that the connections of a process share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that the connections of a process share; all its clones are the same.
///
/// ```text
///  |<----------------------------- total ------------------------------>|
///  |    floors    |           common            |        outboxes       |
///    a part for     receive windows beyond        accepted, not sent
///    each           the floors
/// ```
///
/// A quarter is set aside in equal floors, one for each of the connections that are expected: so
/// much receive window a connection has whatever the others do. Beyond its floor it may have as
/// much as it leaves free, so that one alone gets half of what is common, and whoever comes after
/// others who are greedy finds some. A channel that not even the smallest window is left for is
/// refused, and each that is open has at least that.
///
/// Another quarter is for what channels have accepted and not sent. Where it is used up each
/// channel still has 4 KiB of its own, and so goes on. As these are not taken from the fund, and
/// as connections look at what is free each for itself, outboxes together may hold beyond their
/// quarter one [`outbox`](crate::mux::Limits::outbox) and 128 KiB for each connection, and 4 KiB for
/// each channel.
#[derive(Debug, Clone)]
pub struct Fund(Arc<Books>);

#[derive(Debug)]
struct Books {
    /// The whole, in bytes.
    total: AtomicU64,
    /// How many connections are expected.
    expected: AtomicU64,
    /// Handed out in floors.
    floors: AtomicU64,
    /// Lent out of what is common.
    windows: AtomicU64,
    /// Held by outboxes, as far as it was booked.
    outboxes: AtomicU64,
    channels: AtomicU64,
}

/// What one connection has of a fund. It is all given back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    fund: Fund,
    floor: u64,
    /// Lent beyond the floor.
    windows: u64,
    /// Booked for outboxes.
    outboxes: u64,
    channels: u64,
}

/// The divisor of the harmonic shares that channels start with, as in one connection.
const SHARE: u64 = 16;

/// Outboxes are booked in such pieces, and the first piece of a connection is not: so hardly a
/// message is worth an entry.
const PIECE: u64 = 64 * 1024;

impl Fund {
    /// A fund of so many bytes for the number of connections that are expected. More of them may
    /// come, and have no floor then.
    pub fn new(total: u64, expected: usize) -> Self {
        let fund = Self(Arc::new(Books {
            total: AtomicU64::new(total),
            expected: AtomicU64::new(0),
            floors: AtomicU64::new(0),
            windows: AtomicU64::new(0),
            outboxes: AtomicU64::new(0),
            channels: AtomicU64::new(0),
        }));
        fund.resize(total, expected);
        fund
    }

    /// From now on it is so large. What was lent stays lent, and floors stay as they are.
    pub fn resize(&self, total: u64, expected: usize) {
        let expected = u64::try_from(expected).unwrap_or(u64::MAX).max(1);
        self.0.total.store(total, Ordering::Relaxed);
        self.0.expected.store(expected, Ordering::Relaxed);
    }

    /// The whole, in bytes.
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }

    /// How much of it is handed out: floors, windows beyond them, outboxes.
    pub fn used(&self) -> u64 {
        let Books { floors, windows, outboxes, .. } = &*self.0;
        [floors, windows, outboxes]
            .map(|part| part.load(Ordering::Relaxed))
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// What there is for receive windows beyond the floors.
    fn common(&self) -> u64 {
        self.total().saturating_sub(self.quarter().saturating_mul(2))
    }

    fn quarter(&self) -> u64 {
        self.total() / 4
    }

    /// A floor for a newcomer.
    fn floor(&self) -> u64 {
        let all = self.quarter();
        let each = all / self.0.expected.load(Ordering::Relaxed).max(1);
        let mut floor = 0;
        let _ = self.0.floors.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |handed_out| {
            floor = all.saturating_sub(handed_out).min(each);
            handed_out.checked_add(floor)
        });
        floor
    }

    /// Lends `more` windows to a connection that has `had` of those beyond its floor, where that
    /// leaves as much as it has then.
    fn lend(&self, had: u64, more: u64) -> bool {
        let common = self.common();
        let has = had.saturating_add(more);
        let lent = self.0.windows.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |lent| {
            let lent = lent.checked_add(more)?;
            (has <= common.saturating_sub(lent)).then_some(lent)
        });
        lent.is_ok()
    }
}

/// Two funds are equal where they are the same.
impl PartialEq for Fund {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fund {}

impl Share {
    /// What a new connection has of a fund.
    pub(super) fn of(fund: Fund) -> Self {
        let floor = fund.floor();
        Self { fund, floor, windows: 0, outboxes: 0, channels: 0 }
    }

    /// Books that the windows of the connection are `lent` in all, where there is so much. Less
    /// than before there always is.
    pub(super) fn lend(&mut self, lent: u64) -> bool {
        let windows = lent.saturating_sub(self.floor);
        match windows.checked_sub(self.windows) {
            Some(0) => {}
            Some(more) => {
                if !self.fund.lend(self.windows, more) {
                    return false;
                }
            }
            None => {
                let less = self.windows.saturating_sub(windows);
                self.fund.0.windows.fetch_sub(less, Ordering::Relaxed);
            }
        }
        self.windows = windows;
        true
    }

    /// The window that one channel more should start with.
    pub(super) fn first(&self) -> u64 {
        let others = self.fund.0.channels.load(Ordering::Relaxed);
        self.fund.common() / SHARE / others.saturating_add(1)
    }

    /// Books how many channels the connection has.
    pub(super) fn count(&mut self, channels: usize) {
        let channels = u64::try_from(channels).unwrap_or(u64::MAX);
        let books = &self.fund.0.channels;
        match channels.checked_sub(self.channels) {
            Some(more) => books.fetch_add(more, Ordering::Relaxed),
            None => books.fetch_sub(self.channels.saturating_sub(channels), Ordering::Relaxed),
        };
        self.channels = channels;
    }

    /// Books what the outboxes of the connection hold.
    pub(super) fn hold(&mut self, len: usize) {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        if len <= self.outboxes.saturating_add(PIECE) {
            let slack = self.outboxes.saturating_sub(len);
            if slack > PIECE || (len == 0 && slack > 0) {
                self.fund.0.outboxes.fetch_sub(slack, Ordering::Relaxed);
                self.outboxes = len;
            }
            return;
        }
        let more = len.saturating_sub(self.outboxes);
        self.fund.0.outboxes.fetch_add(more, Ordering::Relaxed);
        self.outboxes = len;
    }

    /// What the outboxes of the connection may hold: as much as they leave free.
    pub(super) fn outboxes(&self) -> usize {
        let held = self.fund.0.outboxes.load(Ordering::Relaxed);
        usize::try_from(self.fund.quarter().saturating_sub(held)).unwrap_or(usize::MAX)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let books = &self.fund.0;
        books.floors.fetch_sub(self.floor, Ordering::Relaxed);
        books.windows.fetch_sub(self.windows, Ordering::Relaxed);
        books.outboxes.fetch_sub(self.outboxes, Ordering::Relaxed);
        books.channels.fetch_sub(self.channels, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOTAL: u64 = 1 << 20;

    /// Takes as much as there is, in pieces.
    fn drain(share: &mut Share, piece: u64) -> u64 {
        let mut lent = 0;
        while share.lend(lent + piece) {
            lent += piece;
        }
        lent
    }

    #[test]
    fn whoever_is_alone_gets_its_floor_and_half_of_what_is_common() {
        let fund = Fund::new(TOTAL, 4);
        let mut share = Share::of(fund.clone());
        assert_eq!(drain(&mut share, 1), TOTAL / 16 + TOTAL / 4);
    }

    #[test]
    fn whoever_comes_after_the_greedy_has_a_floor_still() {
        let fund = Fund::new(TOTAL, 8);
        let mut greedy: Vec<Share> = (0..7).map(|_| Share::of(fund.clone())).collect();
        for share in &mut greedy {
            drain(share, 64);
        }
        let mut last = Share::of(fund.clone());
        assert!(drain(&mut last, 64) >= TOTAL / 32);
        assert!(fund.used() <= TOTAL);
        greedy.clear();
        assert!(drain(&mut last, 64) >= TOTAL / 4, "what came back can be had");
        drop(last);
        assert_eq!(fund.used(), 0);
    }

    #[test]
    fn more_connections_than_expected_have_no_floor_and_may_find_nothing() {
        let fund = Fund::new(TOTAL, 2);
        let mut shares: Vec<Share> = (0..40).map(|_| Share::of(fund.clone())).collect();
        let lent: u64 = shares.iter_mut().map(|share| drain(share, 1)).sum();
        assert!(lent <= TOTAL - TOTAL / 4, "{lent}");
        assert_eq!(drain(&mut Share::of(fund), 1), 0);
    }

    #[test]
    fn a_fund_that_shrinks_lends_nothing_until_enough_came_back() {
        let fund = Fund::new(TOTAL, 1);
        let mut share = Share::of(fund.clone());
        let lent = drain(&mut share, 1);
        fund.resize(TOTAL / 2, 1);
        assert!(!share.lend(lent + 1));
        assert!(share.lend(0) && share.lend(TOTAL / 4));
        assert_eq!(fund.total(), TOTAL / 2);
    }

    #[test]
    fn outboxes_are_booked_in_pieces_and_leave_as_much_as_they_hold() {
        let fund = Fund::new(4 * TOTAL, 1);
        let mut share = Share::of(fund.clone());
        let floors = fund.used();
        share.hold(1000);
        assert_eq!(fund.used(), floors, "too little for an entry");
        share.hold(300_000);
        assert_eq!(fund.used(), floors + 300_000);
        assert_eq!(share.outboxes(), usize::try_from(TOTAL).unwrap() - 300_000);
        share.hold(290_000);
        assert_eq!(fund.used(), floors + 300_000);
        share.hold(0);
        assert_eq!(fund.used(), floors);
    }

    #[test]
    fn channels_of_many_connections_start_with_small_windows() {
        let fund = Fund::new(TOTAL, 4);
        let (mut one, mut other) = (Share::of(fund.clone()), Share::of(fund));
        assert_eq!(one.first(), TOTAL / 2 / SHARE);
        one.count(9);
        assert_eq!(other.first(), TOTAL / 2 / SHARE / 10);
        other.count(10);
        one.count(0);
        assert_eq!(one.first(), TOTAL / 2 / SHARE / 11);
        drop(other);
        assert_eq!(one.first(), TOTAL / 2 / SHARE);
    }

    proptest! {
        #[test]
        fn what_is_lent_never_exceeds_the_whole_and_all_comes_back(
            operations in proptest::collection::vec((0_usize..5, 0_u64..TOTAL / 2), 0..100),
        ) {
            let fund = Fund::new(TOTAL, 3);
            let mut shares: Vec<Option<Share>> = (0..5).map(|_| None).collect();
            let mut lent = [0_u64; 5];
            for (number, amount) in operations {
                let slot = &mut shares[number];
                if amount % 7 == 0 {
                    *slot = None;
                    lent[number] = 0;
                } else if slot.get_or_insert_with(|| Share::of(fund.clone())).lend(amount) {
                    lent[number] = amount;
                }
                prop_assert!(lent.iter().sum::<u64>() <= TOTAL - TOTAL / 4);
                prop_assert!(fund.used() <= TOTAL);
            }
            shares.clear();
            prop_assert_eq!(fund.used(), 0);
        }
    }
}
