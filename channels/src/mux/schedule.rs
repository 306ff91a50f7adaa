//! Whose data goes next.

use crate::mux::class::Class;
use crate::mux::id::Id;
use crate::mux::lane::Lane;

/// Turns among the channels that have data to send: deficit round robin within each class, with a
/// first turn ahead of the others for those that have little.
///
/// A turn lasts until its channel has sent a quantum, whatever the size of its messages; who
/// sends more pays in the next round. A channel that becomes ready with little to send, a
/// key stroke or a request, is served at once and then stands in the round as all others
/// do, ready again or not, until its turn has come: so it cannot be ahead twice in a round,
/// and whoever moves bulk waits for one small message of each other at most.
///
/// A class goes before those below it. One that waits is served all the same after each
/// [`LEAD`] turns of others, and so gets a ninth of what is sent.
#[derive(Debug)]
pub(super) struct Schedule {
    interactive: Lane,
    ordinary: Lane,
    bulk: Lane,
    /// What a channel in the round may send still, by slot. Below zero is owed.
    deficits: Vec<i64>,
    quantum: u32,
}

/// A channel that becomes ready with no more bytes than this is served at once.
const LITTLE: usize = 4 * 1024;

/// So many turns of other classes go before one of a class that waits.
pub(super) const LEAD: u64 = 8;

impl Schedule {
    /// Turns of `quantum` bytes; no message may be longer.
    pub(super) fn new(quantum: u32) -> Self {
        let (interactive, ordinary, bulk) = (Lane::default(), Lane::default(), Lane::default());
        Self { interactive, ordinary, bulk, deficits: Vec::new(), quantum }
    }

    /// A channel of a class has `len` bytes to send. It may have had some before, in the same
    /// class.
    pub(super) fn ready(&mut self, id: Id, class: Class, len: usize) {
        let quantum = self.quantum.into();
        let lane = self.lane(class);
        if lane.contains(id) {
            return;
        }
        if len <= LITTLE {
            lane.join_first(id);
        } else {
            lane.join_round(id);
        }
        self.set_deficit(id, quantum);
    }

    /// The channel whose turn it is. It may have nothing left, and then has to
    /// [`leave`](Self::leave).
    pub(super) fn turn(&self) -> Option<Id> {
        let lead = LEAD.saturating_mul(self.quantum.into());
        let due = [&self.bulk, &self.ordinary].into_iter().find(|lane| lane.passed() >= lead);
        due.and_then(Lane::turn)
            .or_else(|| self.interactive.turn())
            .or_else(|| self.ordinary.turn())
            .or_else(|| self.bulk.turn())
    }

    /// The channel whose turn it is has sent `len` bytes.
    pub(super) fn sent(&mut self, id: Id, len: usize) {
        let left = self.deficit(id).saturating_sub(i64::try_from(len).unwrap_or(i64::MAX));
        let bytes = u64::try_from(len).unwrap_or(u64::MAX);
        let Self { interactive, ordinary, bulk, .. } = self;
        let (lane, below) = if interactive.contains(id) {
            (interactive, [Some(ordinary), Some(bulk)])
        } else if ordinary.contains(id) {
            (ordinary, [Some(bulk), None])
        } else {
            (bulk, [None, None])
        };
        if lane.is_first(id) || left <= 0 {
            lane.step_back(id);
        }
        lane.settle(bytes.saturating_mul(LEAD));
        for lane in below.into_iter().flatten() {
            lane.pass(bytes);
        }
        let more = if left <= 0 { self.quantum.into() } else { 0 };
        self.set_deficit(id, left.saturating_add(more));
    }

    /// The channel has nothing to send, or is gone.
    pub(super) fn leave(&mut self, id: Id) {
        for lane in [&mut self.interactive, &mut self.ordinary, &mut self.bulk] {
            lane.leave(id);
        }
    }

    fn lane(&mut self, class: Class) -> &mut Lane {
        match class {
            Class::Interactive => &mut self.interactive,
            Class::Ordinary => &mut self.ordinary,
            Class::Bulk => &mut self.bulk,
        }
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
            self.write_as(Class::Ordinary, number, len);
        }

        fn write_as(&mut self, class: Class, number: u32, len: usize) {
            let left = self.left.entry(id(number)).or_default();
            *left += len;
            self.schedule.ready(id(number), class, *left);
        }

        /// Sends so often, and says how much went by each channel.
        fn send_often(&mut self, times: usize) -> HashMap<u32, usize> {
            let mut sent = HashMap::new();
            for _ in 0..times {
                let (number, len) = self.send().unwrap();
                *sent.entry(number).or_default() += len;
            }
            sent
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
        schedule.ready(id(1), Class::Ordinary, 1);
        schedule.ready(id(2), Class::Bulk, 1 << 20);
        schedule.leave(id(1));
        assert_eq!(schedule.turn(), Some(id(2)));
        schedule.leave(id(2));
        assert_eq!(schedule.turn(), None);
    }

    #[test]
    fn interactive_data_go_before_all_others_and_bulk_behind() {
        let mut senders = Senders::new();
        senders.write_as(Class::Bulk, 0, 1 << 20);
        senders.write_as(Class::Ordinary, 1, 1 << 20);
        senders.write_as(Class::Interactive, 2, 3 * PACKET);
        let order: Vec<u32> = (0..6).map(|_| senders.send().unwrap().0).collect();
        assert_eq!(order, [2, 2, 2, 1, 1, 1]);
        senders.write_as(Class::Interactive, 2, 10);
        assert_eq!(senders.send(), Some((2, 10)));
    }

    #[test]
    fn no_class_starves_and_each_waits_for_a_bounded_time() {
        let lead = usize::try_from(LEAD).unwrap();
        let mut senders = Senders::new();
        for (class, number) in [(Class::Interactive, 0), (Class::Ordinary, 1), (Class::Bulk, 2)] {
            senders.write_as(class, number, usize::MAX / 4);
        }
        let sent = senders.send_often(10 * (lead + 2));
        let turns = |number| sent[&number] / PACKET;
        assert!(turns(2) >= 10, "{sent:?}");
        assert!(turns(1) >= 8, "{sent:?}");
        assert!(turns(0) >= 10 * (lead - 1), "{sent:?}");
        let mut waited = 0;
        for _ in 0..200 {
            if senders.send().unwrap().0 == 2 {
                waited = 0;
            } else {
                waited += 1;
            }
            assert!(waited <= lead + 1, "{waited}");
        }
    }

    #[test]
    fn a_class_that_waits_with_small_messages_gets_its_part_too() {
        let mut senders = Senders::new();
        senders.packets.insert(id(1), 1000);
        senders.write_as(Class::Interactive, 0, usize::MAX / 4);
        senders.write_as(Class::Bulk, 1, usize::MAX / 4);
        let sent = senders.send_often(20_000);
        let lead = usize::try_from(LEAD).unwrap();
        assert!(sent[&1] * (lead + 1) >= sent[&0], "{sent:?}");
        assert!(sent[&1] * lead <= sent[&0] + lead * PACKET, "{sent:?}");
    }

    #[test]
    fn a_channel_changes_its_class_when_it_leaves_and_comes_again() {
        let mut schedule = Schedule::new(QUANTUM);
        schedule.ready(id(1), Class::Bulk, 1 << 20);
        schedule.ready(id(2), Class::Ordinary, 1 << 20);
        assert_eq!(schedule.turn(), Some(id(2)));
        schedule.leave(id(1));
        schedule.ready(id(1), Class::Interactive, 1 << 20);
        assert_eq!(schedule.turn(), Some(id(1)));
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
