//! What a user listens on, and what came by it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use adit_forward::flow::{Flow, Observe, Outcome};
use adit_forward::pipe::Traffic;
use adit_gateway::flow::Record;
use adit_gateway::subject::Pinned;
use adit_gateway::verdict::Reason;

use crate::serve::charter::Charter;
use crate::serve::ledger::Ledger;

/// What a user listens on: by what it was allowed, and how each connection is told to the flow log.
#[derive(Debug)]
pub(crate) struct Lease {
    /// The configuration that allowed it.
    pub(crate) charter: Arc<Charter>,
    /// The addresses or the path that were granted.
    pub(crate) bound: Vec<Pinned>,
    ledger: Ledger,
    record: Record,
    /// Why it is no longer allowed.
    denied: Mutex<Option<Reason>>,
}

impl Lease {
    /// What was granted under this configuration, as the flow log has it.
    pub(crate) fn new(
        charter: Arc<Charter>,
        bound: Vec<Pinned>,
        ledger: Ledger,
        record: Record,
    ) -> Self {
        Self { charter, bound, ledger, record, denied: Mutex::default() }
    }

    /// Notes what the configuration of now makes of it.
    pub(crate) fn judged(&self, ruling: Result<(), &Reason>) {
        *self.denied() = ruling.err().cloned();
    }

    fn denied(&self) -> MutexGuard<'_, Option<Reason>> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for Lease {
    fn handle_ended(&self, flow: &Flow, outcome: &Outcome) {
        let mut record = self.record.clone().origin(&flow.origin);
        // Which of several addresses was connected to is not known here.
        record.address = match &self.bound[..] {
            [one] => Some(one.clone()),
            _ => None,
        };
        if let Outcome::Refused(refusal) = outcome {
            match &*self.denied() {
                Some(reason) => record = record.denied(reason),
                None => record.error = Some(refusal.to_string()),
            }
        }
        let Traffic { a_to_b: to_client, b_to_a: from_client } = flow.traffic();
        self.ledger.enter(&record.ended(SystemTime::now(), flow.age(), from_client, to_client));
    }
}
