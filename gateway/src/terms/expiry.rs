//! The value of `expiry-time`.

use std::time::SystemTime;

use crate::calendar::civil::Civil;
use crate::calendar::date::Date;
use crate::calendar::zone::Zone;

/// Parses `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with a `Z` behind it in UTC, else in
/// `zone`; `None` where it is something else.
pub fn parse(text: &str, zone: Zone) -> Option<SystemTime> {
    let (digits, zone) = match text.strip_suffix('Z') {
        Some(digits) => (digits, Zone::UTC),
        None => (text, zone),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number = |at: usize, len: usize| digits.get(at..at + len)?.parse::<u8>().ok();
    let date = Date::new(digits.get(..4)?.parse().ok()?, number(4, 2)?, number(6, 2)?)?;
    let (hour, minute, second) = match digits.len() {
        8 => (0, 0, 0),
        12 => (number(8, 2)?, number(10, 2)?, 0),
        14 => (number(8, 2)?, number(10, 2)?, number(12, 2)?),
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let second = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Civil { date, second }.time(zone)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_those_that_are_written() {
        for (text, zone, seconds) in [
            ("20260101", "UTC", 1_767_225_600),
            ("20260101Z", "+05:00", 1_767_225_600),
            ("20260101", "+01:00", 1_767_222_000),
            ("202601010130", "UTC", 1_767_231_000),
            ("20260101013005Z", "UTC", 1_767_231_005),
        ] {
            let time = parse(text, zone.parse().unwrap()).unwrap();
            assert_eq!(time.duration_since(UNIX_EPOCH).unwrap().as_secs(), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Z",
            "2026",
            "2026010",
            "20260230",
            "202601012",
            "2026010124",
            "202601012400",
            "202601010060",
            "20260101000060",
            "+2026101",
            "20260101 ",
            "19691231",
            "99999999999999",
        ] {
            assert_eq!(parse(text, Zone::UTC), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[0-9Z+]{0,16}", other in ".{0,16}") {
            let _ = parse(&text, Zone::UTC);
            let _ = parse(&other, Zone::UTC);
        }
    }
}
