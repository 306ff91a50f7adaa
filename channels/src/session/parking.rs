//! Where the driver waits.

use std::task::{Context, Waker};

use crate::session::waiters::Seat;

/// Where the driver waits while it has nothing to do.
#[derive(Debug, Default)]
pub(super) struct Parking {
    seat: Seat,
    room: Room,
}

/// Whether the pipe takes messages. While it does not, it is no use to wake the driver for
/// one: the pipe does when it has written some.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Room {
    #[default]
    Some,
    None,
}

/// What became of a driver that wanted to park.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Park {
    /// There is something to send after all.
    Busy,
    /// It is parked.
    Parked,
    /// There is nothing to send, and nobody who could have something.
    Deserted,
}

/// What a driver that runs again has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resume {
    Run,
    /// End the session.
    Leave,
}

impl Parking {
    pub(super) fn park(&mut self, room: Room, cx: &Context<'_>) {
        self.seat.wait(cx);
        self.room = room;
    }

    /// Whether a parked driver could send something.
    pub(super) fn has_room(&self) -> bool {
        self.room == Room::Some
    }

    pub(super) fn is_parked(&self) -> bool {
        self.seat.is_taken()
    }

    /// Takes the driver out, to be woken.
    pub(super) fn rouse(&mut self) -> Option<Waker> {
        self.seat.vacate()
    }
}
