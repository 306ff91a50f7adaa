//! The receiving half of a channel.

use bytes::Bytes;

use crate::mux::event::Event;
use crate::mux::id::Id;
use crate::mux::inbox::Inbox;
use crate::mux::looked::Looked;
use crate::mux::pool::Pool;
use crate::mux::stream::Stream;
use crate::mux::violation::Violation;
use crate::mux::window::{Change, Exceeded, Receive};

/// What a channel receives: the window that it grants, and what has come and was not taken.
#[derive(Debug)]
pub(super) struct Receiver {
    window: Receive,
    main: Inbox,
    main_looked: Looked,
    /// Only where the user wants it.
    stderr: Option<Box<Inbox>>,
    stderr_looked: Looked,
}

impl Receiver {
    /// A receiver whose window is paid for.
    pub(super) fn new(window: u32) -> Self {
        Self {
            window: Receive::new(window),
            main: Inbox::default(),
            main_looked: Looked::default(),
            stderr: None,
            stderr_looked: Looked::default(),
        }
    }

    /// What the peer may send at first.
    pub(super) fn window(&self) -> u32 {
        self.window.granted()
    }

    /// Data come, of a stream or of a kind that nobody knows.
    pub(super) fn handle_data(
        &mut self,
        id: Id,
        stream: Option<Stream>,
        data: Bytes,
        pool: &mut Pool,
    ) -> Result<(), Violation> {
        let (channel, len, limit) = (id.number(), data.len(), pool.limits.receive_packet);
        if u32::try_from(len).is_ok_and(|len| len <= limit) {
            let exceeded = |Exceeded(window)| Violation::WindowExceeded { channel, len, window };
            self.window.receive(len).map_err(exceeded)?;
            if let Some((now, (bytes, since))) = pool.path.now().zip(self.window.progress()) {
                pool.company.handle_data(now, len, bytes, since);
            }
            self.put(id, stream, data, pool);
            Ok(())
        } else {
            Err(Violation::PacketTooLarge { channel, len, limit })
        }
    }

    fn put(&mut self, id: Id, stream: Option<Stream>, data: Bytes, pool: &mut Pool) {
        let (inbox, looked) = match stream {
            Some(Stream::Main) => (Some(&mut self.main), &mut self.main_looked),
            Some(Stream::Stderr) => (self.stderr.as_deref_mut(), &mut self.stderr_looked),
            None => (None, &mut self.stderr_looked),
        };
        let Some((inbox, stream)) = inbox.zip(stream) else {
            // The sender has counted them: if they gave no credit, its window would shrink
            // for good.
            return self.consume(data.len(), pool);
        };
        inbox.push(data, &mut pool.load);
        if !inbox.is_empty() && looked.tell() {
            pool.tell(Event::Readable(id, stream));
        }
    }

    /// The oldest piece of a stream. It is held still, until it is consumed.
    pub(super) fn take(&mut self, stream: Stream, pool: &mut Pool) -> Option<Bytes> {
        let (inbox, looked) = match stream {
            Stream::Main => (Some(&mut self.main), &mut self.main_looked),
            Stream::Stderr => (self.stderr.as_deref_mut(), &mut self.stderr_looked),
        };
        let piece = inbox.and_then(|inbox| inbox.pop(&mut pool.load));
        if piece.is_none() {
            *looked = Looked::InVain;
        }
        piece
    }

    /// The user has done with so many bytes.
    pub(super) fn consume(&mut self, len: usize, pool: &mut Pool) {
        self.window.consume(len);
        match self.window.change(&pool.limits, &pool.path, pool.is_awaited()) {
            Change::Grow(more) if pool.budget.lend_more(more) => self.window.grow(more),
            Change::Shrink(surplus) => {
                self.window.shrink(surplus);
                pool.budget.give_back(surplus);
            }
            Change::Grow(_) | Change::None => {}
        }
    }

    /// The user wants the standard error stream too, from now on.
    pub(super) fn collect_stderr(&mut self) {
        self.stderr.get_or_insert_default();
    }

    /// The user wants it no more.
    pub(super) fn discard_stderr(&mut self, pool: &mut Pool) {
        let Some(mut inbox) = self.stderr.take() else {
            return;
        };
        while let Some(piece) = inbox.pop(&mut pool.load) {
            self.consume(piece.len(), pool);
        }
    }

    /// No more data come: tells whoever waits for them.
    pub(super) fn end(&mut self, id: Id, pool: &mut Pool) {
        if self.main_looked.tell() {
            pool.tell(Event::Readable(id, Stream::Main));
        }
        if self.stderr.is_some() && self.stderr_looked.tell() {
            pool.tell(Event::Readable(id, Stream::Stderr));
        }
    }

    pub(super) fn is_credit_due(&self) -> bool {
        self.window.is_credit_due()
    }

    pub(super) fn take_credit(&mut self) -> u32 {
        self.window.take_credit()
    }

