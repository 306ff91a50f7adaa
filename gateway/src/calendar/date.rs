//! Days of the Gregorian calendar.

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// This day, if there is one: months and days count from 1.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let wanted = Self { year: year.into(), month: month.into(), day: day.into() };
        (Self::from_days(wanted.days()) == wanted).then_some(wanted)
    }

    /// The day that comes so many days after the first of January 1970.
    pub fn from_days(days: i64) -> Self {
        // Eras of 400 years are all alike; years begin in March, so that a leap day ends one.
        // <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
        let days = days.saturating_add(719_468);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
    }

    /// How many days after the first of January 1970 it comes.
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        // The first of January 1970 was a Thursday.
        match (self.days() + 3).rem_euclid(7) {
            0 => Weekday::Monday,
            1 => Weekday::Tuesday,
            2 => Weekday::Wednesday,
            3 => Weekday::Thursday,
            4 => Weekday::Friday,
            5 => Weekday::Saturday,
            _ => Weekday::Sunday,
        }
    }

    /// Year, month and day.
    pub fn parts(self) -> (i64, i64, i64) {
        (self.year, self.month, self.day)
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// The first by [ISO 8601](https://www.iso.org/iso-8601-date-and-time-format.html).
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The last.
    Sunday,
}

impl Weekday {
    /// All of them, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The first three letters of its English name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monday => "mon",
            Self::Tuesday => "tue",
            Self::Wednesday => "wed",
            Self::Thursday => "thu",
            Self::Friday => "fri",
            Self::Saturday => "sat",
            Self::Sunday => "sun",
        }
    }

    /// The day before.
    pub fn before(self) -> Self {
        match self {
            Self::Monday => Self::Sunday,
            Self::Tuesday => Self::Monday,
            Self::Wednesday => Self::Tuesday,
            Self::Thursday => Self::Wednesday,
            Self::Friday => Self::Thursday,
            Self::Saturday => Self::Friday,
            Self::Sunday => Self::Saturday,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, parts, weekday) in [
            (0, (1970, 1, 1), Weekday::Thursday),
            (-1, (1969, 12, 31), Weekday::Wednesday),
            (11_016, (2000, 2, 29), Weekday::Tuesday),
            (11_017, (2000, 3, 1), Weekday::Wednesday),
            (20_779, (2026, 11, 22), Weekday::Sunday),
            (47_541, (2100, 3, 1), Weekday::Monday),
        ] {
            let date = Date::from_days(days);
            assert_eq!((date.parts(), date.weekday()), (parts, weekday), "{days}");
        }
    }

    #[test]
    fn days_that_are_none_are_told() {
        for (year, month, day) in
            [(2026, 2, 29), (2100, 2, 29), (2026, 4, 31), (2026, 0, 1), (2026, 13, 1), (2026, 1, 0)]
        {
            assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(Date::new(2028, 2, 29).is_some());
    }

    proptest! {
        #[test]
        fn a_day_is_where_it_was_counted_to(days in -1_000_000_i64..10_000_000) {
            prop_assert_eq!(Date::from_days(days).days(), days);
        }

        #[test]
        fn the_day_before_comes_before(days in -1_000_000_i64..10_000_000) {
            let weekday = Date::from_days(days).weekday();
            prop_assert_eq!(Date::from_days(days - 1).weekday(), weekday.before());
        }
    }
}
