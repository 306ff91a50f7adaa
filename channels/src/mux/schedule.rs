//! Whose data goes next.

use crate::mux::id::Id;
use crate::mux::line::Line;

/// Turns among the channels that have data to send: deficit round robin, with a first turn
/// ahead of the others for those that have little.
///
/// A turn lasts until its channel has sent a quantum, whatever the size of its messages; who
/// sends more pays in the next round. A channel that becomes ready with little to send, a
/// key stroke or a request, is served at once and then stands in the round as all others
/// do, ready again or not, until its turn has come: so it cannot be ahead twice in a round,
/// and whoever moves bulk waits for one small message of each other at most.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Those with little, which have not been served yet.
    first: Line,
    /// All others.
    round: Line,
    /// What a channel in the round may send still, by slot. Below zero is owed.
    deficits: Vec<i64>,
    quantum: i64,
}

/// A channel that becomes ready with no more bytes than this is served at once.
const LITTLE: usize = 4 * 1024;

impl Schedule {
    /// Turns of `quantum` bytes; no message may be longer.
    pub(super) fn new(quantum: u32) -> Self {
        Self {
            first: Line::default(),
            round: Line::default(),
            deficits: Vec::new(),
            quantum: i64::from(quantum),
        }
    }

    /// A channel has `len` bytes to send. It may have had some before.
    pub(super) fn ready(&mut self, id: Id, len: usize) {
        if self.first.contains(id) || self.round.contains(id) {
            return;
        }
        self.set_deficit(id, self.quantum);
        if len <= LITTLE {
            self.first.join(id);
        } else {
            self.round.join(id);
        }
    }

    /// The channel whose turn it is. It may have nothing left, and then has to
    /// [`leave`](Self::leave).
    pub(super) fn turn(&self) -> Option<Id> {
        self.first.first().or_else(|| self.round.first())
    }

    /// The channel whose turn it is has sent `len` bytes.
    pub(super) fn sent(&mut self, id: Id, len: usize) {
        let left = self.deficit(id).saturating_sub(i64::try_from(len).unwrap_or(i64::MAX));
        if self.first.contains(id) {
            self.first.leave(id);
            self.round.join(id);
        } else if left <= 0 {
            self.round.leave(id);
            self.round.join(id);
        }
        self.set_deficit(id, if left <= 0 { left.saturating_add(self.quantum) } else { left });
    }

    /// The channel has nothing to send, or is gone.
    pub(super) fn leave(&mut self, id: Id) {
        self.first.leave(id);
        self.round.leave(id);
    }

    fn deficit(&self, id: Id) -> i64 {
        self.deficits.get(id.slot()).copied().unwrap_or_default()
    }

    fn set_deficit(&mut self, id: Id, deficit: i64) {
        let slot = id.slot();
        if self.deficits.len() <= slot {
            self.deficits.resize(slot.saturating_add(1), 0);
        }
        if let Some(it) = self.deficits.get_mut(slot) {
            *it = deficit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    const QUANTUM: u32 = 32 * 1024;
    const PACKET: usize = 32 * 1024;

    fn id(number: u32) -> Id {
        Id::new(number, NonZeroU32::MIN)
    }

    /// A schedule and how much each of its channels has to send.
    struct Senders {
        schedule: Schedule,
        left: HashMap<Id, usize>,
        packets: HashMap<Id, usize>,
    }

    impl Senders {
        fn new() -> Self {
            let schedule = Schedule::new(QUANTUM);
            Self { schedule, left: HashMap::new(), packets: HashMap::new() }
        }

        fn write(&mut self, number: u32, len: usize) {
            let left = self.left.entry(id(number)).or_default();
            *left += len;
            self.schedule.ready(id(number), *left);
        }

        /// Whose message goes next, and its length.
        fn send(&mut self) -> Option<(u32, usize)> {
            loop {
                let id = self.schedule.turn()?;
                let left = self.left.get_mut(&id).unwrap();
                if *left == 0 {
                    self.schedule.leave(id);
                    continue;
                }
                let len = (*left).min(self.packets.get(&id).copied().unwrap_or(PACKET));
                *left -= len;
                self.schedule.sent(id, len);
                return Some((id.number().0, len));
            }
        }
    }

    #[test]
    fn a_small_write_goes_before_the_bulk_of_eight_others() {
        let mut senders = Senders::new();
        for bulk in 0..8 {
            senders.write(bulk, 1 << 20);
        }
        for _ in 0..3 {
            senders.send();
        }
        senders.write(8, 64);
        assert_eq!(senders.send(), Some((8, 64)));
    }

    #[test]
    fn small_writes_without_end_do_not_starve_bulk() {
        let mut senders = Senders::new();
        senders.write(0, 1 << 20);
        let (mut bulk, mut small) = (0, 0);
        while bulk < 1 << 20 {
            for number in 1..3 {
                senders.write(number, 64);
            }
            match senders.send().unwrap() {
                (0, len) => bulk += len,
                (_, len) => small += len,
            }
            assert!(small <= 2 * (bulk + PACKET), "{small} for {bulk}");
        }
    }

    #[test]
    fn small_packets_make_no_small_share() {
        let mut senders = Senders::new();
        senders.packets.insert(id(1), 1000);
        senders.write(0, 1 << 20);
        senders.write(1, 1 << 20);
        let mut sent = [0_usize; 2];
        for _ in 0..600 {
            let (number, len) = senders.send().unwrap();
            sent[usize::try_from(number).unwrap()] += len;
        }
        assert!(sent[0].abs_diff(sent[1]) <= 2 * PACKET, "{sent:?}");
    }

    #[test]
    fn a_channel_that_left_is_not_served() {
        let mut schedule = Schedule::new(QUANTUM);
        schedule.ready(id(1), 1);
        schedule.ready(id(2), 1 << 20);
        schedule.leave(id(1));
        assert_eq!(schedule.turn(), Some(id(2)));
        schedule.leave(id(2));
        assert_eq!(schedule.turn(), None);
    }

    proptest! {
        #[test]
        fn bulk_is_shared_evenly(
            packets in proptest::collection::vec(1_usize..=PACKET, 2..9),
            sends in 200_usize..400,
        ) {
            let mut senders = Senders::new();
            for (number, packet) in (0..).zip(&packets) {
                senders.packets.insert(id(number), *packet);
                senders.write(number, usize::MAX / 2);
            }
            let mut sent = vec![0_usize; packets.len()];
            for _ in 0..sends {
                let (number, len) = senders.send().unwrap();
                sent[usize::try_from(number).unwrap()] += len;
            }
            let (least, most) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
            prop_assert!(most - least <= 2 * PACKET, "{sent:?}");
        }
    }
}
