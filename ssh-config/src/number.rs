//! Numbers as `ssh_config(5)` has them: plain ones, sizes with a letter, times, masks.

/// The largest number where ssh has an int.
const MAX: u32 = i32::MAX.unsigned_abs();

/// A plain number.
pub(crate) fn plain(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number <= MAX)
}

/// A time in seconds: numbers with s, m, h, d or w behind them, one after the other; seconds where
/// nothing stands behind.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let mut total = 0_u32;
    let mut rest = text;
    loop {
        let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, unit) = rest.split_at(end);
        let mut unit = unit.chars();
        let factor = match unit.next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => 60,
            Some('h' | 'H') => 60 * 60,
            Some('d' | 'D') => 24 * 60 * 60,
            Some('w' | 'W') => 7 * 24 * 60 * 60,
            Some(_) => return None,
        };
        total = digits.parse::<u32>().ok()?.checked_mul(factor)?.checked_add(total)?;
        rest = unit.as_str();
        if rest.is_empty() {
            return (total <= MAX).then_some(total);
        }
    }
}

/// A size in bytes: a number, which may have a fraction, with B, K, M, G, T, P or E behind it.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let number = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let shift = match text.get(number.len()..)?.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        "P" => 50,
        "E" => 60,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 18 || fraction.contains(|it: char| !it.is_ascii_digit()) {
        return None;
    }
    let unit = 1_u64 << shift;
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<u128>().unwrap_or(0).checked_mul(u128::from(unit))? / scale;
    let total = whole.checked_add(u64::try_from(part).ok()?)?;
    i64::try_from(total).is_ok().then_some(total)
}

/// The mask of a mode, in octal.
pub(crate) fn mask(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mask| *mask <= 0o777)
}

/// A port.
pub(crate) fn port(text: &str) -> Option<u16> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up() {
        assert_eq!(seconds("90"), Some(90));
        assert_eq!(seconds("1h30M"), Some(5400));
        assert_eq!(seconds("1w2d3h4m5s"), Some(788_645));
        assert_eq!(seconds("10s5"), Some(15));
        for text in ["", "m", "-1", "1x", "1.5h", "1h m", "99999999w", "2147483648"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_have_letters_and_fractions() {
        assert_eq!(bytes("16"), Some(16));
        assert_eq!(bytes("1k"), Some(1024));
        assert_eq!(bytes("1.5G"), Some(3 << 29));
        assert_eq!(bytes("2T"), Some(1 << 41));
        for text in ["", "K", "1KB", "-1", "1..2", "9E", "99999999999999999999", "1.x"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn masks_are_octal() {
        assert_eq!(mask("0177"), Some(0o177));
        assert_eq!(mask("1000"), None);
        assert_eq!(mask("9"), None);
    }
}
