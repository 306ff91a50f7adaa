//! Lengths of time.

use std::str::FromStr;
use std::time::Duration;

/// A length of time, written `500ms`, `30s`, `5m`, `2h` or several of these, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length(pub Duration);

impl FromStr for Length {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut rest = text;
        let mut total = Duration::ZERO;
        while !rest.is_empty() || text.is_empty() {
            let (number, after) = split(rest, |c| c.is_ascii_digit());
            let (unit, after) = split(after, |c| c.is_ascii_alphabetic());
            let number: u64 = number.parse().map_err(|_| Invalid)?;
            let part = match unit {
                "ms" => Some(Duration::from_millis(number)),
                "s" => Some(Duration::from_secs(number)),
                "m" => number.checked_mul(60).map(Duration::from_secs),
                "h" => number.checked_mul(3600).map(Duration::from_secs),
                _ => None,
            };
            total = part.and_then(|part| total.checked_add(part)).ok_or(Invalid)?;
            rest = after;
        }
        // More than a year is a slip.
        if total <= Duration::from_secs(366 * 86_400) { Ok(Self(total)) } else { Err(Invalid) }
    }
}

/// The characters at the front that are such, and what follows them.
fn split(text: &str, such: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !such(c)).unwrap_or(text.len()))
}

/// Text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a length of time is written `500ms`, `30s`, `5m` or `2h`, up to a year")]
pub struct Invalid;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_have_units() {
        for (text, millis) in
            [("0s", 0), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000)]
        {
            assert_eq!(text.parse(), Ok(Length(Duration::from_millis(millis))), "{text}");
        }
        for text in ["", "30", "s", "1d", "1.5h", "-1s", "1 s", "99999999999999999999s", "9000h"] {
            assert_eq!(text.parse::<Length>(), Err(Invalid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[0-9smh]{0,24}", other in ".{0,8}") {
            let _ = text.parse::<Length>();
            let _ = other.parse::<Length>();
        }
    }
}
