//! Windows, [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).

use std::time::Instant;

use crate::mux::limits::Limits;
use crate::mux::path::Path;

/// The window that this side grants.
///
/// ```text
///  |<------------------------- size ------------------------->|
///  |     granted      |      held       |       returned      |
///    the peer may       received, not     consumed, credit
///    send this          consumed          not sent yet
/// ```
///
/// Received data moves from granted to held, consumption from held to returned, credit from
/// returned to granted. Nothing else moves, so the peer can never make this side hold more
/// than `size`, and a reader that does not read gives no credit.
#[derive(Debug)]
pub(super) struct Receive {
    size: u32,
    granted: u32,
    returned: u32,
    /// Consumed since it was looked last whether the window should grow.
    progress: u32,
    /// The most that was held since then.
    peak: u32,
    /// When that was.
    since: Option<Instant>,
}

/// What should become of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// It is to be longer by so many bytes.
    Grow(u32),
    /// It is to be shorter by so many bytes, which were consumed and not credited.
    Shrink(u32),
}

/// The peer sent more than its window has room for. It had this many bytes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exceeded(pub(super) u32);

/// So much is consumed before credit goes out, where the window is large enough: often enough for
/// the peer to see nearly all of the window, and seldom enough that credit costs little beside
/// the data.
const CREDIT: u32 = 128 * 1024;

/// No window is made smaller than this: with less the ends take turns for every few messages.
const SMALLEST: u32 = 128 * 1024;

impl Receive {
    pub(super) fn new(size: u32) -> Self {
        Self { size, granted: size, returned: 0, progress: 0, peak: 0, since: None }
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    pub(super) fn granted(&self) -> u32 {
        self.granted
    }

    /// Data arrives.
    pub(super) fn receive(&mut self, len: usize) -> Result<(), Exceeded> {
        let left = u32::try_from(len).ok().and_then(|len| self.granted.checked_sub(len));
        self.granted = left.ok_or(Exceeded(self.granted))?;
        self.peak = self.peak.max(self.held());
        Ok(())
    }

    /// Data are consumed. More than is held cannot be.
    pub(super) fn consume(&mut self, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX).min(self.held());
        self.returned = self.returned.saturating_add(len);
        self.progress = self.progress.saturating_add(len);
    }

    /// Whether there is enough credit that the peer should have it.
    pub(super) fn is_credit_due(&self) -> bool {
        self.returned >= CREDIT.min(self.size / 2).max(1)
    }

    /// Gives the credit away, which is then granted.
    pub(super) fn take_credit(&mut self) -> u32 {
        let credit = std::mem::take(&mut self.returned);
        self.granted = self.granted.saturating_add(credit);
        credit
    }

    /// What should become of the window now that something was consumed.
    ///
    /// It may double each time that a whole one was consumed and nothing is left over. Up to
    /// the initial size that is all there is to it: a channel that started small because
    /// there are many moves data after all. Beyond, the reader must also have kept up all
    /// the while, and the window have been too short for the path: then it is the window that
    /// holds the data back, and neither the reader nor the sender.
    ///
    /// On a near path, while others are `awaited`, a window is made smaller where it is
    /// [too long](Path::delays): they wait for what is on the way in it. It costs some speed, as
    /// both ends take their turns more often, and so is not done for nobody.
    pub(super) fn change(&mut self, limits: &Limits, path: &Path, awaited: bool) -> Change {
        let Some(now) = path.now() else { return Change::None };
        let since = *self.since.get_or_insert(now);
        if self.progress < self.size || self.held() > 0 {
            return Change::None;
        }
        let kept_up = self.peak <= self.size / 4;
        let used_up = now.saturating_duration_since(since);
        self.progress = 0;
        self.peak = 0;
        self.since = Some(now);
        let short = kept_up && path.outruns(used_up);
        if awaited && !short && path.delays(used_up) {
            let surplus = self.size.saturating_sub(SMALLEST).min(self.size / 4).min(self.returned);
            return if surplus > 0 { Change::Shrink(surplus) } else { Change::None };
        }
        if awaited && !short && path.suffices(used_up) {
            return Change::None;
        }
        let limit = if short { limits.max_window } else { limits.initial_window };
        let growth = limit.saturating_sub(self.size).min(self.size);
        if growth > 0 { Change::Grow(growth) } else { Change::None }
    }

    /// Makes the window smaller by credit that was not given yet.
    pub(super) fn shrink(&mut self, surplus: u32) {
        self.size = self.size.saturating_sub(surplus);
        self.returned = self.returned.saturating_sub(surplus);
    }

