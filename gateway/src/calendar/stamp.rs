//! Times in log files.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::calendar::civil::Civil;
use crate::calendar::zone::Zone;

/// A time as logs show it: in UTC with milliseconds,
/// [RFC 3339 section 5.6](https://www.rfc-editor.org/rfc/rfc3339#section-5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub SystemTime);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = Civil::of(self.0, Zone::UTC);
        let (year, month, day) = civil.date.parts();
        let (minutes, second) = (civil.second / 60, civil.second % 60);
        let milli = self.0.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_millis());
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{second:02}.{milli:03}Z",
            minutes / 60,
            minutes % 60,
        )
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_stamp_is_in_utc_with_milliseconds() {
        let stamp = Stamp(UNIX_EPOCH + Duration::from_millis(1_795_358_045_042));
        assert_eq!(stamp.to_string(), "2026-11-22T14:34:05.042Z");
        assert_eq!(Stamp(UNIX_EPOCH).to_string(), "1970-01-01T00:00:00.000Z");
    }
}
