//! Sizes of memory.

use std::str::FromStr;

/// A number of bytes, written with `K`, `M` or `G` behind it, which are powers of 1024: `512M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.trim_end_matches(['K', 'M', 'G']);
        let unit: u64 = match text.strip_prefix(digits) {
            Some("") => 1,
            Some("K") => 1 << 10,
            Some("M") => 1 << 20,
            Some("G") => 1 << 30,
            _ => return Err(Invalid),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Invalid);
        }
        let number: u64 = digits.parse().map_err(|_| Invalid)?;
        number.checked_mul(unit).map(Self).ok_or(Invalid)
    }
}

/// Text is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a size is a number with K, M or G behind it, such as `512M`")]
pub struct Invalid;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_have_units() {
        let cases = [("0", 0), ("1024", 1024), ("4K", 4096), ("512M", 512 << 20), ("2G", 2 << 30)];
        for (text, bytes) in cases {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "M", "1k", "1MM", "1GiB", "-1", "+1", " 1", "1.5G", "99999999999999G"] {
            assert_eq!(text.parse::<Size>(), Err(Invalid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[0-9KMG]{0,24}", other in ".{0,8}") {
            let _ = text.parse::<Size>();
            let _ = other.parse::<Size>();
        }
    }
}
