//! How much the system may hold that it has not sent yet.

use std::time::Duration;

use tokio::time::Instant;

/// The bytes that the system may hold without having sent them for the first time, beside what is
/// on its way: what the path takes in a [`HELD`], as far as was measured.
///
/// What is held has its place, and small messages wait for all of it. With too little of it the
/// system runs out while this program is woken, and takes what it gets by small calls.
#[derive(Debug)]
pub(super) struct Unsent {
    limit: u32,
    /// Since when it is counted what is written.
    since: Instant,
    written: usize,
}

/// So long a small message waits at most for what is held before it, on a path that takes more
/// than [`LEAST`] in that time.
const HELD: Duration = Duration::from_millis(1);

/// Over this time it is measured what the path takes.
const PERIOD: Duration = Duration::from_millis(20);

const LEAST: u32 = 128 * 1024;

/// More makes no call larger.
const MOST: u32 = 1024 * 1024;

impl Unsent {
    pub(super) fn new(now: Instant) -> Self {
        Self { limit: LEAST, since: now, written: 0 }
    }

    /// How much may be held.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// The system has taken `len` bytes. Whether the limit is another one since.
    pub(super) fn handle_write(&mut self, len: usize, now: Instant) -> bool {
        self.written = self.written.saturating_add(len);
        let passed = now.saturating_duration_since(self.since);
        if passed < PERIOD {
            return false;
        }
        let share = HELD.as_micros() * u128::try_from(self.written).unwrap_or(u128::MAX);
        let taken = u32::try_from(share / passed.as_micros()).unwrap_or(MOST);
        (self.since, self.written) = (now, 0);
        let limit = taken.clamp(LEAST, MOST).next_power_of_two();
        // Between two powers it would go to and fro.
        let moves = limit > self.limit || limit < self.limit / 2;
        if moves {
            self.limit = limit;
        }
        moves
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KIB: usize = 1024;

    /// The limit after a second of a path that takes `rate` KiB in each millisecond.
    fn after(rate: usize, unsent: &mut Unsent, from: Instant) -> u32 {
        for ms in 1..=1000 {
            unsent.handle_write(rate * KIB, from + Duration::from_millis(ms));
        }
        unsent.limit()
    }

    #[test]
    fn what_is_held_is_what_the_path_takes_in_a_millisecond() {
        let now = Instant::now();
        for (rate, held) in
            [(3, 128), (119, 128), (129, 256), (500, 512), (1100, 1024), (9000, 1024)]
        {
            assert_eq!(after(rate, &mut Unsent::new(now), now), held * 1024, "{rate} KiB/ms");
        }
    }

    #[test]
    fn a_connection_that_was_silent_begins_anew() {
        let now = Instant::now();
        let mut unsent = Unsent::new(now);
        assert_eq!(after(1000, &mut unsent, now), MOST);
        assert!(unsent.handle_write(KIB, now + Duration::from_secs(60)));
        assert_eq!(unsent.limit(), LEAST);
    }

    #[test]
    fn a_rate_about_a_power_of_two_changes_nothing_any_more() {
        let mut now = Instant::now();
        let mut unsent = Unsent::new(now);
        let mut changes = 0;
        for period in 0..100 {
            now += PERIOD;
            changes += u32::from(unsent.handle_write((250 + period % 2 * 12) * 20 * KIB, now));
        }
        assert_eq!((changes, unsent.limit()), (2, 512 * 1024));
    }

    proptest! {
        #[test]
        fn the_limit_stays_within_its_bounds(
            writes in proptest::collection::vec((any::<usize>(), 0u64..100_000), 1..100),
        ) {
            let mut now = Instant::now();
            let mut unsent = Unsent::new(now);
            for (len, passed) in writes {
                now += Duration::from_micros(passed);
                let before = unsent.limit();
                let changed = unsent.handle_write(len, now);
                prop_assert_eq!(changed, unsent.limit() != before);
                prop_assert!((LEAST..=MOST).contains(&unsent.limit()));
            }
        }
    }
}
