//! What all channels of a mux share.

use std::collections::VecDeque;

use crate::mux::budget::Budget;
use crate::mux::event::Event;
use crate::mux::limits::Limits;
use crate::mux::load::Load;
use crate::mux::path::Path;

/// What all channels of a mux share.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    pub(super) load: Load,
    pub(super) path: Path,
    pub(super) events: VecDeque<Event>,
}

impl Pool {
    pub(super) fn new(limits: Limits) -> Self {
        let limits = limits.settled();
        let budget = Budget::new(limits.receive_budget);
        let (load, path, events) = (Load::default(), Path::default(), VecDeque::new());
        Self { limits, budget, load, path, events }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }
}
