//! The log of what was tunnelled, and of what was not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adit_forward::origin::Origin;
use adit_forward::target::Target;
use serde::Serialize;

use crate::ask::Direction;
use crate::calendar::stamp::Stamp;
use crate::effect::Effect;
use crate::login::Login;
use crate::subject::Pinned;
use crate::verdict::{Reason, Verdict};

/// Most characters of a target or an origin that are kept.
const KEPT: usize = 1024;

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To the end of this file.
    File(PathBuf),
    /// To standard error, among all else that is said there.
    StandardError,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// The gateway has connected.
    Open,
    /// The gateway has listened.
    Listen,
    /// A program has run.
    Session,
}

/// One connection through a tunnel, or a try at one: a line of JSON.
///
/// Names and paths of a peer's choice stand in it as JSON strings: control characters are escaped.
/// Fields come and keep their names; a reader should take others that come later.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// When it ended, in UTC.
    pub time: Stamp,
    /// The number of the SSH connection since the gateway started.
    pub connection: u64,
    /// The user's name.
    pub user: String,
    /// The fingerprint of the key that the user has logged in with.
    pub key: Option<String>,
    /// The key id of its certificate.
    pub certificate: Option<String>,
    /// Where the SSH connection comes from.
    pub source: SocketAddr,
    /// Which way.
    pub direction: Way,
    /// The target as the client named it; to listen, the place as the client named it; of a
    /// session, what is to be run.
    pub target: String,
    /// What was dialled; to listen, what is bound.
    pub address: Option<Pinned>,
    /// Who connected to a listener; to open, whom the client says it was.
    pub origin: Option<String>,
    /// The verdict.
    pub verdict: Effect,
    /// The name of the rule that gave it.
    pub rule: Option<String>,
    /// Why it was denied, in [one word](Reason::code).
    pub reason: Option<&'static str>,
    /// Why it was allowed and came to nothing.
    pub error: Option<String>,
    /// The machine's account that it ran as; of a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The status that it ended with; of a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<u32>,
    /// The name of the signal that ended it; of a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_signal: Option<String>,
    /// The bytes that came from the client.
    pub bytes_from_client: u64,
    /// The bytes that went to the client.
    pub bytes_to_client: u64,
    /// How long it lasted, in milliseconds.
    pub duration_ms: u64,
}

impl Record {
    /// What is known when the verdict is given, of the connection of this number.
    pub fn new(
        connection: u64,
        login: &Login,
        source: SocketAddr,
        direction: Direction,
        target: &Target,
        verdict: &Verdict,
        now: SystemTime,
    ) -> Self {
        let way = match direction {
            Direction::Open => Way::Open,
            Direction::Listen => Way::Listen,
        };
        let record = Self::of(connection, login, source, way, &target.to_string(), now);
        let record = Self { rule: verdict.rule().map(str::to_owned), ..record };
        match verdict {
            Verdict::Allow(_) => record,
            Verdict::Deny(reason) => record.denied(reason),
        }
    }

    /// What is known when the ruling is given on what a session is to run.
    pub fn session(
        connection: u64,
        login: &Login,
        source: SocketAddr,
        what: &str,
        ruling: &Result<Arc<str>, Reason>,
        now: SystemTime,
    ) -> Self {
        let record = Self::of(connection, login, source, Way::Session, what, now);
        match ruling {
            Ok(rule) => Self { rule: Some(rule.to_string()), ..record },
            Err(reason) => record.denied(reason),
        }
    }

    fn of(
        connection: u64,
        login: &Login,
        source: SocketAddr,
        direction: Way,
        target: &str,
        now: SystemTime,
    ) -> Self {
        let certificate = login.credential.as_ref().and_then(|it| it.certificate());
        Self {
            time: Stamp(now),
            connection,
            user: login.user.name.to_string(),
            key: login.fingerprint(),
            certificate: certificate.map(|it| it.key_id().to_owned()),
            source,
            direction,
            target: target.chars().take(KEPT).collect(),
            address: None,
            origin: None,
            verdict: Effect::Allow,
            rule: None,
            reason: None,
            error: None,
            account: None,
            exit_status: None,
            exit_signal: None,
            bytes_from_client: 0,
            bytes_to_client: 0,
            duration_ms: 0,
        }
    }