    /// Nobody reads any more: drops what there is and pays the window back.
    pub(super) fn close(&mut self, pool: &mut Pool) {
        self.main.clear(&mut pool.load);
        if let Some(mut inbox) = self.stderr.take() {
            inbox.clear(&mut pool.load);
        }
        pool.budget.give_back(self.window.size());
        self.window = Receive::new(0);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::mux::limits::Limits;
    use crate::mux::load::Load;

    const WINDOW: u32 = 64 * 1024;

    struct Case {
        id: Id,
        pool: Pool,
        receiver: Receiver,
    }

    impl Case {
        fn new() -> Self {
            let limits = Limits { initial_window: WINDOW, ..Limits::default() };
            let mut pool = Pool::new(limits);
            let window = pool.budget.lend_first(0, &pool.limits).unwrap();
            let id = Id::new(0, NonZeroU32::MIN);
            Self { id, pool, receiver: Receiver::new(window) }
        }

        fn data(&mut self, stream: Option<Stream>, len: usize) -> Result<(), Violation> {
            let data = Bytes::from(vec![7; len]);
            self.receiver.handle_data(self.id, stream, data, &mut self.pool)
        }

        fn take(&mut self, stream: Stream) -> Option<Bytes> {
            self.receiver.take(stream, &mut self.pool)
        }
    }

    #[test]
    fn what_is_taken_and_not_consumed_gives_no_credit() {
        let mut case = Case::new();
        case.data(Some(Stream::Main), 32 * 1024).unwrap();
        case.data(Some(Stream::Main), 32 * 1024).unwrap();
        while case.take(Stream::Main).is_some() {}
        assert!(!case.receiver.is_credit_due());
        case.receiver.consume(32 * 1024, &mut case.pool);
        assert!(case.receiver.is_credit_due());
    }

    #[test]
    fn both_streams_share_the_window() {
        let mut case = Case::new();
        case.receiver.collect_stderr();
        case.data(Some(Stream::Stderr), 32 * 1024).unwrap();
        case.data(Some(Stream::Main), 32 * 1024).unwrap();
        let exceeded = Violation::WindowExceeded { channel: case.id.number(), len: 1, window: 0 };
        assert_eq!(case.data(Some(Stream::Stderr), 1), Err(exceeded));
        assert_eq!(case.take(Stream::Stderr).unwrap().len(), 32 * 1024);
    }

    #[test]
    fn what_nobody_wants_gives_its_credit_back_at_once() {
        let mut case = Case::new();
        for _ in 0..100 {
            case.data(None, 32 * 1024).unwrap();
            case.receiver.take_credit();
            case.data(Some(Stream::Stderr), 32 * 1024).unwrap();
            case.receiver.take_credit();
        }
        assert_eq!(case.pool.load, Load::default());
        assert!(case.pool.events.is_empty());
    }

    #[test]
    fn standard_error_that_is_given_up_gives_its_credit_back() {
        let mut case = Case::new();
        case.receiver.collect_stderr();
        case.data(Some(Stream::Stderr), 32 * 1024).unwrap();
        assert!(!case.receiver.is_credit_due());
        case.receiver.discard_stderr(&mut case.pool);
        assert!(case.receiver.is_credit_due());
        assert_eq!(case.pool.load, Load::default());
    }

    #[test]
    fn a_reader_is_told_once_until_it_has_found_nothing() {
        let mut case = Case::new();
        for _ in 0..3 {
            case.data(Some(Stream::Main), 10).unwrap();
        }
        let readable = Event::Readable(case.id, Stream::Main);
        assert_eq!(case.pool.events.pop_front(), Some(readable.clone()));
        assert_eq!(case.pool.events.pop_front(), None);
        assert!(case.take(Stream::Main).is_some());
        case.data(Some(Stream::Main), 10).unwrap();
        assert!(case.pool.events.is_empty());
        while case.take(Stream::Main).is_some() {}
        case.receiver.end(case.id, &mut case.pool);
        assert_eq!(case.pool.events.pop_front(), Some(readable));
    }

    #[test]
    fn a_message_beyond_the_allowed_size_is_refused() {
        let mut case = Case::new();
        let limit = case.pool.limits.receive_packet;
        let channel = case.id.number();
        let len = 32 * 1024 + 1;
        let refused = Err(Violation::PacketTooLarge { channel, len, limit });
        assert_eq!(case.data(Some(Stream::Main), len), refused);
        assert_eq!(case.pool.load, Load::default());
    }

    #[test]
    fn a_closed_receiver_holds_nothing_and_has_paid_back() {
        let mut case = Case::new();
        case.receiver.collect_stderr();
        case.data(Some(Stream::Stderr), 10).unwrap();
        case.data(Some(Stream::Main), 10_000).unwrap();
        case.receiver.close(&mut case.pool);
        assert_eq!(case.pool.load, Load::default());
        assert_eq!(case.pool.budget.lent(), 0);
    }
}
