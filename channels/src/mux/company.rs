//! Whether somebody waits beside bulk.

use std::time::{Duration, Instant};

/// Whether there are channels with few and small messages, as those of a program that asks and
/// waits for the answer: what lies on the way in the windows of others comes before them.
#[derive(Debug, Default)]
pub(super) struct Company(Option<Instant>);

/// Who has said nothing for so long does not wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// Messages longer than this are not small.
const LITTLE: usize = 4 * 1024;

/// Channels with fewer bytes in a microsecond than this are slow.
const SLOW: u128 = 8;

/// So long a channel is watched before it is known as slow.
const WATCH: Duration = Duration::from_millis(2);

impl Company {
    /// A message of `len` bytes came, on a channel that got `bytes` since a moment.
    pub(super) fn handle_data(&mut self, now: Instant, len: usize, bytes: u32, since: Instant) {
        let watched = now.saturating_duration_since(since);
        let slow = u128::from(bytes) <= watched.as_micros().saturating_mul(SLOW);
        if len <= LITTLE && slow && watched >= WATCH {
            self.0 = Some(now);
        }
    }

    /// Whether there are some now.
    pub(super) fn is_there(&self, now: Instant) -> bool {
        self.0.is_some_and(|last| now.saturating_duration_since(last) < PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_messages_of_a_slow_channel_are_company_for_a_while() {
        let since = Instant::now();
        let now = since + WATCH;
        for (len, bytes, since, there) in [
            (LITTLE, 16_000, since, true),
            (LITTLE + 1, 16_000, since, false),
            (LITTLE, 16_001, since, false),
            (1, 1, now, false),
        ] {
            let mut company = Company::default();
            assert!(!company.is_there(now));
            company.handle_data(now, len, bytes, since);
            assert_eq!(company.is_there(now), there, "{len} {bytes}");
            assert!(!company.is_there(now + PATIENCE));
        }
    }
}
