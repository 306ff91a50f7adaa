//! What a user of a gateway may have.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::target::Target;
use adit_gateway::answers::Answers;
use adit_gateway::ask::{Ask, Direction};
use adit_gateway::flow::Record;
use adit_gateway::limits::allowance::Exceeded;
use adit_gateway::login::Login;
use adit_gateway::question::Question;
#[cfg(feature = "sessions")]
use adit_gateway::service::Service;
use adit_gateway::subject::Pinned;
use adit_gateway::verdict::{Allowed, Reason, Verdict};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::serve::account::Account;
use crate::serve::charter::Charter;
use crate::serve::house::House;
use crate::serve::inquiry;
use crate::serve::ledger::Ledger;
use crate::serve::paced::Paced;
use crate::serve::place::{Place, Share};
use crate::serve::world::World;

/// Most questions of one connection that are looked into at once; others wait their turn, so that
/// nobody keeps the resolver busy for all.
const QUESTIONS: usize = 16;

/// Dials for one user what the policy allows, and nothing else.
///
/// What is asked for is judged by the configuration as it is when it is asked. Whom that would not
/// let in any more gets nothing new; what runs goes on.
#[derive(Debug)]
pub(crate) struct Gate<W> {
    house: Arc<House<W>>,
    connection: u64,
    peer: SocketAddr,
    share: Share,
    standing: Mutex<Standing>,
    questions: Semaphore,
    /// Whether a refusal was told.
    refused: AtomicBool,
}

/// What is known of the user under one configuration.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// The configuration.
    pub(crate) charter: Arc<Charter>,
    login: Arc<Login>,
    admitted: Admitted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admitted {
    Yes,
    NoMore,
}

impl<W: World> Gate<W> {
    /// A gate for the user that has logged in from `peer` under this configuration.
    pub(crate) fn new(
        house: Arc<House<W>>,
        charter: Arc<Charter>,
        login: Login,
        peer: SocketAddr,
    ) -> Self {
        let share = Share::new(charter.config.limits.clone());
        let standing = Standing { charter, login: Arc::new(login), admitted: Admitted::Yes };
        let connection = house.number();
        Self {
            house,
            connection,
            peer,
            share,
            standing: Mutex::new(standing),
            questions: Semaphore::new(QUESTIONS),
            refused: AtomicBool::new(false),
        }
    }

    /// Returns when the flow log has room for what is asked for next.
    pub(crate) async fn room(&self) {
        self.house.ledger.room().await;
    }

    /// A place for one channel more.
    ///
    /// # Errors
    /// [`Exceeded`]: there must not be another one.
    pub(crate) fn place(&self) -> Result<Place, Exceeded> {
        self.share.take()
    }

    /// The flow log.
    pub(crate) fn ledger(&self) -> Ledger {
        self.house.ledger.clone()
    }

    /// What is known of the user under the configuration of now.
    pub(crate) fn standing(&self) -> Standing {
        let charter = self.house.charter();
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&standing.charter, &charter) {
            self.share.set_limits(charter.config.limits.clone());
            *standing = self.admit_again(charter, &standing.login);
        }
        standing.clone()
    }

    fn admit_again(&self, charter: Arc<Charter>, login: &Arc<Login>) -> Standing {
        let Some(credential) = &login.credential else {
            return Standing { charter, login: login.clone(), admitted: Admitted::NoMore };
        };
        let (now, name) = (self.house.world.now(), &login.user.name);
        let again = charter.config.register.admit(name, credential, login.source, now);
        match again {
            Ok(login) => Standing { charter, login: Arc::new(login), admitted: Admitted::Yes },
            Err(denied) => {
                let (connection, peer, user) = (self.connection, self.peer, &**name);
                tracing::warn!(connection, %peer, user, %denied, "gets nothing new any more");
                Standing { charter, login: login.clone(), admitted: Admitted::NoMore }
            }
        }
    }

    /// Judges what is asked for, as of now.
    pub(crate) async fn judge(
        &self,
        standing: &Standing,
        direction: Direction,
        target: &Target,
    ) -> Verdict {
        if standing.admitted == Admitted::NoMore {
            return Verdict::Deny(Reason::Login);
        }
        let ask = match Ask::new(direction, target) {
            Ok(ask) => ask,
            Err(unclear) => return Verdict::Deny(Reason::Unclear(unclear)),
        };
        let now = self.house.world.now();
        let question = Question { login: &standing.login, ask: &ask, now };
        let policy = &standing.charter.config.policy;
        let wants = policy.wants(&question);
        let answers = if wants.is_empty() {
            Answers::default()
        } else {
            // It is never closed.
            let _turn = self.questions.acquire().await;
            inquiry::answer(&self.house.world, wants).await
        };
        policy.judge(&question, &answers)
    }

    /// What the flow log has of what was asked for, and of the verdict on it.
    pub(crate) fn record(
        &self,
        standing: &Standing,
        direction: Direction,
        target: &Target,
        verdict: &Verdict,
    ) -> Record {
        let (connection, login) = (self.connection, &standing.login);
        let user = &*login.user.name;
        if verdict.is_allowed() {
            tracing::info!(connection, user, %direction, %target, %verdict, "allowed");
        } else if self.refused.swap(true, Ordering::Relaxed) {
            tracing::info!(connection, user, %direction, %target, %verdict, "refused");
        } else {
            // One of each connection, so that no user can fill the log.
            tracing::warn!(connection, user, %direction, %target, %verdict, "refused");
        }
        let now = self.house.world.now();
        Record::new(connection, login, self.peer, direction, target, verdict, now)
    }
}

