//! Hours of the week.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use crate::calendar::civil::Civil;
use crate::calendar::date::Weekday;
use crate::calendar::zone::{self, Zone};

/// Minutes in a day.
const DAY: i64 = 24 * 60;

/// Hours of the week in which a rule holds.
///
/// ```text
/// mon-fri 08:00-18:00 +01:00     days, hours and zone, each of which may be left out
/// sat,sun                        whole days, in UTC
/// fri-mon 22:00-06:00            four nights, that of Monday ending on Tuesday morning
/// ```
///
/// From the first minute on and until the second. Hours that end before they begin end on the next
/// day; the days are those on which they begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    days: Vec<Weekday>,
    from: i64,
    to: i64,
    zone: Zone,
}

impl Window {
    /// Whether the time lies in it.
    pub fn contains(&self, time: SystemTime) -> bool {
        let civil = Civil::of(time, self.zone);
        let (today, minute) = (civil.date.weekday(), civil.second / 60);
        if self.from < self.to {
            return self.days.contains(&today) && (self.from..self.to).contains(&minute);
        }
        (self.days.contains(&today) && minute >= self.from)
            || (self.days.contains(&today.before()) && minute < self.to)
    }
}

impl FromStr for Window {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut words = text.split_ascii_whitespace().peekable();
        if words.peek().is_none() {
            return Err(Invalid::Empty);
        }
        let is_days = |word: &&str| word.starts_with(|first: char| first.is_ascii_alphabetic());
        let days = match words.next_if(|word| is_days(word) && word.parse::<Zone>().is_err()) {
            Some(word) => days(word)?,
            None => Weekday::ALL.to_vec(),
        };
        let is_hours = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
        let (from, to) = match words.next_if(is_hours) {
            Some(word) => hours(word)?,
            None => (0, DAY),
        };
        let zone = words.next().map_or(Ok(Zone::UTC), str::parse)?;
        match words.next() {
            None => Ok(Self { days, from, to, zone }),
            Some(word) => Err(Invalid::Superfluous(word.to_owned())),
        }
    }
}

fn days(text: &str) -> Result<Vec<Weekday>, Invalid> {
    let mut days = Vec::new();
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let (mut day, first) = (weekday(last)?, weekday(first)?);
        days.push(day);
        while day != first {
            day = day.before();
            days.push(day);
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn weekday(name: &str) -> Result<Weekday, Invalid> {
    let found = Weekday::ALL.into_iter().find(|day| day.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| Invalid::Day(name.to_owned()))
}

fn hours(text: &str) -> Result<(i64, i64), Invalid> {
    let invalid = || Invalid::Hours(text.to_owned());
    let (from, to) = text.split_once('-').ok_or_else(invalid)?;
    let from = minute(from).ok_or_else(invalid)?;
    let to = minute(to).ok_or_else(invalid)?;
    if from == to || from == DAY || to == 0 { Err(invalid()) } else { Ok((from, to)) }
}

/// The minute of the day at which a clock shows this; `24:00` ends it.
fn minute(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| digits)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days.len() < Weekday::ALL.len() {
            let names: Vec<_> = self.days.iter().map(|day| day.name()).collect();
            write!(f, "{} ", names.join(","))?;
        }
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02} {}", from / 60, from % 60, to / 60, to % 60, self.zone)
    }
}

/// Why text is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// There is nothing.
    #[error("write days, hours or both, for instance `mon-fri 08:00-18:00 +01:00`")]
    Empty,
    /// This is no day of the week.
    #[error("{0:?} is no day: write mon, tue, wed, thu, fri, sat or sun")]
    Day(String),
    /// This is no pair of times of day.
    #[error("{0:?} are no hours: write for instance 08:00-18:00")]
    Hours(String),
    /// This is no time zone.
    #[error(transparent)]
    Zone(#[from] zone::Invalid),
    /// This stands behind the end.
    #[error("{0:?} is too much: write days, hours and a zone, in this order")]
    Superfluous(String),
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::calendar::date::Date;

    /// A time in UTC in the week that begins on Monday, the second of November 2026.
    fn at(day: Weekday, clock: &str) -> SystemTime {
        let monday = Date::new(2026, 11, 2).unwrap().days();
        let index = Weekday::ALL.iter().position(|it| *it == day).unwrap();
        let minutes = (monday + i64::try_from(index).unwrap()) * DAY + minute(clock).unwrap();
        UNIX_EPOCH + Duration::from_secs(u64::try_from(minutes).unwrap() * 60)
    }

    fn window(text: &str) -> Window {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_begins_with_its_first_minute_and_ends_before_its_last() {
        let work = window("mon-fri 08:00-18:00");
        assert!(work.contains(at(Weekday::Monday, "08:00")));
        assert!(work.contains(at(Weekday::Friday, "17:59") + Duration::from_secs(59)));
        assert!(!work.contains(at(Weekday::Monday, "07:59")));
        assert!(!work.contains(at(Weekday::Monday, "18:00")));
        assert!(!work.contains(at(Weekday::Saturday, "12:00")));
    }

    #[test]
    fn nights_end_on_the_next_day() {
        let nights = window("fri-mon 22:00-06:00");
        for (day, clock, expected) in [
            (Weekday::Friday, "21:59", false),
            (Weekday::Friday, "22:00", true),
            (Weekday::Friday, "05:00", false),
            (Weekday::Saturday, "05:59", true),
            (Weekday::Tuesday, "05:59", true),
            (Weekday::Tuesday, "22:00", false),
        ] {
            assert_eq!(nights.contains(at(day, clock)), expected, "{day:?} {clock}");
        }
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let work = window("mon 00:00-01:00 +02:00");
        assert!(work.contains(at(Weekday::Monday, "00:00") - Duration::from_secs(7200)));
        assert!(!work.contains(at(Weekday::Monday, "00:00")));
    }

    #[test]
    fn each_part_may_be_left_out() {
        assert_eq!(window("sat,sun").to_string(), "sat,sun 00:00-24:00 UTC");
        assert_eq!(window("08:00-24:00").to_string(), "08:00-24:00 UTC");
        assert_eq!(window("+01:00").to_string(), "00:00-24:00 +01:00");
        assert_eq!(window("UTC").to_string(), "00:00-24:00 UTC");
        assert_eq!(window("Sun-Tue,THU UTC").to_string(), "mon,tue,thu,sun 00:00-24:00 UTC");
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "",
            "never",
            "mon-",
            "mon,,tue",
            "08:00",
            "8:00-18:00",
            "08:00-08:00",
            "08:00-24:01",
            "24:00-08:00",
            "08:00-00:00",
            "08:60-09:00",
            "mon 08:00-18:00 CET",
            "mon 08:00-18:00 UTC more",
            "08:00-18:00 mon",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_window_is_read_as_it_is_shown(
            days in "(mon|tue-fri|sat,sun|wed)", from in 0_i64..DAY, to in 1..=DAY,
        ) {
            prop_assume!(from != to);
            let shown = window(&days);
            let window = Window { from, to, ..shown };
            prop_assert_eq!(window.to_string().parse(), Ok(window));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "[a-z0-9:,+ -]{0,30}") {
            let _ = text.parse::<Window>();
        }
    }
}