    /// It is denied, for this reason.
    #[must_use]
    pub fn denied(mut self, reason: &Reason) -> Self {
        self.verdict = Effect::Deny;
        self.rule = reason.rule().map(str::to_owned);
        self.reason = Some(reason.code());
        self
    }

    /// Whom it is for, as the client says or as the system does.
    #[must_use]
    pub fn origin(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.to_string().chars().take(KEPT).collect());
        self
    }

    /// What came of it: the way that was taken, by its own rule, and how much went along it for how
    /// long.
    #[must_use]
    pub fn ended(
        mut self,
        now: SystemTime,
        duration: Duration,
        from_client: u64,
        to_client: u64,
    ) -> Self {
        self.time = Stamp(now);
        self.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.bytes_from_client = from_client;
        self.bytes_to_client = to_client;
        self
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        // A value of this type has only strings for keys, which is all that could fail.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::user::{Privilege, User};
    use crate::verdict::{Allowed, Extent, Way};

    fn login() -> Login {
        let user = User {
            name: "ann".into(),
            groups: Vec::new(),
            keys: Vec::new(),
            authorities: Vec::new(),
            principals: Vec::new(),
            privilege: Privilege::Ordinary,
            account: None,
        };
        Login::supposed(Arc::new(user), [192, 0, 2, 7].into())
    }

    fn record(target: &Target, verdict: &Verdict) -> Record {
        let source = "192.0.2.7:51234".parse().unwrap();
        Record::new(7, &login(), source, Direction::Open, target, verdict, UNIX_EPOCH)
    }

    #[test]
    fn a_connection_is_one_line() {
        let to = Pinned::Tcp("10.0.0.5:5432".parse().unwrap());
        let way = Way { to: to.clone(), rule: "databases".into() };
        let verdict = Verdict::Allow(Allowed {
            ways: vec![way],
            barred: Vec::new(),
            extent: Extent::AsAsked,
        });
        let target = Target::Tcp { host: "DB.example".to_owned(), port: 5432 };
        let mut record = record(&target, &verdict);
        record.address = Some(to);
        let ended = UNIX_EPOCH + Duration::from_millis(1_500);
        let line = record.ended(ended, Duration::from_millis(1_500), 12, 3_456).line();
        assert_eq!(
            line,
            "{\"time\":\"1970-01-01T00:00:01.500Z\",\"connection\":7,\"user\":\"ann\",\
             \"key\":null,\"certificate\":null,\"source\":\"192.0.2.7:51234\",\
             \"direction\":\"open\",\"target\":\"DB.example:5432\",\
             \"address\":\"10.0.0.5:5432\",\"origin\":null,\"verdict\":\"allow\",\
             \"rule\":\"databases\",\"reason\":null,\"error\":null,\"bytes_from_client\":12,\
             \"bytes_to_client\":3456,\"duration_ms\":1500}\n",
        );
    }

    #[test]
    fn a_refusal_is_one_line_whatever_the_peer_sends() {
        let target = Target::Tcp { host: "a\n\u{1b}[2J\"".to_owned(), port: 80 };
        let line = record(&target, &Verdict::Deny(Reason::NoRule)).line();
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.contains('\u{1b}'));
        let data: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&data["verdict"], &data["reason"]), (&"deny".into(), &"no-rule".into()));
        assert_eq!(data["rule"], serde_json::Value::Null);
    }

    #[test]
    fn a_line_is_bounded_whatever_the_peer_sends() {
        let target = Target::Tcp { host: "\u{1b}".repeat(100_000), port: 80 };
        let origin = Origin::Reported { host: "x".repeat(100_000), port: 1 };
        let line = record(&target, &Verdict::Deny(Reason::NoRule)).origin(&origin).line();
        assert!(line.len() < 8 * KEPT, "{}", line.len());
    }
}
