//! What all connections of a gateway share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use adit_channels::mux::Fund;
use adit_forward::remote::Registry;
use tokio::sync::watch;

use crate::serve::charter::Charter;
use crate::serve::ledger::Ledger;
use crate::serve::lobby::Lobby;

/// What all connections of a gateway share.
#[derive(Debug)]
pub(crate) struct House<W> {
    /// What lies outside.
    pub(crate) world: Arc<W>,
    /// Where connections are counted.
    pub(crate) lobby: Arc<Lobby>,
    /// The flow log.
    pub(crate) ledger: Ledger,
    /// The memory of all connections.
    pub(crate) fund: Fund,
    /// Who listens where.
    pub(crate) registry: Registry,
    charter: watch::Sender<Arc<Charter>>,
    connections: AtomicU64,
}

impl<W> House<W> {
    /// A house with nobody inside.
    pub(crate) fn new(charter: Charter, world: W, ledger: Ledger) -> Self {
        let limits = &charter.config.limits;
        let lobby = Lobby::new(limits.clone());
        let fund = Fund::new(limits.memory, limits.connections);
        Self {
            world: Arc::new(world),
            lobby: Arc::new(lobby),
            ledger,
            fund,
            registry: Registry::default(),
            charter: watch::Sender::new(Arc::new(charter)),
            connections: AtomicU64::new(0),
        }
    }

    /// What holds at the moment.
    pub(crate) fn charter(&self) -> Arc<Charter> {
        self.charter.borrow().clone()
    }

    /// From now on this holds: for new connections, and for all that those which there are ask for.
    pub(crate) fn set_charter(&self, charter: Charter) {
        let limits = &charter.config.limits;
        self.fund.resize(limits.memory, limits.connections);
        self.lobby.set_limits(limits.clone());
        self.charter.send_replace(Arc::new(charter));
    }

    /// A number for a new connection.
    pub(crate) fn number(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }
}
