//! The way to a server, seen by somebody who tells of it.

use std::net::SocketAddr;
use std::time::Duration;

use adit_forward::refusal::Refusal;
use adit_transport::client::Client;
use adit_transport::login::attempt::Outcome;

use crate::client::hop::Hop;
use crate::client::witness::Witness;
use crate::failure::{Exit, Failure};
use crate::prompt::Terminal;
use crate::why::report::{Report, Stage};

/// Sees the way to a server, and tells of it.
pub(super) struct Visit<'a> {
    report: &'a mut Report,
    /// The step that is under way.
    stage: Stage,
}

impl<'a> Visit<'a> {
    /// Tells of it in this report.
    pub(super) fn new(report: &'a mut Report) -> Self {
        Self { report, stage: Stage::Connection }
    }

    /// The way ended here.
    pub(super) fn failed(&mut self, failure: &Failure) {
        let stage = match failure.exit {
            Exit::HostKey => Stage::HostKey,
            Exit::Login => Stage::Login,
            _ => self.stage,
        };
        self.report.failed(stage, failure);
    }

    fn passed(&mut self, text: &str, next: Stage) {
        self.report.passed(self.stage, text);
        self.stage = next;
    }
}

impl Witness for Visit<'_> {
    fn begins(&mut self, hop: &Hop) {
        self.report.at(hop.name());
        self.stage = Stage::Connection;
    }

    fn resolves(&mut self) {
        self.stage = Stage::Name;
    }

    fn resolved(&mut self, name: &str, addresses: &[SocketAddr]) {
        let addresses: Vec<String> = addresses.iter().map(|it| it.ip().to_string()).collect();
        self.passed(&format!("{name} is {}", addresses.join(", ")), Stage::Connection);
    }

    fn refused(&mut self, address: SocketAddr, why: &Refusal) {
        self.report.refused(Stage::Connection, &format!("{address}: {why}"));
    }

    fn reached(&mut self, how: &str, took: Duration) {
        self.passed(&format!("{how}, after {} ms", took.as_millis()), Stage::Identification);
    }

    fn spoke(&mut self, client: &Client<Terminal>) {
        let Some(identification) = client.identification() else { return };
        self.passed(identification, Stage::Algorithms);
        if let Some(offers) = client.offers() {
            self.report.offers(offers);
        }
        if let Some(key) = client.host_key_shown() {
            // The key is shown when all is agreed on but its trust.
            let trusted = client.agreement();
            let told = format!("{} {}", key.key_type(), key.fingerprint());
            match trusted {
                Some(agreement) => {
                    self.passed(&agreement.to_string(), Stage::HostKey);
                    self.passed(&told, Stage::Login);
                }
                None => {
                    self.report.refused(Stage::HostKey, &told);
                    self.stage = Stage::HostKey;
                }
            }
        }
        for attempt in client.attempts() {
            match attempt.outcome {
                Outcome::Partial => self.report.passed(Stage::Login, &attempt.to_string()),
                _ => self.report.refused(Stage::Login, &attempt.to_string()),
            }
        }
        if let Some(accepted) = client.accepted() {
            self.report.passed(Stage::Login, &format!("{accepted}: accepted"));
        }
    }
}
