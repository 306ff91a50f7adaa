//! How long the path to the peer is.

use std::time::{Duration, Instant};

/// The path to the peer, as far as it was measured: by questions to the peer, whose answers
/// follow at once.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// The latest time that is known.
    now: Option<Instant>,
    /// When the question under way was asked.
    asked: Option<Instant>,
    answered: u32,
    /// The shortest time from a question to its answer: what the others took longer, they
    /// waited.
    round_trip: Option<Duration>,
}

/// So often the path is measured, one time after the other. The first answer may wait for a peer
/// that has much to do at the beginning.
const SAMPLES: u32 = 5;

/// Shorter round trips than this are those of one machine or house. There the windows are what
/// makes others wait, and one that is somewhat too short costs little.
const NEAR: Duration = Duration::from_millis(2);

/// No shorter round trip makes windows grow: a machine with much to do takes a few milliseconds to
/// answer over no path at all, and then larger windows would only leave its caches.
const FAR: Duration = Duration::from_millis(5);

/// So much longer than a round trip a window lasts on a near path: for the turns of the
/// programs at both ends.
const SLACK: Duration = Duration::from_micros(100);

impl Path {
    /// It is `now`.
    pub(super) fn handle_time(&mut self, now: Instant) {
        self.now = Some(now);
    }

    /// The latest time that is known.
    pub(super) fn now(&self) -> Option<Instant> {
        self.now
    }

    /// Whether another question is wanted. It counts as asked then.
    pub(super) fn ask(&mut self) -> bool {
        let wanted = self.asked.is_none() && self.answered < SAMPLES;
        if wanted {
            self.asked = self.now;
        }
        wanted
    }

    /// The question under way was answered.
    pub(super) fn handle_answer(&mut self) {
        let taken = self.asked.take().zip(self.now);
        let Some(taken) = taken.map(|(asked, now)| now.saturating_duration_since(asked)) else {
            return;
        };
        self.answered = self.answered.saturating_add(1);
        self.round_trip = Some(self.round_trip.map_or(taken, |least| least.min(taken)));
    }

    /// Whether a window that was used up once in this time is short for the path: what is
    /// consumed reaches the peer as credit, and brings new data, a round trip later. A window of
    /// two round trips is long enough; one more would only lie in the buffers on the way, and in
    /// those of a peer that reads ahead as far as it may send.
    ///
    /// Before anything was measured none is, and on a path that is not [`FAR`] neither.
    pub(super) fn outruns(&self, used_up: Duration) -> bool {
        let far = self.round_trip.filter(|trip| *trip >= FAR);
        far.is_some_and(|trip| used_up <= trip.saturating_mul(2))
    }

    /// Whether a window that was used up once in this time is long enough, and a longer one would
    /// only lie in the buffers on the way. Of a path that is not known as near none is.
    pub(super) fn suffices(&self, used_up: Duration) -> bool {
        self.near().is_some_and(|enough| used_up > enough)
    }

    /// Whether a window that was used up once in this time keeps other channels waiting: what is
    /// on the way in it comes before what they send, and the path itself is hardly longer than
    /// nothing. Between this and [`suffices`](Self::suffices) there is more than one doubling.
    pub(super) fn delays(&self, used_up: Duration) -> bool {
        self.near().is_some_and(|enough| used_up > enough.saturating_mul(2))
    }

    /// Whether the path is known as hardly longer than nothing.
    pub(super) fn is_near(&self) -> bool {
        self.near().is_some()
    }

    /// How long a window should last, on a near path.
    fn near(&self) -> Option<Duration> {
        let trip = self.round_trip.filter(|trip| *trip < NEAR)?;
        Some(trip.saturating_add(SLACK))
    }

    /// A path of this length.
    #[cfg(test)]
    pub(super) fn of(now: Instant, round_trip: Duration) -> Self {
        Self { now: Some(now), asked: None, answered: SAMPLES, round_trip: Some(round_trip) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_shortest_of_a_few_round_trips_counts() {
        let mut now = Instant::now();
        let mut path = Path::default();
        for taken in [90, 40, 50, 45, 41] {
            path.handle_time(now);
            assert!(path.ask() && !path.ask());
            now += taken * MS;
            path.handle_time(now);
            path.handle_answer();
        }
        assert!(!path.ask(), "that is enough");
        assert!(path.outruns(80 * MS) && !path.outruns(81 * MS));
    }

    #[test]
    fn a_path_within_a_house_is_not_long() {
        let now = Instant::now();
        assert!(Path::of(now, FAR).outruns(Duration::ZERO));
        assert!(!Path::of(now, FAR - Duration::from_nanos(1)).outruns(Duration::ZERO));
    }

    #[test]
    fn an_unknown_path_is_not_long() {
        let mut path = Path::default();
        assert!(!path.outruns(Duration::ZERO));
        path.handle_answer();
        assert!(!path.outruns(Duration::ZERO));
    }
}
