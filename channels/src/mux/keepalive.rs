//! Whether the peer is alive.

use std::time::{Duration, Instant};

use crate::mux::limits::Keepalive;

/// Watches for how long the peer has been silent.
///
/// Questions are `keepalive@openssh.com` global requests; a refusal answers as well as
/// anything, and so does every other message.
#[derive(Debug)]
pub(super) struct Watch {
    config: Keepalive,
    /// When the peer was heard, or the last question was asked.
    since: Instant,
    /// Questions since the peer was heard.
    asked: u32,
}

/// The peer has been silent for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no sign of life from the peer for {} seconds", .silence.as_secs_f32())]
pub struct Unresponsive {
    /// For how long.
    pub silence: Duration,
}

/// What a deadline asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Question,
}

impl Watch {
    pub(super) fn new(now: Instant, config: Keepalive) -> Self {
        Self { config, since: now, asked: 0 }
    }

    /// A message came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.since = now;
        self.asked = 0;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.checked_add(self.config.interval)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<Due, Unresponsive> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Ok(Due::Nothing);
        }
        if self.asked >= self.config.count {
            let intervals = self.config.count.saturating_add(1);
            return Err(Unresponsive { silence: self.config.interval.saturating_mul(intervals) });
        }
        self.since = now;
        self.asked = self.asked.saturating_add(1);
        Ok(Due::Question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn watch() -> (Instant, Watch) {
        let now = Instant::now();
        (now, Watch::new(now, Keepalive { interval: 15 * SECOND, count: 3 }))
    }

    #[test]
    fn a_silent_peer_is_asked_as_often_as_said_and_then_dead() {
        let (start, mut watch) = watch();
        for round in 1..=3 {
            assert_eq!(watch.deadline(), Some(start + round * 15 * SECOND));
            assert_eq!(watch.handle_timeout(start + round * 15 * SECOND), Ok(Due::Question));
        }
        let end = watch.handle_timeout(start + 60 * SECOND);
        assert_eq!(end, Err(Unresponsive { silence: 60 * SECOND }));
    }

    #[test]
    fn every_message_proves_life() {
        let (start, mut watch) = watch();
        for round in 1..=20 {
            let now = start + round * 15 * SECOND;
            assert_eq!(watch.handle_timeout(now), Ok(Due::Question));
            watch.heard(now);
        }
    }

    #[test]
    fn an_early_call_asks_nothing() {
        let (start, mut watch) = watch();
        assert_eq!(watch.handle_timeout(start + 14 * SECOND), Ok(Due::Nothing));
        watch.heard(start + 14 * SECOND);
        assert_eq!(watch.handle_timeout(start + 20 * SECOND), Ok(Due::Nothing));
        assert_eq!(watch.deadline(), Some(start + 29 * SECOND));
    }

    #[test]
    fn the_silence_is_told_in_seconds() {
        let silence = Duration::from_millis(1500);
        let words = Unresponsive { silence }.to_string();
        assert_eq!(words, "no sign of life from the peer for 1.5 seconds");
    }
}