    /// How many bytes were consumed, and since when.
    pub(super) fn progress(&self) -> Option<(u32, Instant)> {
        self.since.map(|since| (self.progress, since))
    }

    /// Makes the window larger; the difference is credit.
    pub(super) fn grow(&mut self, growth: u32) {
        self.size = self.size.saturating_add(growth);
        self.returned = self.returned.saturating_add(growth);
    }

    fn held(&self) -> u32 {
        self.size.saturating_sub(self.granted).saturating_sub(self.returned)
    }
}

/// The window that the peer grants.
#[derive(Debug, Default)]
pub(super) struct Send {
    left: u32,
    packet: u32,
}

/// The peer granted more than a window can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

impl Send {
    /// A window of `left` bytes for messages of at most `packet` bytes.
    pub(super) fn new(left: u32, packet: u32) -> Self {
        Self { left, packet }
    }

    /// The most that one message may carry.
    pub(super) fn packet(&self) -> u32 {
        self.packet
    }

    pub(super) fn left(&self) -> u32 {
        self.left
    }

    /// The peer grants more: "the window MUST NOT be increased above 2^32 - 1 bytes".
    pub(super) fn add(&mut self, more: u32) -> Result<(), Overflow> {
        self.left = self.left.checked_add(more).ok_or(Overflow)?;
        Ok(())
    }

