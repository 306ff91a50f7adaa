//! What a channel has on the way.

use std::time::Instant;

use crate::mux::path::Path;

/// How much a channel may have accepted of its user beyond what the peer gave credit for.
///
/// The peer says that by its window. But a peer that grants megabytes over a path that is hardly
/// longer than nothing, as sshd does on a machine, has them all lie before what others send.
/// So while others are awaited no more is on the way than lasts for the path, as for the windows
/// that this side [grants](crate::mux::window::Receive::change).
#[derive(Debug)]
pub(super) struct Flight {
    bound: u32,
    /// Accepted and not credited.
    used: u32,
    /// Credited since then.
    credited: u32,
    /// Since when it is bounded, or a whole bound was credited.
    since: Option<Instant>,
}

/// No bound at all: windows are not larger.
const FREE: u32 = u32::MAX;

impl Flight {
    pub(super) fn new() -> Self {
        Self { bound: FREE, used: 0, credited: 0, since: None }
    }

    /// How much more may be on the way.
    pub(super) fn room(&self) -> u32 {
        self.bound.saturating_sub(self.used)
    }

    /// So much was accepted.
    pub(super) fn spend(&mut self, len: usize) {
        self.used = self.used.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
    }

    /// The peer gave credit for so much. While others are awaited no bound below `least` is set,
    /// without which the peer might wait for more before it gives credit; else there is none.
    pub(super) fn handle_credit(&mut self, credit: u32, path: &Path, least: Option<u32>) {
        let used = self.used;
        self.used = used.saturating_sub(credit);
        let Some((now, least)) = path.now().zip(least).filter(|_| path.is_near()) else {
            (self.bound, self.since) = (FREE, None);
            return;
        };
        let Some(since) = self.since else {
            (self.bound, self.credited, self.since) = (used.max(least), 0, Some(now));
            return;
        };
        self.credited = self.credited.saturating_add(credit);
        if self.credited < self.bound {
            return;
        }
        let used_up = now.saturating_duration_since(since);
        (self.credited, self.since) = (0, Some(now));
        if path.delays(used_up) {
            self.bound = (self.bound - self.bound / 4).max(least);
        } else if !path.suffices(used_up) {
            self.bound = self.bound.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LEAST: u32 = 128 * 1024;
    const WINDOW: u32 = 2 * 1024 * 1024;
    const NEAR: Duration = Duration::from_micros(60);

    /// A sender that fills all that it may, up to a window.
    struct Case {
        flight: Flight,
        now: Instant,
        round_trip: Duration,
        least: Option<u32>,
    }

    impl Case {
        fn new(round_trip: Duration, least: Option<u32>) -> Self {
            Self { flight: Flight::new(), now: Instant::now(), round_trip, least }
        }

        /// What is on the way in the end, with a peer that gives credit for `pace` KiB in each
        /// 100 microseconds, for 100 ms.
        fn run(&mut self, pace: u32) -> u32 {
            for _ in 0..1000 {
                let more = self.flight.room().min(WINDOW.saturating_sub(self.flight.used));
                self.flight.spend(usize::try_from(more).unwrap());
                self.now += Duration::from_micros(100);
                let credit = (pace * 1024).min(self.flight.used);
                let path = Path::of(self.now, self.round_trip);
                self.flight.handle_credit(credit, &path, self.least);
            }
            self.flight.used
        }
    }

    #[test]
    fn little_is_on_the_way_while_others_are_awaited() {
        let mut case = Case::new(NEAR, Some(LEAST));
        assert!(case.run(64) <= LEAST);
        assert!(case.flight.room() < WINDOW);
    }

    #[test]
    fn it_is_as_much_as_lasts_for_the_path() {
        // 160 microseconds are enough, and twice that is too long.
        let mut case = Case::new(NEAR, Some(LEAST));
        case.run(500);
        assert!((800..1600).contains(&(case.flight.bound / 1024)), "{}", case.flight.bound);
    }

    #[test]
    fn nobody_who_waits_and_a_path_of_some_length_set_no_bound() {
        let ms = Duration::from_millis(1);
        for (round_trip, least) in [(NEAR, None), (2 * ms, Some(LEAST)), (50 * ms, Some(LEAST))] {
            let mut case = Case::new(round_trip, least);
            case.run(64);
            assert_eq!(case.flight.bound, FREE);
        }
    }

    #[test]
    fn the_bound_is_gone_when_nobody_waits_any_more() {
        let mut case = Case::new(NEAR, Some(LEAST));
        case.run(64);
        assert!(case.flight.bound < WINDOW);
        case.least = None;
        assert!(case.run(64) > WINDOW - LEAST);
    }

    #[test]
    fn a_peer_that_grants_more_than_it_got_is_owed_nothing() {
        let mut flight = Flight::new();
        flight.spend(10);
        let path = Path::of(Instant::now(), NEAR);
        flight.handle_credit(1000, &path, Some(LEAST));
        flight.spend(10);
        assert_eq!(flight.used, 10);
        assert_eq!(flight.room(), LEAST - 10);
    }
}
