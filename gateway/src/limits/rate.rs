//! Rates: so many in so long, and how many at once.

use std::time::{Duration, Instant};

use crate::limits::deadlines::{Deadlines, Entry};
use crate::limits::source::Source;

/// Nanoseconds in a second.
const SECOND: u128 = 1_000_000_000;

/// So many in so long on the long run, and so many at once.
///
/// It is a bucket of `burst` tokens that fills by `count` in `per`. What is kept of a bucket is the
/// one time at which it will be full
/// ([generic cell rate algorithm](https://www.itu.int/rec/T-REC-I.371)): a bucket that is full
/// needs no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many; not zero.
    pub count: u32,
    /// In how long.
    pub per: Duration,
    /// How many at once; not zero.
    pub burst: u32,
}

impl Rate {
    /// How long it takes for so many to come.
    fn time(self, tokens: u64) -> Duration {
        let nanos = self.per.as_nanos().saturating_mul(tokens.into());
        let nanos = nanos.checked_div(self.count.into()).unwrap_or(u128::MAX);
        let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
        Duration::new(seconds, u32::try_from(nanos % SECOND).unwrap_or_default())
    }

    /// When the bucket will be full after some were taken, and how far that is below empty.
    fn after(self, full: Instant, tokens: u64, now: Instant) -> (Instant, Duration) {
        let base = full.max(now);
        let full = base.checked_add(self.time(tokens)).unwrap_or(base);
        let missing = full.saturating_duration_since(now);
        (full, missing.saturating_sub(self.time(self.burst.into())))
    }
}

/// A bucket of tokens, full at first.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    rate: Rate,
    full: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, full: now }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let (full, wait) = self.rate.after(self.full, 1, now);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        self.full = full;
        Ok(())
    }

    /// Takes tokens, also those that are not there yet, and says how long to wait before more are
    /// taken.
    pub fn charge(&mut self, tokens: u64, now: Instant) -> Duration {
        let (full, wait) = self.rate.after(self.full, tokens, now);
        self.full = full;
        wait
    }
}

/// A bucket for each source. Full buckets are not kept; of others, so many.
#[derive(Debug)]
pub struct Buckets {
    full: Deadlines<Source, ()>,
}

impl Buckets {
    /// Full buckets, of which so many can be kept that are not.
    pub fn new(most: usize) -> Self {
        Self { full: Deadlines::new(most) }
    }

    /// Takes one token of a source.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub fn take(&mut self, source: Source, rate: Rate, now: Instant) -> Result<(), Duration> {
        let full = self.full.get(source, now).map_or(now, |entry| entry.end);
        let mut bucket = Bucket { rate, full };
        bucket.take(now)?;
        self.full.set(source, Entry { end: bucket.full, value: () }, now);
        Ok(())
    }

    /// Keeps so many from now on.
    pub fn resize(&mut self, most: usize) {
        self.full.resize(most);
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.full.len()
    }

    /// Whether all are full.
    pub fn is_empty(&self) -> bool {
        self.full.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { count: 2, per: Duration::from_secs(1), burst: 3 };

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn so_many_come_at_once_and_so_many_in_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(RATE, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(start), Ok(()));
        }
        assert_eq!(bucket.take(start), Err(millis(500)));
        assert_eq!(bucket.take(start + millis(499)), Err(millis(1)));
        assert_eq!(bucket.take(start + millis(500)), Ok(()));
        assert_eq!(bucket.take(start + millis(500)), Err(millis(500)));
        assert_eq!(bucket.take(start + millis(60_000)), Ok(()));
    }

    #[test]
    fn what_is_charged_beyond_the_bucket_has_to_be_waited_for() {
        let rate = Rate { count: 1_000_000, per: Duration::from_secs(1), burst: 1_000_000 };
        let start = Instant::now();
        let mut bucket = Bucket::new(rate, start);
        assert_eq!(bucket.charge(1_000_000, start), Duration::ZERO);
        assert_eq!(bucket.charge(500_000, start), millis(500));
        assert_eq!(bucket.charge(0, start + millis(400)), millis(100));
        assert!(bucket.charge(u64::MAX, start) > Duration::from_secs(1));
        assert!(bucket.charge(u64::MAX, start) > Duration::from_secs(1));
    }

    #[test]
    fn a_rate_is_exact_where_a_token_is_no_whole_number_of_nanoseconds() {
        let rate = Rate { count: 3_000_000_000, per: Duration::from_secs(1), burst: 1 };
        assert_eq!(rate.time(3_000_000_000), Duration::from_secs(1));
        assert_eq!(rate.time(u64::MAX), Duration::new(6_148_914_691, 236_517_205));
    }

    #[test]
    fn full_buckets_are_not_kept() {
        let start = Instant::now();
        let mut buckets = Buckets::new(10);
        for last in 0..5 {
            let source = IpAddr::from([10, 0, 0, last]).into();
            assert_eq!(buckets.take(source, RATE, start), Ok(()));
        }
        assert_eq!(buckets.len(), 5);
        let other = IpAddr::from([10, 0, 1, 0]).into();
        assert_eq!(buckets.take(other, RATE, start + millis(500)), Ok(()));
        assert_eq!(buckets.len(), 1);
    }

    proptest! {
        #[test]
        fn in_any_time_no_more_come_than_the_rate_and_the_burst(
            count in 1_u32..20,
            burst in 1_u32..20,
            steps in prop::collection::vec(0_u64..300, 1..200),
        ) {
            let rate = Rate { count, per: Duration::from_secs(1), burst };
            let start = Instant::now();
            let (mut bucket, mut passed, mut taken) = (Bucket::new(rate, start), 0_u64, 0_u64);
            for pass in steps {
                passed += pass;
                match bucket.take(start + millis(passed)) {
                    Ok(()) => taken += 1,
                    Err(wait) => prop_assert!(wait <= rate.time(1)),
                }
            }
            prop_assert!(taken <= u64::from(burst) + u64::from(count) * passed / 1000 + 1);
        }
    }
}