    /// Uses some of it; the caller has looked how much is left.
    pub(super) fn spend(&mut self, len: usize) {
        self.left = self.left.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn len(size: u32) -> usize {
        usize::try_from(size).unwrap()
    }

    /// A path that every window is too short for.
    fn far() -> Path {
        Path::of(Instant::now(), Duration::from_secs(3600))
    }

    fn limits(initial: u32, max: u32) -> Limits {
        Limits { min_window: 10, initial_window: initial, max_window: max, ..Limits::default() }
    }

    #[test]
    fn more_than_was_granted_is_refused_and_changes_nothing() {
        let mut window = Receive::new(10);
        assert_eq!(window.receive(11), Err(Exceeded(10)));
        assert_eq!(window.receive(usize::MAX), Err(Exceeded(10)));
        assert_eq!(window.receive(10), Ok(()));
        assert_eq!(window.receive(1), Err(Exceeded(0)));
    }

    #[test]
    fn credit_is_due_past_half_of_a_small_window() {
        let mut window = Receive::new(100);
        window.receive(100).unwrap();
        window.consume(49);
        assert!(!window.is_credit_due());
        window.consume(1);
        assert!(window.is_credit_due());
        assert_eq!((window.take_credit(), window.granted()), (50, 50));
        assert!(!window.is_credit_due());
    }

    #[test]
    fn credit_is_due_after_some_packets_of_a_large_window() {
        let mut window = Receive::new(2 << 20);
        window.receive(1 << 20).unwrap();
        window.consume(128 * 1024 - 1);
        assert!(!window.is_credit_due());
        window.consume(1);
        assert!(window.is_credit_due());
    }

    #[test]
    fn a_window_of_one_byte_is_credited_when_it_is_consumed() {
        let mut window = Receive::new(1);
        assert!(!window.is_credit_due());
        window.receive(1).unwrap();
        assert!(!window.is_credit_due());
        window.consume(1);
        assert!(window.is_credit_due());
    }

    #[test]
    fn nothing_is_credited_that_was_not_received() {
        let mut window = Receive::new(100);
        window.receive(30).unwrap();
        window.consume(usize::MAX);
        assert_eq!(window.take_credit(), 30);
    }

    #[test]
    fn a_small_window_doubles_up_to_the_initial_size_while_its_reader_reads() {
        let limits = limits(100, 100);
        let mut window = Receive::new(20);
        let mut sizes = vec![];
        for _ in 0..5 {
            window.receive(len(window.size())).unwrap();
            window.consume(len(window.size()));
            if let Change::Grow(more) = window.change(&limits, &far(), false) {
                window.grow(more);
            }
            window.take_credit();
            sizes.push(window.size());
        }
        assert_eq!(sizes, [40, 80, 100, 100, 100]);
    }

    #[test]
    fn a_window_grows_beyond_the_initial_size_only_where_the_reader_keeps_up() {
        let limits = limits(100, 1000);
        let pass = |window: &mut Receive, piece: usize| {
            for _ in 0..100 / piece {
                window.receive(piece).unwrap();
                window.consume(piece);
                window.take_credit();
            }
            window.change(&limits, &far(), false)
        };
        assert_eq!(pass(&mut Receive::new(100), 50), Change::None);
        assert_eq!(pass(&mut Receive::new(100), 25), Change::Grow(100));
    }

    #[test]
    fn a_window_that_is_long_enough_for_the_path_does_not_grow() {
        let (limits, start) = (limits(100, 1000), Instant::now());
        let trip = Duration::from_millis(10);
        for (taken, change) in
            [(19, Change::Grow(100)), (20, Change::Grow(100)), (21, Change::None)]
        {
            let mut window = Receive::new(100);
            assert_eq!(window.change(&limits, &Path::of(start, trip), false), Change::None);
            for _ in 0..10 {
                window.receive(10).unwrap();
                window.consume(10);
                window.take_credit();
            }
            let now = start + Duration::from_millis(taken);
            assert_eq!(window.change(&limits, &Path::of(now, trip), false), change, "{taken}");
        }
    }

    /// A window of a near path, used up once in so many microseconds.
    fn used_up_in(window: &mut Receive, micros: u64) -> Change {
        let (limits, start) = (Limits::default(), Instant::now());
        let trip = Duration::from_micros(100);
        window.change(&limits, &Path::of(start, trip), true);
        let size = len(window.size());
        window.receive(size).unwrap();
        window.consume(size);
        let now = start + Duration::from_micros(micros);
        window.change(&limits, &Path::of(now, trip), true)
    }

    #[test]
    fn on_a_near_path_a_window_lasts_as_long_as_others_can_wait() {
        for (micros, change) in [
            (200, Change::Grow(1 << 20)),
            (201, Change::None),
            (400, Change::None),
            (401, Change::Shrink(1 << 18)),
        ] {
            assert_eq!(used_up_in(&mut Receive::new(1 << 20), micros), change, "{micros}");
        }
    }

    #[test]
    fn a_window_is_made_smaller_by_what_was_not_credited_and_not_below_the_least() {
        let mut window = Receive::new(SMALLEST + 10);
        assert_eq!(used_up_in(&mut window, 5_000), Change::Shrink(10));
        window.shrink(10);
        assert_eq!(window.take_credit(), SMALLEST);
        assert_eq!(used_up_in(&mut Receive::new(SMALLEST), 5_000), Change::None);
    }

    #[test]
    fn a_reader_that_is_behind_does_not_make_the_window_grow() {
        let mut window = Receive::new(20);
        for _ in 0..4 {
            window.receive(10).unwrap();
            window.consume(9);
            window.take_credit();
        }
        assert_eq!(window.change(&limits(100, 100), &far(), false), Change::None);
    }

    #[test]
    fn the_peer_may_not_grant_more_than_a_window_can_have() {
        let mut window = Send::new(u32::MAX - 1, 1);
        assert_eq!(window.add(2), Err(Overflow));
        assert_eq!(window.add(1), Ok(()));
        assert_eq!(window.left(), u32::MAX);
        window.spend(usize::MAX);
        assert_eq!(window.left(), 0);
    }

    proptest! {
        #[test]
        fn what_is_held_and_granted_never_exceeds_the_size(
            operations in proptest::collection::vec((0_u8..4, 0_usize..400_000, 0_u64..5), 0..80),
            near in any::<bool>(),
        ) {
            let limits = limits(600_000, 2_000_000);
            let trip = Duration::from_millis(if near { 1 } else { 3_600_000 });
            let mut now = Instant::now();
            let mut window = Receive::new(500_000);
            let (mut received, mut consumed, mut granted) = (0, 0, 500_000_usize);
            for (operation, bytes, taken) in operations {
                match operation {
                    0 => {
                        if window.receive(bytes).is_ok() {
                            received += bytes;
                        } else {
                            prop_assert!(received + bytes > granted);
                        }
                    }
                    1 => {
                        consumed += bytes.min(received - consumed);
                        window.consume(bytes);
                    }
                    2 => granted += len(window.take_credit()),
                    _ => {
                        now += Duration::from_millis(taken);
                        match window.change(&limits, &Path::of(now, trip), true) {
                            Change::Grow(more) => window.grow(more),
                            Change::Shrink(surplus) => window.shrink(surplus),
                            Change::None => {}
                        }
                    }
                }
                let size = len(window.size());
                prop_assert_eq!(granted - received, len(window.granted()));
                prop_assert!(received - consumed <= size && granted - consumed <= size);
                prop_assert!(size <= 2_000_000 && size >= len(SMALLEST));
            }
        }
    }
}
