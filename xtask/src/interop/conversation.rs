//! A driver before the tunnel talks to the target behind it, and both tell what they saw.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::target::Target;
use crate::interop::watched::Watched;
use crate::traffic::drive::{Plan, Report};
use crate::traffic::player::NOTE;
use crate::traffic::script::Account;

/// How long a conversation may take that moves all the time; patience bounds each wait in it.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long the target may take to notice that the driver has ended.
const FAR_LIMIT: Duration = Duration::from_secs(60);

/// A driver at work; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    process: Watched,
}

/// What the two ends said of their connections, in the same order.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) near: Report,
    pub(crate) far: Vec<Account>,
}

impl Driver {
    /// Starts `command`, which must be this program as a driver, with a plan.
    pub(crate) fn start(command: Command, plan: &Plan, log: &Path) -> Result<Self> {
        let mut process = Watched::start_open("driver", command, log)?;
        process.tell(&serde_json::to_string(plan).context("write a plan")?)?;
        process.told_all();
        Ok(Self { process })
    }

    /// Whether it is at work still.
    pub(crate) fn is_running(&mut self) -> Result<bool> {
        self.process.is_running()
    }

    /// Waits until the script comes to its note.
    pub(crate) fn wait_for_note(&self) -> Result<()> {
        let is_note = |line: &str| (line == NOTE).then_some(());
        self.process.wait_for("middle of the transfer", FAR_LIMIT, is_note)
    }

    /// Waits for the end of its script.
    pub(crate) fn report(&self, limit: Duration) -> Result<Report> {
        self.process.wait_for("report", limit, |line| serde_json::from_str(line).ok())
    }

    /// Waits for the end, and for what the target says of the same connections.
    pub(crate) fn finish(self, plan: &Plan, target: &Target) -> Result<Talk> {
        let near = self.report(LIMIT)?;
        if let Some(failures) = near.failures() {
            return Err(Error::new(failures));
        }
        let far = target.accounts(plan.first, plan.connections, FAR_LIMIT)?;
        let failed = far.iter().find_map(|account| account.error.as_deref());
        match failed {
            Some(error) => Err(Error::new(format!("target: {error}"))),
            None => Ok(Talk { near, far }),
        }
    }
}

impl Talk {
    /// An error unless each end received exactly what the other sent.
    pub(crate) fn check_digests(&self) -> Result<()> {
        for (near, far) in self.near.accounts.iter().zip(&self.far) {
            let same = near.id == far.id
                && near.sent_digest == far.received_digest
                && near.received_digest == far.sent_digest
                && near.echoed == far.echoed;
            if !same {
                return Err(Error::new(format!("the ends saw different bytes: {near:?}, {far:?}")));
            }
        }
        Ok(())
    }

    /// MiB per second of all connections together.
    pub(crate) fn speed(&self) -> u64 {
        let all = |count: fn(&Account) -> u64| self.near.accounts.iter().map(count).sum::<u64>();
        let total = Account {
            sent: all(|account| account.sent),
            received: all(|account| account.received),
            milliseconds: self.near.milliseconds,
            ..Account::default()
        };
        total.speed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(change: impl Fn(&mut Account)) -> Talk {
        let near = Account {
            sent: 1,
            sent_digest: "a".to_owned(),
            received: 2,
            received_digest: "b".to_owned(),
            ..Account::default()
        };
        let mut far = Account {
            sent: 2,
            sent_digest: "b".to_owned(),
            received: 1,
            received_digest: "a".to_owned(),
            ..Account::default()
        };
        change(&mut far);
        Talk { near: Report { accounts: vec![near], milliseconds: 1 }, far: vec![far] }
    }

    #[test]
    fn ends_that_saw_the_same_bytes_agree() {
        assert!(talk(|_| {}).check_digests().is_ok());
    }

    #[test]
    fn any_difference_between_the_ends_is_an_error() {
        assert!(talk(|far| far.sent_digest.push('x')).check_digests().is_err());
        assert!(talk(|far| far.received_digest.push('x')).check_digests().is_err());
        assert!(talk(|far| far.echoed = 1).check_digests().is_err());
        assert!(talk(|far| far.id = 1).check_digests().is_err());
    }
}
