//! Which connection a channel is put on.

use adit_channels::mux::Class;

/// What a connection has to carry already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Burden {
    /// The connection.
    pub(super) number: usize,
    /// Channels in all, and those of a class that was asked for.
    pub(super) channels: usize,
    pub(super) interactive: usize,
    pub(super) bulk: usize,
    /// Bytes of a second, both ways, and those that wait to be sent.
    pub(super) rate: u64,
    pub(super) waiting: u64,
    pub(super) youth: Youth,
}

/// Whether something was put on a connection so short a time ago that nobody knows what it will be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Youth {
    #[default]
    Known,
    Young,
}

/// Whether interactive tunnels are asked for, which the first connection is kept for then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    ForAll,
    NotForBulk,
}

/// Where a channel would best be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// Which of the burdens.
    pub(super) at: usize,
    /// Whether it would have to share with others that move data too, or with those that it
    /// should be apart from.
    pub(super) room: Room,
}

/// Whether another connection would be of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Own,
    Shared,
}

/// A connection that carries less in a second is as good as idle.
const CALM: u64 = 64 * 1024;

/// The connection that has the least to carry, by the bytes that it moves and by its channels
/// alike: bytes tell what runs, channels what may come. Bulk and interactive channels are put
/// together only where they have to be. `None` where there is no connection.
pub(super) fn choose(burdens: &[Burden], class: Class, first: First) -> Option<Choice> {
    let channels = burdens.iter().map(|it| number(it.channels)).sum();
    let bytes = burdens.iter().map(Burden::bytes).fold(0, u64::saturating_add);
    let weight = |it: &Burden| part(number(it.channels), channels) + part(it.bytes(), bytes);
    let least = burdens
        .iter()
        .enumerate()
        .min_by_key(|(_, it)| (it.clashes(class, first), weight(it), it.number));
    least.map(|(at, it)| Choice { at, room: it.room(class, first) })
}

impl Burden {
    fn bytes(&self) -> u64 {
        self.rate.saturating_add(self.waiting)
    }

    fn is_calm(&self) -> bool {
        self.bytes() < CALM
    }

    /// Whether such a channel should be somewhere else, however little there is here.
    fn clashes(&self, class: Class, first: First) -> bool {
        match class {
            Class::Interactive => self.bulk > 0,
            Class::Ordinary => false,
            Class::Bulk => self.interactive > 0 || (first == First::NotForBulk && self.number == 0),
        }
    }

    fn room(&self, class: Class, first: First) -> Room {
        let known = class == Class::Interactive || self.youth == Youth::Known;
        let unused = self.channels == 0 || (self.is_calm() && known);
        if unused && !self.clashes(class, first) { Room::Own } else { Room::Shared }
    }
}

/// A part of the whole, in thousandths.
fn part(of: u64, whole: u64) -> u64 {
    of.saturating_mul(1000).checked_div(whole).unwrap_or(0)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// Connections with so many channels and so many bytes of a second.
    fn burdens(of: &[(usize, u64)]) -> Vec<Burden> {
        let burden =
            |(number, &(channels, rate))| Burden { number, channels, rate, ..Burden::default() };
        of.iter().enumerate().map(burden).collect()
    }

    fn at(of: &[(usize, u64)]) -> usize {
        choose(&burdens(of), Class::Ordinary, First::ForAll).unwrap().at
    }

    #[test]
    fn the_least_loaded_is_chosen_by_bytes_and_channels() {
        assert_eq!(at(&[(0, 0), (0, 0)]), 0, "the first of equals");
        assert_eq!(at(&[(1, 0), (0, 0), (1, 0)]), 1, "nobody knows what new ones will move");
        assert_eq!(
            at(&[(1, 40 * MIB), (10, 0)]),
            1,
            "many idle ones weigh less than one that is busy"
        );
        assert_eq!(at(&[(2, 10 * MIB), (2, 30 * MIB), (2, 20 * MIB)]), 0);
        assert_eq!(choose(&[], Class::Bulk, First::ForAll), None);
    }

    #[test]
    fn a_burst_is_spread_evenly() {
        let mut burdens = burdens(&[(0, 0); 4]);
        for _ in 0..8 {
            let choice = choose(&burdens, Class::Ordinary, First::ForAll).unwrap();
            burdens[choice.at].channels += 1;
        }
        assert!(burdens.iter().all(|it| it.channels == 2), "{burdens:?}");
    }

    #[test]
    fn bulk_and_interactive_stay_apart_where_they_can() {
        let interactive = Burden { channels: 1, interactive: 1, ..Burden::default() };
        let bulk = Burden { number: 1, channels: 3, bulk: 3, rate: 90 * MIB, ..Burden::default() };
        let choice = |class| choose(&[interactive, bulk], class, First::NotForBulk).unwrap();
        assert_eq!(choice(Class::Bulk), Choice { at: 1, room: Room::Shared });
        assert_eq!(choice(Class::Interactive), Choice { at: 0, room: Room::Own });
        let alone = choose(&[bulk], Class::Interactive, First::NotForBulk).unwrap();
        assert_eq!(alone, Choice { at: 0, room: Room::Shared });
    }

    #[test]
    fn the_first_is_kept_from_bulk_where_interactive_tunnels_are_asked_for() {
        let idle = burdens(&[(0, 0), (2, MIB)]);
        let choice = |first| choose(&idle, Class::Bulk, first).unwrap();
        assert_eq!(choice(First::ForAll), Choice { at: 0, room: Room::Own });
        assert_eq!(choice(First::NotForBulk), Choice { at: 1, room: Room::Shared });
        let only = choose(&idle[..1], Class::Bulk, First::NotForBulk).unwrap();
        assert_eq!(only.room, Room::Shared, "it has to go somewhere");
    }

    #[test]
    fn another_connection_is_of_use_where_all_are_busy_or_may_be_soon() {
        let room = |burden: Burden, class| {
            choose(&[burden], class, First::ForAll).map(|choice| choice.room).unwrap()
        };
        let idle = Burden { channels: 50, ..Burden::default() };
        assert_eq!(room(idle, Class::Ordinary), Room::Own, "channels that rest are no burden");
        let young = Burden { youth: Youth::Young, ..idle };
        assert_eq!(room(young, Class::Ordinary), Room::Shared);
        assert_eq!(room(young, Class::Interactive), Room::Own);
        for busy in [Burden { rate: MIB, ..idle }, Burden { waiting: MIB, ..idle }] {
            for class in [Class::Interactive, Class::Ordinary, Class::Bulk] {
                assert_eq!(room(busy, class), Room::Shared, "{busy:?} {class:?}");
            }
        }
    }
}
