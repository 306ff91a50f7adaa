//! The line of a session in the flow log, and its place among what its connection may have.

use std::sync::Arc;
use std::time::Duration;

use adit_programs::exit::Exit;
use adit_programs::host::Record;

use crate::serve::account::Account;
use crate::serve::place::Place;

/// The line of a session in the flow log, entered when this is dropped, and its place.
#[derive(Debug)]
pub(crate) struct Entry {
    account: Account,
    place: Arc<Place>,
}

impl Entry {
    pub(crate) fn new(account: Account, place: Arc<Place>) -> Self {
        Self { account, place }
    }

    /// As whom its program runs.
    pub(crate) fn runs_as(&mut self, name: &str) {
        self.account.runs_as(name);
    }

    /// Why it comes to nothing.
    pub(crate) fn fail(&mut self, why: &str) {
        self.account.came_to_nothing(why.to_owned());
    }
}

impl Record for Entry {
    fn received(&mut self, bytes: usize) -> Duration {
        let more = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.account.from_client = self.account.from_client.saturating_add(more);
        self.place.carry(bytes)
    }

    fn sent(&mut self, bytes: usize) -> Duration {
        let more = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.account.to_client = self.account.to_client.saturating_add(more);
        self.place.carry(bytes)
    }

    fn exited(&mut self, exit: &Exit) {
        match exit {
            Exit::Status(status) => self.account.exited(Some(*status), None),
            Exit::Signal { name, .. } => self.account.exited(None, Some(name.clone())),
        }
    }

    fn failed(&mut self, why: &str) {
        self.fail(why);
    }
}
