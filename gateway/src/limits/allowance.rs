//! What one connection may have.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::limits::rate::Bucket;

/// What one connection has of what it may have.
#[derive(Debug)]
pub struct Allowance {
    limits: Arc<Limits>,
    channels: usize,
    listeners: usize,
    sessions: usize,
    opens: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Allowance {
    /// That of a connection that has nothing yet.
    pub fn new(limits: Arc<Limits>, now: Instant) -> Self {
        let bucket = |rate| Bucket::new(rate, now);
        Self {
            channels: 0,
            listeners: 0,
            sessions: 0,
            opens: limits.opens.map(bucket),
            bytes: limits.bytes.map(bucket),
            limits,
        }
    }

    /// Goes by other limits from now on. A rate that has changed begins anew.
    pub fn set_limits(&mut self, limits: Arc<Limits>, now: Instant) {
        let bucket = |rate| Bucket::new(rate, now);
        if limits.opens != self.limits.opens {
            self.opens = limits.opens.map(bucket);
        }
        if limits.bytes != self.limits.bytes {
            self.bytes = limits.bytes.map(bucket);
        }
        self.limits = limits;
    }

    /// Whether the bytes that it carries have a rate.
    pub fn is_paced(&self) -> bool {
        self.bytes.is_some()
    }

    /// Counts a channel that is opened, by either side.
    ///
    /// # Errors
    /// [`Exceeded`]: it must not be opened.
    pub fn open_channel(&mut self, now: Instant) -> Result<(), Exceeded> {
        if self.channels >= self.limits.channels {
            return Err(Exceeded::Channels);
        }
        if let Some(opens) = &mut self.opens {
            opens.take(now).map_err(Exceeded::Opens)?;
        }
        self.channels += 1;
        Ok(())
    }

    /// A channel was closed.
    pub fn close_channel(&mut self) {
        self.channels = self.channels.saturating_sub(1);
    }

    /// Counts a listener.
    ///
    /// # Errors
    /// [`Exceeded::Listeners`]: it must not be listened.
    pub fn open_listener(&mut self) -> Result<(), Exceeded> {
        if self.listeners >= self.limits.listeners {
            return Err(Exceeded::Listeners);
        }
        self.listeners += 1;
        Ok(())
    }

    /// A listener was closed.
    pub fn close_listener(&mut self) {
        self.listeners = self.listeners.saturating_sub(1);
    }

    /// Counts a session, whose channel is counted by itself.
    ///
    /// # Errors
    /// [`Exceeded::Sessions`]: there must not be another one.
    pub fn open_session(&mut self) -> Result<(), Exceeded> {
        if self.sessions >= self.limits.sessions {
            return Err(Exceeded::Sessions);
        }
        self.sessions += 1;
        Ok(())
    }

    /// A session has ended.
    pub fn close_session(&mut self) {
        self.sessions = self.sessions.saturating_sub(1);
    }

    /// Counts bytes that were carried, in either direction, and says how long to wait before more
    /// are.
    pub fn carry(&mut self, bytes: u64, now: Instant) -> Duration {
        self.bytes.as_mut().map_or(Duration::ZERO, |bucket| bucket.charge(bytes, now))
    }
}

/// Why a connection may not have more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// It has too many channels.
    #[error("the connection has too many channels")]
    Channels,
    /// It opens channels too often, and has to wait so long.
    #[error("the connection opens channels too often")]
    Opens(Duration),
    /// It has too many listeners.
    #[error("the connection has too many listeners")]
    Listeners,
    /// It has too many sessions.
    #[error("the connection has too many sessions")]
    Sessions,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::rate::Rate;

    #[test]
    fn channels_and_listeners_count_until_they_are_closed() {
        let limits = Arc::new(Limits { channels: 1, listeners: 1, ..Limits::default() });
        let now = Instant::now();
        let mut allowance = Allowance::new(limits, now);
        assert_eq!(allowance.open_channel(now), Ok(()));
        assert_eq!(allowance.open_channel(now), Err(Exceeded::Channels));
        allowance.close_channel();
        assert_eq!(allowance.open_channel(now), Ok(()));
        assert_eq!(allowance.open_listener(), Ok(()));
        assert_eq!(allowance.open_listener(), Err(Exceeded::Listeners));
        allowance.close_listener();
        assert_eq!(allowance.open_listener(), Ok(()));
    }

    #[test]
    fn channels_and_bytes_have_rates() {
        let rate = |burst| Some(Rate { count: 1, per: Duration::from_secs(1), burst });
        let limits = Limits { opens: rate(1), bytes: rate(100), ..Limits::default() };
        let now = Instant::now();
        let mut allowance = Allowance::new(Arc::new(limits), now);
        assert_eq!(allowance.open_channel(now), Ok(()));
        let second = Duration::from_secs(1);
        assert_eq!(allowance.open_channel(now), Err(Exceeded::Opens(second)));
        assert_eq!(allowance.open_channel(now + second), Ok(()));
        assert_eq!(allowance.carry(100, now), Duration::ZERO);
        assert_eq!(allowance.carry(5, now), 5 * second);
        let others = Limits { bytes: None, opens: rate(1), ..Limits::default() };
        allowance.set_limits(Arc::new(others), now + second);
        assert_eq!(allowance.carry(u64::MAX, now), Duration::ZERO);
        let kept = allowance.open_channel(now + second);
        assert_eq!(kept, Err(Exceeded::Opens(second)), "a rate that has not changed goes on");
        let unlimited = &mut Allowance::new(Arc::default(), now);
        assert_eq!(unlimited.carry(u64::MAX, now), Duration::ZERO);
    }
}
