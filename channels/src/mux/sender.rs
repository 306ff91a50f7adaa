//! The sending half of a channel.

use bytes::Bytes;

use crate::mux::event::Event;
use crate::mux::flight::Flight;
use crate::mux::id::Id;
use crate::mux::looked::Looked;
use crate::mux::outbox::Outbox;
use crate::mux::pool::Pool;
use crate::mux::stream::Stream;
use crate::mux::violation::Violation;
use crate::mux::window::{Overflow, Send};

/// What a channel sends: the window that the peer grants, and what was accepted and has not
/// gone.
///
/// Bytes are accepted only as far as the window has room for them. So what was accepted can
/// go whenever the pipe has room, and a channel that is finished and let go never waits for
/// a reader at the peer; and a peer that grants no window makes this side keep nothing.
#[derive(Debug)]
pub(super) struct Sender {
    window: Send,
    flight: Flight,
    outbox: Outbox,
    room: Looked,
    peer: Peer,
}

/// Whether the peer reads.
#[derive(Debug, PartialEq, Eq)]
enum Peer {
    Reads,
    ReadsNoMore,
}

impl Sender {
    /// A sender that has no window yet.
    pub(super) fn new() -> Self {
        Self {
            window: Send::default(),
            flight: Flight::new(),
            outbox: Outbox::default(),
            room: Looked::NotSince,
            peer: Peer::Reads,
        }
    }

    /// The peer says what it takes.
    pub(super) fn open(&mut self, id: Id, window: u32, packet: u32) -> Result<(), Violation> {
        if packet == 0 {
            return Err(Violation::NoPacket(id.number()));
        }
        self.window = Send::new(window, packet);
        Ok(())
    }

    /// The peer takes more.
    pub(super) fn add(&mut self, id: Id, more: u32, pool: &mut Pool) -> Result<(), Violation> {
        let overflow = |Overflow| Violation::WindowOverflow { channel: id.number() };
        self.window.add(more).map_err(overflow)?;
        let early = pool.early_credit().filter(|_| pool.is_awaited());
        let least = early.map(|messages| messages.saturating_mul(self.window.packet()));
        self.flight.handle_credit(more, &pool.path, least);
        self.tell(id, pool);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.outbox.len()
    }

    pub(super) fn is_read(&self) -> bool {
        self.peer == Peer::Reads
    }

    /// How many bytes are accepted now.
    pub(super) fn room(&self, pool: &Pool) -> usize {
        if self.peer == Peer::ReadsNoMore {
            return 0;
        }
        let window = self.window.left().min(self.flight.room());
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        let bound = pool.outbox();
        window.min(bound.saturating_sub(self.outbox.len()))
    }

    /// Accepts as many bytes as there is room for, and says how many.
    pub(super) fn write(&mut self, stream: Stream, data: &[u8], pool: &mut Pool) -> usize {
        let len = self.accept(data.len(), pool);
        let (accepted, _) = data.split_at_checked(len).unwrap_or((data, &[]));
        self.outbox.write(stream, accepted, &mut pool.load);
        len
    }

    /// Accepts as many bytes as there is room for, takes them off, and says how many. Large
    /// pieces are not copied.
    pub(super) fn push(&mut self, stream: Stream, data: &mut Bytes, pool: &mut Pool) -> usize {
        let len = self.accept(data.len(), pool);
        self.outbox.push(stream, data.split_to(len), &mut pool.load);
        len
    }

    /// How many of `offered` bytes are accepted. They are paid for.
    fn accept(&mut self, offered: usize, pool: &Pool) -> usize {
        let len = self.room(pool).min(offered);
        if len < offered {
            self.room = Looked::InVain;
        }
        self.window.spend(len);
        self.flight.spend(len);
        len
    }

    /// The data of the next message.
    pub(super) fn take(&mut self, id: Id, pool: &mut Pool) -> Option<(Stream, Bytes)> {
        let packet = self.window.packet().min(pool.limits.send_packet);
        let packet = usize::try_from(packet).unwrap_or(usize::MAX);
        let piece = self.outbox.take(packet, &mut pool.load);
        self.tell(id, pool);
        piece
    }

