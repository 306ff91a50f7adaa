//! Numbers of certificates.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A set of numbers of certificates, kept as ranges that neither meet nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serials {
    /// The last number of each range, by its first.
    ranges: BTreeMap<u64, u64>,
}

impl Serials {
    /// Adds all numbers from the first to the last, both included; none where the last is before
    /// the first.
    pub fn add(&mut self, range: RangeInclusive<u64>) {
        let (mut first, mut last) = range.into_inner();
        if first > last {
            return;
        }
        // The ranges that this one meets become one with it. They end at or after the number before
        // it, and begin at or before the number after it.
        while let Some((&begin, &end)) = self.ranges.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            self.ranges.remove(&begin);
            first = first.min(begin);
            last = last.max(end);
        }
        self.ranges.insert(first, last);
    }

    /// Whether a number is among them.
    pub fn contains(&self, serial: u64) -> bool {
        self.ranges.range(..=serial).next_back().is_some_and(|(_, last)| serial <= *last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_greatest_numbers_have_their_place() {
        let mut serials = Serials::default();
        serials.add(u64::MAX..=u64::MAX);
        serials.add(u64::MAX - 2..=u64::MAX - 1);
        assert_eq!(serials.ranges.len(), 1);
        assert!(serials.contains(u64::MAX) && !serials.contains(u64::MAX - 3));
    }

    proptest! {
        #[test]
        fn they_are_the_numbers_that_were_added(ranges in vec((0..60_u64, 0..60_u64), 0..20)) {
            let (mut serials, mut expected) = (Serials::default(), BTreeSet::new());
            for (first, last) in ranges {
                serials.add(first..=last);
                expected.extend(first..=last);
            }
            for number in 0..60 {
                prop_assert_eq!(serials.contains(number), expected.contains(&number));
            }
            let apart = serials.ranges.iter().zip(serials.ranges.iter().skip(1));
            for ((_, end), (begin, _)) in apart {
                prop_assert!(end + 1 < *begin);
            }
        }
    }
}
