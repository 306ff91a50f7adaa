//! What all channels of a mux share.

use std::collections::VecDeque;

use crate::mux::budget::Budget;
use crate::mux::company::Company;
use crate::mux::event::Event;
use crate::mux::limits::Limits;
use crate::mux::load::Load;
use crate::mux::outbox;
use crate::mux::path::Path;
use crate::mux::traffic::Traffic;

/// What all channels of a mux share.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    pub(super) load: Load,
    pub(super) traffic: Traffic,
    pub(super) path: Path,
    pub(super) company: Company,
    /// Whether the peer has announced its host keys.
    pub(super) announced: bool,
    pub(super) events: VecDeque<Event>,
}

impl Pool {
    pub(super) fn new(limits: Limits) -> Self {
        let limits = limits.settled();
        let budget = Budget::new(limits.receive_budget, limits.fund.clone());
        Self {
            limits,
            budget,
            load: Load::default(),
            traffic: Traffic::default(),
            path: Path::default(),
            company: Company::default(),
            announced: false,
            events: VecDeque::new(),
        }
    }

    /// How many bytes one channel may have accepted and not sent.
    pub(super) fn outbox(&self) -> usize {
        outbox::bound(&self.limits, &self.load, self.budget.outboxes())
    }

    /// After how many of its largest messages the peer gives credit at the latest, where that is
    /// known.
    pub(super) fn early_credit(&self) -> Option<u32> {
        let early = self.limits.early_credit.filter(|it| self.announced || !it.once_announced);
        early.map(|it| it.messages.max(1))
    }

    /// Whether others wait for what lies on the way behind bulk.
    pub(super) fn is_awaited(&self) -> bool {
        self.path.now().is_some_and(|now| self.company.is_there(now))
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }
}
