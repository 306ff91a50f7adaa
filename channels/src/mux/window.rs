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

/// The peer sent more than its window has room for. It had this many bytes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exceeded(pub(super) u32);

/// So many messages of the largest size are consumed before credit goes out, where the
/// window is large enough: often enough for the peer to see nearly all of the window, and
/// seldom enough that credit costs little beside the data.
const CREDIT_PACKETS: u32 = 4;

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
    pub(super) fn is_credit_due(&self, limits: &Limits) -> bool {
        let some = limits.receive_packet.saturating_mul(CREDIT_PACKETS).min(self.size / 2);
        self.returned >= some.max(1)
    }

    /// Gives the credit away, which is then granted.
    pub(super) fn take_credit(&mut self) -> u32 {
        let credit = std::mem::take(&mut self.returned);
        self.granted = self.granted.saturating_add(credit);
        credit
    }

    /// By how much the window should grow now, if at all.
    ///
    /// It may double each time that a whole one was consumed and nothing is left over. Up to
    /// the initial size that is all there is to it: a channel that started small because
    /// there are many moves data after all. Beyond, the reader must also have kept up all
    /// the while, and the window have been too short for the path: then it is the window that
    /// holds the data back, and neither the reader nor the sender.
    pub(super) fn growth(&mut self, limits: &Limits, path: &Path) -> Option<u32> {
        let since = *self.since.get_or_insert(path.now()?);
        if self.progress < self.size || self.held() > 0 {
            return None;
        }
        let kept_up = self.peak <= self.size / 4;
        let used_up = path.now()?.saturating_duration_since(since);
        self.progress = 0;
        self.peak = 0;
        self.since = path.now();
        let short = kept_up && path.outruns(used_up);
        let limit = if short { limits.max_window } else { limits.initial_window };
        let growth = limit.saturating_sub(self.size).min(self.size);
        (growth > 0).then_some(growth)
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
        assert!(!window.is_credit_due(&Limits::default()));
        window.consume(1);
        assert!(window.is_credit_due(&Limits::default()));
        assert_eq!((window.take_credit(), window.granted()), (50, 50));
        assert!(!window.is_credit_due(&Limits::default()));
    }

    #[test]
    fn credit_is_due_after_some_packets_of_a_large_window() {
        let limits = Limits::default();
        let mut window = Receive::new(2 << 20);
        window.receive(1 << 20).unwrap();
        window.consume(128 * 1024 - 1);
        assert!(!window.is_credit_due(&limits));
        window.consume(1);
        assert!(window.is_credit_due(&limits));
    }

    #[test]
    fn a_window_of_one_byte_is_credited_when_it_is_consumed() {
        let mut window = Receive::new(1);
        assert!(!window.is_credit_due(&Limits::default()));
        window.receive(1).unwrap();
        assert!(!window.is_credit_due(&Limits::default()));
        window.consume(1);
        assert!(window.is_credit_due(&Limits::default()));
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
            if let Some(growth) = window.growth(&limits, &far()) {
                window.grow(growth);
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
            window.growth(&limits, &far())
        };
        assert_eq!(pass(&mut Receive::new(100), 50), None);
        assert_eq!(pass(&mut Receive::new(100), 25), Some(100));
    }

    #[test]
    fn a_window_that_is_long_enough_for_the_path_does_not_grow() {
        let (limits, start) = (limits(100, 1000), Instant::now());
        let trip = Duration::from_millis(10);
        for (taken, growth) in [(19, Some(100)), (20, Some(100)), (21, None)] {
            let mut window = Receive::new(100);
            assert_eq!(window.growth(&limits, &Path::of(start, trip)), None);
            for _ in 0..10 {
                window.receive(10).unwrap();
                window.consume(10);
                window.take_credit();
            }
            let now = start + Duration::from_millis(taken);
            assert_eq!(window.growth(&limits, &Path::of(now, trip)), growth, "{taken}");
        }
    }

    #[test]
    fn a_reader_that_is_behind_does_not_make_the_window_grow() {
        let mut window = Receive::new(20);
        for _ in 0..4 {
            window.receive(10).unwrap();
            window.consume(9);
            window.take_credit();
        }
        assert_eq!(window.growth(&limits(100, 100), &far()), None);
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
            operations in proptest::collection::vec((0_u8..4, 0_usize..200), 0..80),
        ) {
            let limits = limits(100, 1000);
            let mut window = Receive::new(50);
            let (mut received, mut consumed, mut granted) = (0, 0, 50_usize);
            for (operation, bytes) in operations {
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
                        if let Some(growth) = window.growth(&limits, &far()) {
                            window.grow(growth);
                        }
                    }
                }
                let size = len(window.size());
                prop_assert_eq!(granted - received, len(window.granted()));
                prop_assert!(received - consumed <= size && granted - consumed <= size);
                prop_assert!(size <= 1000);
            }
        }
    }
}
