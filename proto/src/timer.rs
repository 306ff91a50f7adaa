//! The deadlines of a connection.

use std::time::Instant;

/// What there is a deadline for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The key exchange under way must be done.
    Exchange,
    /// The user must be logged in.
    Login,
    /// Keys must be exchanged again.
    Rekey,
}

impl Timer {
    const ALL: [Self; 3] = [Self::Exchange, Self::Login, Self::Rekey];
}

/// A deadline, or none, for each timer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Table {
    exchange: Option<Instant>,
    login: Option<Instant>,
    rekey: Option<Instant>,
}

impl Table {
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        *self.slot(timer) = at;
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.get(timer).is_some()
    }

    /// The deadline that comes first.
    pub(crate) fn next(&self) -> Option<Instant> {
        Timer::ALL.into_iter().filter_map(|timer| self.get(timer)).min()
    }

    /// Clears a timer whose deadline has come, and yields it.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<Timer> {
        let expired =
            Timer::ALL.into_iter().find(|timer| self.get(*timer).is_some_and(|at| at <= now))?;
        self.set(expired, None);
        Some(expired)
    }

    fn get(&self, timer: Timer) -> Option<Instant> {
        match timer {
            Timer::Exchange => self.exchange,
            Timer::Login => self.login,
            Timer::Rekey => self.rekey,
        }
    }

    fn slot(&mut self, timer: Timer) -> &mut Option<Instant> {
        match timer {
            Timer::Exchange => &mut self.exchange,
            Timer::Login => &mut self.login,
            Timer::Rekey => &mut self.rekey,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn deadlines_come_in_order_and_once() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut table = Table::default();
        assert_eq!(table.next(), None);
        table.set(Timer::Rekey, Some(now));
        table.set(Timer::Login, Some(later));
        assert_eq!(table.next(), Some(now));
        assert_eq!(table.take_expired(now), Some(Timer::Rekey));
        assert_eq!(table.take_expired(now), None);
        assert_eq!(table.take_expired(later), Some(Timer::Login));
        assert_eq!(table.next(), None);
    }
}
