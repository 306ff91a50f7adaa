//! What a master has for its clients.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::control::consent::Consent;
use crate::control::facts::Facts;
use crate::lent::Lender;
use crate::open::opening::Through;
use crate::open::tunnels::Tunnels;
use crate::session::traffic::Traffic;

/// What a master has for its clients: the connection, and what goes through it.
pub(crate) struct Service {
    /// The connection.
    pub(crate) through: Through,
    /// Its tunnels.
    pub(crate) tunnels: Tunnels,
    /// What programs may have of this side.
    pub(crate) lender: Arc<Lender>,
    /// What it is.
    pub(crate) facts: Facts,
    /// Who is asked before clients may use it.
    pub(crate) consent: Consent,
    orders: watch::Sender<Orders>,
    sessions: Mutex<BTreeMap<u64, Session>>,
    /// How many clients there are.
    clients: watch::Sender<usize>,
    /// How many clients there were.
    used: AtomicU64,
}

/// What clients have ordered.
#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    stop: bool,
    exit: bool,
}

/// What a client runs.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// What it is, in words.
    pub(super) words: String,
    /// How much goes through it, where that is counted.
    pub(super) traffic: Option<Traffic>,
    /// Since when.
    pub(super) began: Instant,
}

/// A client, until it is dropped.
pub(super) struct Client<'a> {
    service: &'a Service,
    number: u64,
}

impl Service {
    /// For this connection.
    pub(crate) fn new(
        through: Through,
        tunnels: Tunnels,
        lender: Arc<Lender>,
        facts: Facts,
        consent: Consent,
    ) -> Self {
        Self {
            through,
            tunnels,
            lender,
            facts,
            consent,
            orders: watch::Sender::default(),
            sessions: Mutex::default(),
            clients: watch::Sender::default(),
            used: AtomicU64::default(),
        }
    }

    /// Orders that no more clients are taken.
    pub(super) fn order_stop(&self) {
        self.orders.send_modify(|orders| orders.stop = true);
    }

    /// Orders the end.
    pub(super) fn order_exit(&self) {
        self.orders.send_modify(|orders| orders.exit = true);
    }

    /// Waits until the end is ordered. Cancel safe.
    pub(super) async fn exit_asked(&self) {
        // The sender lives in here.
        let _ = self.orders.subscribe().wait_for(|orders| orders.exit).await;
    }

    /// Waits until no more clients are to be taken. Cancel safe.
    pub(super) async fn stop_asked(&self) {
        let _ = self.orders.subscribe().wait_for(|orders| orders.stop).await;
    }

    /// Waits until no more clients are taken, and those that there were have gone. Cancel safe.
    pub(crate) async fn left(&self) {
        self.stop_asked().await;
        self.unused().await;
    }

    /// There is a client.
    pub(super) fn enter(&self) -> Client<'_> {
        self.clients.send_modify(|clients| *clients = clients.saturating_add(1));
        Client { service: self, number: self.used.fetch_add(1, Ordering::Relaxed) }
    }

    /// What clients run, the oldest first.
    pub(super) fn sessions(&self) -> Vec<Session> {
        self.lock().values().cloned().collect()
    }

    /// Waits until nobody uses the connection: there are no clients, and nothing goes through it.
    pub(crate) async fn unused(&self) {
        loop {
            let _ = self.clients.subscribe().wait_for(|clients| *clients == 0).await;
            self.through.session.idle().await;
            if self.is_unused() || self.through.session.is_closed() {
                return;
            }
        }
    }

    /// Whether nobody uses it.
    pub(super) fn is_unused(&self) -> bool {
        *self.clients.borrow() == 0 && self.through.session.load().channels == 0
    }

    /// A number that is another one when it was used meanwhile.
    pub(super) fn used(&self) -> u64 {
        let flows = self.tunnels.flows().began();
        self.used.load(Ordering::Relaxed).wrapping_add(flows)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client<'_> {
    /// It runs this.
    pub(super) fn runs(&self, words: String, traffic: Option<Traffic>) {
        let session = Session { words, traffic, began: Instant::now() };
        self.service.lock().insert(self.number, session);
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        self.service.lock().remove(&self.number);
        self.service.clients.send_modify(|clients| *clients = clients.saturating_sub(1));
    }
}
