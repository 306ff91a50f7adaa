//! One tunnelled connection's line in the flow log, until it is written.

use std::time::SystemTime;

use adit_forward::refusal::Refusal;
use adit_gateway::flow::Record;
use adit_gateway::subject::Pinned;
use tokio::time::Instant;

use crate::serve::ledger::Ledger;

/// One tunnelled connection's line in the flow log. It is entered when this is dropped, however
/// that comes about.
#[derive(Debug)]
pub(crate) struct Account {
    ledger: Ledger,
    record: Option<Record>,
    began: Instant,
    /// The bytes that came from the client.
    pub(crate) from_client: u64,
    /// The bytes that go to the client.
    pub(crate) to_client: u64,
}

impl Account {
    /// An account of what is known when the verdict is given on what was asked for at `began`.
    pub(crate) fn open(ledger: Ledger, record: Record, began: Instant) -> Self {
        Self { ledger, record: Some(record), began, from_client: 0, to_client: 0 }
    }

    /// What was dialled, and the rule that allows it.
    pub(crate) fn reached(&mut self, to: Pinned, rule: Option<&str>) {
        if let Some(record) = &mut self.record {
            record.address = Some(to);
            record.rule = rule.map(str::to_owned);
            record.error = None;
        }
    }

    /// Why it came to nothing.
    pub(crate) fn failed(&mut self, refusal: &Refusal) {
        if let Some(record) = &mut self.record {
            record.error = Some(refusal.to_string());
        }
    }
}

#[cfg(feature = "sessions")]
impl Account {
    /// As whom a session's program runs.
    pub(crate) fn runs_as(&mut self, name: &str) {
        if let Some(record) = &mut self.record {
            record.account = Some(name.to_owned());
        }
    }

    /// How it has ended: by a status, or by a signal.
    pub(crate) fn exited(&mut self, status: Option<u32>, signal: Option<String>) {
        if let Some(record) = &mut self.record {
            (record.exit_status, record.exit_signal) = (status, signal);
        }
    }

    /// Why a session came to nothing, or to no good end.
    pub(crate) fn came_to_nothing(&mut self, why: String) {
        if let Some(record) = &mut self.record {
            record.error = Some(why);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let Some(record) = self.record.take() else { return };
        let (age, now) = (self.began.elapsed(), SystemTime::now());
        self.ledger.enter(&record.ended(now, age, self.from_client, self.to_client));
    }
}
