//! Times as in `sshd_config(5)`, "TIME FORMATS".

use std::time::Duration;

/// Reads a time: numbers with the units `s`, `m`, `h`, `d` and `w`, added up; seconds where
/// there is no unit.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let mut units = behind.chars();
        let unit = match units.next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return None,
        };
        seconds = number.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(seconds)?;
        rest = units.as_str();
    }
    // Whoever means never says so in another way; longer would overflow clocks.
    (!text.is_empty() && seconds <= 604_800 * 1000).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        let cases = [("600", 600), ("10m", 600), ("1h30m", 5400), ("1H", 3600), ("2w", 1_209_600)];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "h", "1x", "-1", "1.5h", "99999999999999999999", "9999999w"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
