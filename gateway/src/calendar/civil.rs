//! What a clock on a wall shows, and a calendar beside it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::calendar::date::Date;
use crate::calendar::zone::Zone;

/// Seconds in a day; there are no leap seconds in the system's time.
const DAY: i64 = 86_400;

/// A second in some zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// The day.
    pub date: Date,
    /// The seconds since its beginning, fewer than 86,400.
    pub second: i64,
}

impl Civil {
    /// What the time is called in a zone. Fractions of a second are left out.
    pub fn of(time: SystemTime, zone: Zone) -> Self {
        let seconds = unix_seconds(time).saturating_add(zone.seconds());
        Self { date: Date::from_days(seconds.div_euclid(DAY)), second: seconds.rem_euclid(DAY) }
    }

    /// The time that is called so in a zone; `None` before 1970.
    pub fn time(self, zone: Zone) -> Option<SystemTime> {
        let seconds = self.date.days() * DAY + self.second - zone.seconds();
        UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
    }
}

/// The whole seconds since 1970 in UTC.
fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(error) => {
            let before = error.duration();
            let started = u64::from(before.subsec_nanos() > 0);
            let seconds = before.as_secs().saturating_add(started);
            i64::try_from(seconds).map_or(i64::MIN, i64::saturating_neg)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_called_differently_in_other_zones() {
        let time = UNIX_EPOCH + Duration::from_secs(1_767_225_600 + 1800);
        let parts = |zone: &str| {
            let civil = Civil::of(time, zone.parse().unwrap());
            (civil.date.parts(), civil.second)
        };
        assert_eq!(parts("UTC"), ((2026, 1, 1), 1800));
        assert_eq!(parts("+01:00"), ((2026, 1, 1), 5400));
        assert_eq!(parts("-01:00"), ((2025, 12, 31), 84_600));
        let zone = "-01:00".parse().unwrap();
        assert_eq!(Civil::of(time, zone).time(zone), Some(time));
    }

    #[test]
    fn times_before_1970_are_times_too() {
        let time = UNIX_EPOCH - Duration::from_millis(500);
        let civil = Civil::of(time, Zone::UTC);
        assert_eq!((civil.date.parts(), civil.second), ((1969, 12, 31), 86_399));
        assert_eq!(civil.time(Zone::UTC), None);
    }
}
