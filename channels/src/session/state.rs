//! The state that the parts of a session share.

use std::collections::VecDeque;
use std::task::{Context, Waker};

use adit_proto::message::channel_open::Reason;
use tokio::sync::oneshot;

use crate::mux::event::Event;
use crate::mux::id::Id;
use crate::mux::mux::Mux;
use crate::mux::request::Answer;
use crate::mux::stream::Stream;
use crate::session::cause::Cause;
use crate::session::parking::{Parking, Resume};
use crate::session::refusal::Refusal;
use crate::session::waiters::{Seat, Waiter, Waiters};

/// A mux, and who waits for what of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) mux: Mux,
    pub(super) waiters: Waiters,
    /// For answers to global requests, in the order of the requests.
    pub(super) answers: VecDeque<oneshot::Sender<Answer>>,
    pub(super) openings: Listener,
    pub(super) global_requests: Listener,
    pub(super) driver: Parking,
    leaving: bool,
    rekeying: bool,
    cause: Option<Cause>,
}

/// Whether somebody takes what the peer asks for.
#[derive(Debug)]
pub(super) enum Listener {
    /// Somebody does, and waits perhaps.
    Present(Seat),
    Gone,
}

impl State {
    pub(super) fn new(mux: Mux) -> Self {
        Self {
            mux,
            waiters: Waiters::default(),
            answers: VecDeque::new(),
            openings: Listener::Present(Seat::default()),
            global_requests: Listener::Present(Seat::default()),
            driver: Parking::default(),
            leaving: false,
            rekeying: false,
            cause: None,
        }
    }

    /// Why the session has ended, where it has.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.cause.clone()
    }

    /// Why nothing works any more, for somebody who has learnt that nothing does.
    pub(super) fn last_words(&self) -> Cause {
        self.cause().unwrap_or(Cause::Abandoned)
    }

    /// The task of this context waits for something of a channel.
    pub(super) fn wait(&mut self, id: Id, seat: fn(&mut Waiter) -> &mut Seat, cx: &Context<'_>) {
        if let Some(waiter) = self.waiters.of(id) {
            seat(waiter).wait(cx);
        }
    }

    /// The user lets go of a channel, which may be gone already.
    pub(super) fn release(&mut self, id: Id) {
        if self.mux.is_held(id) {
            self.waiters.remove(id);
            self.mux.close(id);
        }
    }

    /// Whether there is no channel.
    pub(super) fn is_idle(&self) -> bool {
        self.mux.load().channels == 0
    }

    /// Whether nothing is under way any more: there is no channel, or the session has ended.
    pub(super) fn is_at_rest(&self) -> bool {
        self.cause.is_some() || self.is_idle()
    }

    /// Somebody wants keys to be exchanged anew.
    pub(super) fn want_keys(&mut self) {
        self.rekeying = true;
    }

    /// Whether somebody does, from the last time on that this was asked.
    pub(super) fn wants_keys(&mut self) -> bool {
        std::mem::take(&mut self.rekeying)
    }

    /// Somebody wants the session to end.
    pub(super) fn leave(&mut self) {
        self.leaving = true;
    }

    /// The driver runs again, and is not to be woken while it does.
    pub(super) fn resume(&mut self) -> Resume {
        self.driver.rouse();
        if self.leaving { Resume::Leave } else { Resume::Run }
    }

    /// Whether somebody has roused the driver, and neither the pipe nor the clock.
    pub(super) fn is_roused(&self) -> bool {
        !self.driver.is_parked()
    }

    /// The driver, if it is parked and there is something for it to do.
    pub(super) fn rouse(&mut self) -> Option<Waker> {
        let sends = self.mux.has_message() && self.driver.has_room();
        if sends || self.leaving || self.rekeying { self.driver.rouse() } else { None }
    }

    /// The session has ended.
    pub(super) fn end(&mut self, cause: Cause, wakers: &mut Vec<Waker>) {
        if self.cause.is_some() {
            return;
        }
        self.cause = Some(cause);
        self.mux.end();
        while self.mux.poll_event().is_some() {}
        for mut waiter in self.waiters.drain() {
            waiter.vacate(wakers);
        }
        self.answers.clear();
        wakers.extend(self.openings.vacate());
        wakers.extend(self.global_requests.vacate());
    }

    /// Finds everybody whom concerns what has happened.
    pub(super) fn tell(&mut self, wakers: &mut Vec<Waker>) {
        while let Some(event) = self.mux.poll_event() {
            self.tell_one(event, wakers);
        }
    }

    fn tell_one(&mut self, event: Event, wakers: &mut Vec<Waker>) {
        // An answer may find that whoever asked does not want to know any more.
        match event {
            Event::Opened(id) => {
                let opener = self.waiters.of(id).and_then(|waiter| waiter.open.take());
                opener.map(|opener| opener.send(Ok(())));
            }
            Event::Refused { id, reason, description } => {
                let opener = self.waiters.of(id).and_then(|waiter| waiter.open.take());
                opener.map(|opener| opener.send(Err(Refusal { reason, description })));
            }
            Event::Answered { id, verdict } => {
                let asker = self.waiters.of(id).and_then(|waiter| waiter.answers.pop_front());
                asker.map(|asker| asker.send(verdict));
            }
            Event::GlobalAnswered(answer) => {
                self.answers.pop_front().map(|asker| asker.send(answer));
            }
            Event::Readable(id, Stream::Main) => wakers.extend(self.vacate(id, |it| &mut it.read)),
            Event::Readable(id, Stream::Stderr) => {
                wakers.extend(self.vacate(id, |it| &mut it.stderr));
            }
            Event::Writable(id) => wakers.extend(self.vacate(id, |it| &mut it.write)),
            Event::Requested(id) => wakers.extend(self.vacate(id, |it| &mut it.request)),
            Event::Closed(id) => {
                if let Some(waiter) = self.waiters.of(id) {
                    waiter.vacate(wakers);
                }
            }
            Event::Offered => match &mut self.openings {
                Listener::Present(seat) => wakers.extend(seat.vacate()),
                Listener::Gone => self.refuse_openings(),
            },
            Event::GlobalRequested => match &mut self.global_requests {
                Listener::Present(seat) => wakers.extend(seat.vacate()),
                Listener::Gone => self.refuse_global_requests(),
            },
        }
    }

    fn vacate(&mut self, id: Id, seat: fn(&mut Waiter) -> &mut Seat) -> Option<Waker> {
        self.waiters.of(id).and_then(|waiter| seat(waiter).vacate())
    }

    /// Nobody takes the channels that the peer asks for.
    pub(super) fn refuse_openings(&mut self) {
        while let Some(offer) = self.mux.next_offer() {
            let reason = Reason::ADMINISTRATIVELY_PROHIBITED;
            self.mux.refuse(offer.id, reason, "no channels are taken here");
        }
    }

    /// Nobody takes what the peer asks of the connection.
    pub(super) fn refuse_global_requests(&mut self) {
        while let Some(request) = self.mux.next_global_request() {
            if let Some(ticket) = request.ticket {
                self.mux.answer_global(ticket, Answer::Refused);
            }
        }
    }
}

impl Listener {
    /// The task of this context waits from now on.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if let Self::Present(seat) = self {
            seat.wait(cx);
        }
    }

    fn vacate(&mut self) -> Option<Waker> {
        match self {
            Self::Present(seat) => seat.vacate(),
            Self::Gone => None,
        }
    }
}
