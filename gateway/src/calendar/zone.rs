//! Offsets from UTC.

use std::fmt;
use std::str::FromStr;

/// The farthest offset that there is, in minutes.
const FARTHEST: i32 = 14 * 60;

/// An offset from UTC, written `UTC`, `Z`, `+01:00` or `-0530`. It knows no daylight saving time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Zone {
    minutes: i32,
}

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self { minutes: 0 };

    /// By how many seconds its clocks are before those of UTC.
    pub fn seconds(self) -> i64 {
        i64::from(self.minutes) * 60
    }
}

impl FromStr for Zone {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if matches!(text, "UTC" | "utc" | "Z" | "z") {
            return Ok(Self::UTC);
        }
        let (sign, digits) = match text.split_at_checked(1) {
            Some(("+", digits)) => (1, digits.replacen(':', "", 1)),
            Some(("-", digits)) => (-1, digits.replacen(':', "", 1)),
            _ => return Err(Invalid),
        };
        if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(Invalid);
        }
        let number: i32 = digits.parse().map_err(|_| Invalid)?;
        let (hours, minutes) = (number / 100, number % 100);
        let offset = hours * 60 + minutes;
        if minutes > 59 || offset > FARTHEST {
            return Err(Invalid);
        }
        Ok(Self { minutes: sign * offset })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.minutes {
            0 => return f.write_str("UTC"),
            1.. => '+',
            _ => '-',
        };
        let minutes = self.minutes.abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Text is no offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time zone is UTC or an offset from it, for instance +01:00")]
pub struct Invalid;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("UTC", 0, "UTC"),
            ("Z", 0, "UTC"),
            ("+00:00", 0, "UTC"),
            ("+01:00", 3600, "+01:00"),
            ("-0530", -19_800, "-05:30"),
            ("+14:00", 50_400, "+14:00"),
        ] {
            let zone: Zone = text.parse().unwrap();
            assert_eq!((zone.seconds(), zone.to_string().as_str()), (seconds, shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for text in ["", "CET", "+1", "+1:00", "+01:60", "+14:01", "01:00", "+01:00:00", "+é00"] {
            assert_eq!(text.parse::<Zone>(), Err(Invalid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,8}") {
            let _ = text.parse::<Zone>();
        }
    }
}