#[cfg(feature = "sessions")]
impl<W: World> Gate<W> {
    /// Where the user comes from.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// A place for one session more.
    ///
    /// # Errors
    /// [`Exceeded`]: there must not be another one.
    pub(crate) fn session_place(&self) -> Result<Place, Exceeded> {
        self.share.take_session()
    }

    /// Whether there is anything that a session may run.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn any_session(&self, standing: &Standing) -> Result<(), Reason> {
        standing.check()?;
        standing.charter.config.policy.any_session(&standing.login, self.house.world.now())
    }

    /// Judges what a session is to have, as of now.
    pub(crate) fn judge_session(
        &self,
        standing: &Standing,
        service: &Service,
    ) -> Result<Arc<str>, Reason> {
        standing.check()?;
        let now = self.house.world.now();
        standing.charter.config.policy.session(&standing.login, service, now)
    }

    /// What the flow log has of what a session is to run, and of the ruling on it.
    pub(crate) fn session_record(
        &self,
        standing: &Standing,
        what: &str,
        ruling: &Result<Arc<str>, Reason>,
    ) -> Record {
        let (connection, login) = (self.connection, &standing.login);
        let (user, what_shown) = (&*login.user.name, what.escape_debug());
        match ruling {
            Ok(rule) => tracing::info!(connection, user, what = %what_shown, %rule, "runs"),
            Err(reason) if self.refused.swap(true, Ordering::Relaxed) => {
                tracing::info!(connection, user, what = %what_shown, %reason, "refused");
            }
            Err(reason) => {
                tracing::warn!(connection, user, what = %what_shown, %reason, "refused");
            }
        }
        let now = self.house.world.now();
        Record::session(connection, login, self.peer, what, ruling, now)
    }
}

#[cfg(feature = "sessions")]
impl Standing {
    /// Who asks.
    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    fn check(&self) -> Result<(), Reason> {
        match self.admitted {
            Admitted::Yes => Ok(()),
            Admitted::NoMore => Err(Reason::Login),
        }
    }
}

impl<W: World> Dial for Gate<W> {
    type Stream = Paced<W::Stream>;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Self::Stream, Refusal> {
        let began = Instant::now();
        self.room().await;
        let standing = self.standing();
        let (place, verdict) = match self.place() {
            Ok(place) => (Some(place), self.judge(&standing, Direction::Open, target).await),
            Err(exceeded) => (None, Verdict::Deny(Reason::Limit(exceeded))),
        };
        let record = self.record(&standing, Direction::Open, target, &verdict).origin(origin);
        let mut account = Account::open(self.ledger(), record, began);
        match (verdict, place) {
            (Verdict::Allow(allowed), Some(place)) => {
                // Where the relay gives up, that is why.
                account.failed(&Refusal::TimedOut);
                let ways = allowed.ways.iter().map(|way| way.to.clone()).collect();
                let connected = self.house.world.connect(ways).await;
                let (stream, to) = connected.inspect_err(|refusal| account.failed(refusal))?;
                let rule = rule_of(&allowed, &to);
                account.reached(to, rule.as_deref());
                Ok(Paced::new(stream, place).on(account))
            }
            (Verdict::Deny(reason), _) => Err(reason.refusal()),
            (Verdict::Allow(_), None) => Err(Refusal::ResourceShortage),
        }
    }
}

/// The rule that allows the way that was taken.
fn rule_of(allowed: &Allowed, to: &Pinned) -> Option<Arc<str>> {
    allowed.ways.iter().find(|way| way.to == *to).map(|way| way.rule.clone())
}
