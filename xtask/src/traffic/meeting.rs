//! A point that all connections of a run reach before any goes on.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Unlike a barrier, it has a deadline, and does not wait for those that failed.
#[derive(Debug)]
pub(crate) struct Meeting {
    expected: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    pub(crate) fn of(connections: usize) -> Self {
        Self { expected: Mutex::new(connections), changed: Condvar::new() }
    }

    /// One fewer to wait for: it is here, or will not come.
    pub(crate) fn arrive(&self) {
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        *expected = expected.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Waits for the others; false if they do not come in time.
    #[must_use]
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let (expected, _) = self
            .changed
            .wait_timeout_while(expected, patience, |expected| *expected > 0)
            .unwrap_or_else(PoisonError::into_inner);
        *expected == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_goes_on_before_all_are_here() {
        let meeting = Meeting::of(2);
        meeting.arrive();
        assert!(!meeting.wait(Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let other = scope.spawn(|| meeting.wait(Duration::from_secs(60)));
            meeting.arrive();
            assert!(other.join().unwrap());
        });
    }
}