    /// Tells a writer that waits when there is room again. Not for every little room: it
    /// would wake for each message and write one.
    fn tell(&mut self, id: Id, pool: &mut Pool) {
        let bound = pool.outbox();
        if self.outbox.len() <= bound / 2 && self.room(pool) > 0 && self.room.tell() {
            pool.tell(Event::Writable(id));
        }
    }

    /// The peer reads no more: drops what was to be sent and tells a writer that waits.
    pub(super) fn handle_eow(&mut self, id: Id, pool: &mut Pool) {
        self.peer = Peer::ReadsNoMore;
        self.clear(pool);
        if self.room.tell() {
            pool.tell(Event::Writable(id));
        }
    }

    /// Nobody writes any more, and so nobody is to be told.
    pub(super) fn finish(&mut self) {
        self.room = Looked::NotSince;
    }

    /// Drops what was to be sent.
    pub(super) fn clear(&mut self, pool: &mut Pool) {
        self.outbox.clear(&mut pool.load);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::mux::limits::Limits;
    use crate::mux::load::Load;

    struct Case {
        id: Id,
        pool: Pool,
        sender: Sender,
    }

    impl Case {
        fn new(window: u32, packet: u32) -> Self {
            let id = Id::new(0, NonZeroU32::MIN);
            let mut sender = Sender::new();
            sender.open(id, window, packet).unwrap();
            Self { id, pool: Pool::new(Limits { outbox: 100, ..Limits::default() }), sender }
        }

        fn write(&mut self, len: usize) -> usize {
            self.sender.write(Stream::Main, &vec![7; len], &mut self.pool)
        }

        fn take(&mut self) -> Option<usize> {
            self.sender.take(self.id, &mut self.pool).map(|(_, data)| data.len())
        }

        fn events(&mut self) -> usize {
            self.pool.events.drain(..).count()
        }
    }

    #[test]
    fn no_more_is_accepted_than_the_window_has_room_for() {
        let mut case = Case::new(10, 4);
        assert_eq!((case.write(15), case.write(1)), (10, 0));
        assert_eq!(
            [case.take(), case.take(), case.take(), case.take()],
            [Some(4), Some(4), Some(2), None]
        );
        assert_eq!((case.write(1), case.events()), (0, 0));
        case.sender.add(case.id, 5, &mut case.pool).unwrap();
        assert_eq!(case.events(), 1);
        assert_eq!(case.write(15), 5);
    }

    #[test]
    fn no_more_is_kept_than_the_bound_says() {
        let mut case = Case::new(1000, 30);
        assert_eq!((case.write(500), case.write(1)), (100, 0));
        case.take();
        assert_eq!(case.events(), 0, "a third is no room worth waking for");
        case.take();
        assert_eq!(case.events(), 1);
        assert_eq!(case.write(500), 60);
    }

    #[test]
    fn a_writer_that_found_room_is_not_told() {
        let mut case = Case::new(1000, 30);
        assert_eq!(case.write(100), 100);
        while case.take().is_some() {}
        assert_eq!(case.events(), 0);
    }

    #[test]
    fn a_writer_that_has_finished_is_not_told() {
        let mut case = Case::new(1000, 30);
        case.write(500);
        case.sender.finish();
        while case.take().is_some() {}
        assert_eq!(case.events(), 0);
    }

    #[test]
    fn a_chunk_is_taken_as_far_as_there_is_room() {
        let mut case = Case::new(1000, 30);
        let mut chunk = Bytes::from(vec![7; 130]);
        let pushed = case.sender.push(Stream::Main, &mut chunk, &mut case.pool);
        assert_eq!((pushed, chunk.len()), (100, 30));
    }

    #[test]
    fn a_peer_that_reads_no_more_gets_no_more() {
        let mut case = Case::new(1000, 30);
        case.write(500);
        case.sender.handle_eow(case.id, &mut case.pool);
        assert_eq!((case.events(), case.write(1), case.take()), (1, 0, None));
        assert_eq!(case.pool.load, Load::default());
        assert!(!case.sender.is_read());
    }

    #[test]
    fn a_packet_of_no_bytes_is_refused() {
        let case = Case::new(10, 4);
        let refused = Violation::NoPacket(case.id.number());
        assert_eq!(Sender::new().open(case.id, 10, 0), Err(refused));
    }
}
