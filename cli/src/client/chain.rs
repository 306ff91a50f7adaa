//! The servers that a connection passes through.

use std::time::Duration;

use adit_channels::mux::Fund;
use adit_channels::session::{Cause, Channel, Config, Handle, Session};
use adit_forward::channel;
use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_transport::public_key::fingerprint::Fingerprint;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use crate::client::command::Running;
use crate::client::hop::{Entered, Hop};
use crate::client::jump;
use crate::client::manner::Manner;
use crate::client::stream::Stream;
use crate::client::terms::keep_alive;
use crate::failure::{Exit, Failure};

/// How long a server may take to pass on the last words to the next.
const PASS_ON: Duration = Duration::from_secs(1);

/// How long a connection may take to end in good order.
const LEAVE: Duration = Duration::from_secs(2);

/// The servers that a connection passes through, nearest first, and the command that leads to
/// the first, where there is one.
///
/// ```text
///  command <- hop 1 <- hop 2 <- destination        each is the byte stream of the one behind
/// ```
///
/// Whoever ends the connection to the destination then [closes](Self::close) the chain.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    command: Option<Running>,
    passed: Vec<Passed>,
    /// The memory that its connections share.
    fund: Option<Fund>,
    /// The host keys that were shown so far, nearest first.
    shown: Vec<Fingerprint>,
    /// Those that have to be shown, where it goes the way of another chain.
    model: Option<Vec<Fingerprint>>,
}

/// A server on the way, passed.
#[derive(Debug)]
struct Passed {
    name: String,
    session: Handle,
    driver: JoinHandle<Cause>,
    /// The channel to the next server, once the connection to that is over.
    onward: Option<oneshot::Receiver<Channel>>,
}

impl Chain {
    /// A chain whose connections share memory.
    pub(crate) fn sharing(fund: Fund) -> Self {
        Self { fund: Some(fund), ..Self::default() }
    }

    /// A chain through the same servers as another: each has to show the host key that it showed
    /// there, and nobody is asked anything.
    pub(crate) fn like(keys: Vec<Fingerprint>, fund: Fund) -> Self {
        Self { model: Some(keys), ..Self::sharing(fund) }
    }

    /// The host keys of the servers on the way and of the destination, nearest first.
    pub(crate) fn keys(&self) -> &[Fingerprint] {
        &self.shown
    }

    /// How the next server is to be entered. `None` where the other chain has no such server.
    pub(super) fn manner(&self) -> Option<Manner> {
        let Some(model) = &self.model else { return Some(Manner::First) };
        model.get(self.shown.len()).copied().map(Manner::Again)
    }

    /// A server was entered that has shown this key.
    pub(super) fn entered(&mut self, key: Fingerprint) {
        self.shown.push(key);
    }

    /// The command by which it begins.
    pub(super) fn begin(&mut self, command: Running) {
        self.command = Some(command);
    }

    /// Passes a server. Nothing is asked of it that it could open channels for: all of them are
    /// refused.
    pub(super) fn pass(&mut self, hop: &Hop, entered: Entered) {
        let mut config = Config::default();
        keep_alive(&hop.settings, &mut config);
        config.limits.fund.clone_from(&self.fund);
        let Session { handle, driver, global_requests, .. } = Session::new(entered.link, config);
        let driver = tokio::spawn(driver);
        tokio::spawn(entered.learner.run(global_requests, handle.clone()));
        self.passed.push(Passed { name: hop.name(), session: handle, driver, onward: None });
    }

    /// Reaches the next server from the last that was passed. `None` where none was.
    pub(super) async fn reach(&mut self, next: &Hop) -> Option<Result<Stream, Failure>> {
        let last = self.passed.last_mut()?;
        let dialer = channel::Dialer::new(last.session.clone());
        let reached = dialer.dial(&next.target(), &Origin::Unix).await;
        Some(match reached {
            Ok(channel) => {
                let (stream, returned) = jump::Stream::new(channel);
                last.onward = Some(returned);
                Ok(Box::new(stream))
            }
            Err(refusal) => Err(next.not_led_to(&last.name, &refusal)),
        })
    }

    /// The cause behind a failure of the opening: what is before it may have ended first.
    pub(super) async fn blame(&mut self, failure: Failure) -> Failure {
        if !matches!(failure.exit, Exit::Lost | Exit::Unreachable) {
            return failure;
        }
        match self.culprit().await {
            Some(Culprit::Command(how)) => failure
                .because(Exit::Unreachable, how)
                .hint("run the command by itself to see what it says"),
            Some(Culprit::Hop(how)) => Failure::new(Exit::Lost, how),
            None => failure,
        }
    }

    /// Why the connection to the destination ended, or what it was that took it along.
    pub(crate) async fn explain(
        &mut self,
        cause: Result<Cause, JoinError>,
        destination: &str,
    ) -> Failure {
        let cause = match cause {
            Ok(cause) => cause,
            Err(defect) => return Failure::new(Exit::Other, defect),
        };
        let culprit = match cause {
            Cause::Pipe(_) => self.culprit().await,
            _ => None,
        };
        let lost = Failure::new(Exit::Lost, format!("{destination}: {cause}"));
        match culprit {
            Some(Culprit::Command(how)) => lost.because(Exit::Lost, how),
            Some(Culprit::Hop(how)) => Failure::new(Exit::Lost, how),
            None => lost,
        }
    }

    /// What ended of all that is before the last connection: the first counts, since it took
    /// the others along.
    async fn culprit(&mut self) -> Option<Culprit> {
        let mut ended = None;
        for (number, passed) in self.passed.iter().enumerate() {
            // It has a cause as soon as anybody behind it has noticed.
            if let Ok(cause) = timeout(Duration::ZERO, passed.session.closed()).await {
                ended = Some((number, format!("{}: {cause}", passed.name)));
                break;
            }
        }
        match (ended, &mut self.command) {
            (Some((0, how)), Some(command)) => {
                Some(command.failed().await.map_or(Culprit::Hop(how), Culprit::Command))
            }
            (Some((_, how)), _) => Some(Culprit::Hop(how)),
            (None, Some(command)) if self.passed.is_empty() => {
                command.failed().await.map(Culprit::Command)
            }
            (None, _) => None,
        }
    }

    /// Ends the connections in good order, the last first, and the command after them. Whoever
    /// does not take its last words is not waited for.
    pub(crate) async fn close(mut self) {
        while let Some(passed) = self.passed.pop() {
            passed.leave().await;
        }
        if let Some(command) = self.command {
            command.end().await;
        }
    }
}

impl Passed {
    /// Ends the connection behind all that is to be sent. A server that is told to leave may
    /// not pass on any more what it was given before, so it is told only when it has.
    async fn leave(self) {
        let Self { session, mut driver, onward, .. } = self;
        if let Some(onward) = onward {
            let passed_on = async {
                if let Ok(mut channel) = onward.await {
                    channel.closed().await;
                }
            };
            let _ = timeout(PASS_ON, passed_on).await;
        }
        // A session that nobody uses any more ends by itself.
        drop(session);
        if timeout(LEAVE, &mut driver).await.is_err() {
            driver.abort();
        }
    }
}

/// What ended first, and how.
enum Culprit {
    Command(String),
    Hop(String),
}
