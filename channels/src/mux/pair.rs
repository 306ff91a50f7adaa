//! Two muxes joined in memory, for tests.

use std::time::Instant;

use adit_proto::message::channel_open::Kind;
use adit_proto::message::connection::ConnectionMessage;

use crate::mux::event::Event;
use crate::mux::id::Id;
use crate::mux::limits::Limits;
use crate::mux::mux::Mux;
use crate::mux::stream::{Stream, Taken};

/// Two muxes and the way between them.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) here: Mux,
    pub(super) there: Mux,
}

impl Pair {
    pub(super) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        Self { now, here: Mux::new(now, limits.clone()), there: Mux::new(now, limits.clone()) }
    }

    /// A pair with a channel that `here` has opened, by both names.
    pub(super) fn open(limits: &Limits, kind: Kind) -> (Self, Id, Id) {
        let mut pair = Self::new(limits);
        let (here, there) = pair.join(kind);
        pair.events();
        (pair, here, there)
    }

    /// Opens a channel from `here` to `there`.
    pub(super) fn join(&mut self, kind: Kind) -> (Id, Id) {
        let here = self.here.open(kind).unwrap();
        self.exchange();
        let there = self.there.next_offer().unwrap().id;
        self.there.accept(there);
        self.exchange();
        (here, there)
    }

    /// Carries everything that is to be sent, and what follows from it, and yields it.
    pub(super) fn exchange(&mut self) -> Vec<ConnectionMessage> {
        let mut carried = vec![];
        loop {
            let before = carried.len();
            while let Some(message) = self.here.poll_message() {
                carried.push(message.clone());
                self.there.handle_message(self.now, message).unwrap();
            }
            while let Some(message) = self.there.poll_message() {
                carried.push(message.clone());
                self.here.handle_message(self.now, message).unwrap();
            }
            if carried.len() == before {
                return carried;
            }
        }
    }

    /// What there is to tell, here and there.
    pub(super) fn events(&mut self) -> (Vec<Event>, Vec<Event>) {
        let here = std::iter::from_fn(|| self.here.poll_event()).collect();
        (here, std::iter::from_fn(|| self.there.poll_event()).collect())
    }
}

/// What a tunnel is opened with.
pub(super) fn tunnel() -> Kind {
    Kind::DirectStreamlocal { path: "/run/x".to_owned() }
}

/// A pair with a tunnel that `here` has opened, by both names.
pub(super) fn open() -> (Pair, Id, Id) {
    Pair::open(&Limits::default(), tunnel())
}

/// All that can be read of a stream, consumed, and what stands behind it.
pub(super) fn read(mux: &mut Mux, id: Id, stream: Stream) -> (Vec<u8>, Taken) {
    let mut bytes = vec![];
    loop {
        match mux.take(id, stream) {
            Taken::Data(data) => {
                mux.consume(id, data.len());
                bytes.extend(data);
            }
            end => return (bytes, end),
        }
    }
}
