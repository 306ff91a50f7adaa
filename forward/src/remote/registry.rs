//! Who listens where, of all sessions of a process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adit_channels::global_request::Kind;
use adit_channels::session::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::stop::{Signal, Switch};

/// How long a session may take to show that it lives, when another one of the same owner wants
/// its place.
const PROBE: Duration = Duration::from_millis(300);

/// How long it may take in all until a place is had. A client that comes back is to have its
/// port within a second.
const PATIENCE: Duration = Duration::from_millis(900);

/// Who listens where, of all sessions of a process. All its clones are the same.
///
/// A client whose path broke comes back before the server has noticed that it was away, and
/// finds its port taken by its own dead session. So where sessions of one [`Owner`] compete
/// for a place, the one that holds it is asked for a sign of life. If there is none, it is
/// disconnected and its place goes to the one that asks; else it keeps it. Nobody can take what
/// another owner holds.
///
/// ```text
///  free -------------------------------------------> claimed
///  held by another owner, or by this session ------> refused
///  held by another session of the owner: asked ----> refused, for it answers
///                                           '------> disconnected, closed, then claimed
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Mutex<Table>>);

/// Whose sessions may take places over from each other: the same user with the same key, for
/// instance. It is shown in logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner(Arc<str>);

/// A session that may hold places.
#[derive(Debug)]
pub struct Tenant {
    registry: Registry,
    number: u64,
    owner: Owner,
    session: Handle,
}

/// Why a place cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// This session listens there already.
    #[error("this session listens there already")]
    BySelf,
    /// Another session of the same owner does, and lives.
    #[error("another session of the same user and key listens there, and answers")]
    BySibling,
    /// A session of another owner does.
    #[error("a session of another user or key listens there")]
    ByStranger,
    /// A session that is dead does not let go of it.
    #[error("a dead session listens there, and could not be ended in time")]
    ByDead,
}

/// A place, as far as it matters who else has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    key: Key,
    /// None for a path.
    addresses: Vec<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Port(u16),
    Path(PathBuf),
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    held: HashMap<Key, Vec<Holding>>,
}

/// A place that a session holds.
#[derive(Debug, Clone)]
struct Holding {
    number: u64,
    addresses: Vec<IpAddr>,
    tenant: u64,
    owner: Owner,
    session: Handle,
    close: Arc<Switch>,
    /// Its other end goes when the place is free.
    freed: watch::Receiver<()>,
}

/// The right to listen somewhere, until it is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    registry: Registry,
    key: Key,
    number: u64,
    close: Arc<Switch>,
    signal: Signal,
    /// Goes last: who waits for it then finds the place free.
    freed: watch::Sender<()>,
}

impl Registry {
    /// A session that may hold places, for this owner.
    pub fn tenant(&self, owner: Owner, session: Handle) -> Tenant {
        let number = self.lock().number();
        Tenant { registry: self.clone(), number, owner, session }
    }

    /// How many places are held.
    pub fn len(&self) -> usize {
        self.lock().held.values().map(Vec::len).sum()
    }

    /// Whether no place is held.
    pub fn is_empty(&self) -> bool {
        self.lock().held.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, or tells who holds it.
    fn take(&self, tenant: &Tenant, spot: &Spot) -> Result<Claim, Box<Holding>> {
        let mut table = self.lock();
        let number = table.number();
        let here = table.held.entry(spot.key.clone()).or_default();
        if let Some(holding) = here.iter().find(|it| spot.overlaps(&it.addresses)) {
            return Err(Box::new(holding.clone()));
        }
        let (switch, signal) = Switch::new();
        let (close, (freed, freeing)) = (Arc::new(switch), watch::channel(()));
        here.push(Holding {
            number,
            addresses: spot.addresses.clone(),
            tenant: tenant.number,
            owner: tenant.owner.clone(),
            session: tenant.session.clone(),
            close: Arc::clone(&close),
            freed: freeing,
        });
        Ok(Claim { registry: self.clone(), key: spot.key.clone(), number, close, signal, freed })
    }
}

impl Table {
    fn number(&mut self) -> u64 {
        self.last = self.last.wrapping_add(1);
        self.last
    }
}

impl Owner {
    /// An owner by a name that is the same for nobody else.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tenant {
    /// The session.
    pub(super) fn session(&self) -> &Handle {
        &self.session
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Takes a place, from a dead session of the same owner if need be.
    ///
    /// # Errors
    /// [`Taken`], where it cannot be had, within a second.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the place as it is.
    pub(super) async fn claim(&self, spot: &Spot) -> Result<Claim, Taken> {
        timeout(PATIENCE, self.contend(spot)).await.unwrap_or(Err(Taken::ByDead))
    }

    async fn contend(&self, spot: &Spot) -> Result<Claim, Taken> {
        loop {
            let mut holding = match self.registry.take(self, spot) {
                Ok(claim) => return Ok(claim),
                Err(holding) if holding.owner != self.owner => return Err(Taken::ByStranger),
                Err(holding) if holding.tenant == self.number => return Err(Taken::BySelf),
                Err(holding) => holding,
            };
            if holding.lives().await {
                return Err(Taken::BySibling);
            }
            tracing::info!(owner = %self.owner, "a dead session is ended, for its place is wanted");
            holding.oust().await;
        }
    }
}

impl Holding {
    /// Whether its session gives a sign of life.
    async fn lives(&self) -> bool {
        let asked = self.session.global_request(Kind::Keepalive);
        matches!(timeout(PROBE, asked).await, Ok(Ok(_)))
    }

    /// Ends its session; returns when the place is free.
    async fn oust(&mut self) {
        self.session.disconnect();
        self.close.stop(Duration::ZERO);
        // Nothing is ever sent: it changes by going.
        while self.freed.changed().await.is_ok() {}
    }
}

impl Spot {
    /// A port on some addresses.
    pub(super) fn tcp(addresses: Vec<IpAddr>, port: u16) -> Self {
        Self { key: Key::Port(port), addresses }
    }

    /// A socket's path.
    pub(super) fn unix(path: PathBuf) -> Self {
        Self { key: Key::Path(path), addresses: Vec::new() }
    }

    /// Whether both cannot be had at once. A path is only ever compared to itself.
    fn overlaps(&self, others: &[IpAddr]) -> bool {
        let meets = |one: &IpAddr| others.iter().any(|other| overlap(*one, *other));
        matches!(self.key, Key::Path(_)) || self.addresses.iter().any(meets)
    }
}

fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let all = one.is_unspecified() || other.is_unspecified();
    one == other || (all && one.is_ipv4() == other.is_ipv4())
}

impl Claim {
    /// Tells it from all others.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Closes the listener of this place.
    pub(super) fn switch(&self) -> Arc<Switch> {
        Arc::clone(&self.close)
    }

    /// Given when the listener is to close.
    pub(super) fn signal(&self) -> Signal {
        self.signal.clone()
    }

    /// Its other end goes when the place is free.
    pub(super) fn freed(&self) -> watch::Receiver<()> {
        self.freed.subscribe()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut table = self.registry.lock();
        if let Entry::Occupied(mut here) = table.held.entry(self.key.clone()) {
            here.get_mut().retain(|it| it.number != self.number);
            if here.get().is_empty() {
                here.remove();
            }
        }
    }
}
