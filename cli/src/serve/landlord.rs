//! What a user of a gateway may listen on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use adit_channels::session::Channel;
use adit_forward::channel::Forwarded;
use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::remote::{Denied, Grant, Permit, Place};
use adit_forward::target::Target;
use adit_forward::unix::Existing;
use adit_gateway::ask::Direction;
use adit_gateway::subject::Pinned;
use adit_gateway::verdict::{Allowed, Extent, Reason, Verdict};
use tokio::time::Instant;

use crate::serve::account::Account;
use crate::serve::gate::Gate;
use crate::serve::lease::Lease;
use crate::serve::paced::Paced;
use crate::serve::world::World;

/// Grants one user places to listen on, as the policy allows, and tells the client of connections
/// to them.
#[derive(Debug)]
pub(crate) struct Landlord<W> {
    gate: Arc<Gate<W>>,
    leases: Arc<Leases>,
}

/// What is listened on, by what the client calls it.
#[derive(Debug, Default)]
struct Leases(Mutex<HashMap<Target, Weak<Lease>>>);

/// Tells the client of connections to what it listens on.
#[derive(Debug)]
pub(crate) struct Bell<W> {
    gate: Arc<Gate<W>>,
    leases: Arc<Leases>,
    client: Forwarded,
}

impl<W: World> Landlord<W> {
    /// A landlord for the user of this gate.
    pub(crate) fn new(gate: Arc<Gate<W>>) -> Self {
        Self { gate, leases: Arc::default() }
    }

    /// What tells the client.
    pub(crate) fn bell(&self, client: Forwarded) -> Bell<W> {
        Bell { gate: Arc::clone(&self.gate), leases: Arc::clone(&self.leases), client }
    }

    fn grant(&self, asked: &Target, lease: Lease) -> Result<Grant, Denied> {
        let place = place(&lease.bound)?;
        let lease = Arc::new(lease);
        self.leases.keep(asked, &lease);
        Ok(Grant { place, observer: lease })
    }
}

impl<W: World> Permit for Landlord<W> {
    async fn permit(&self, asked: &Target) -> Result<Grant, Denied> {
        let began = Instant::now();
        let gate = &self.gate;
        gate.room().await;
        let standing = gate.standing();
        let verdict = gate.judge(&standing, Direction::Listen, asked).await;
        let told = verdict.to_string();
        match verdict {
            Verdict::Allow(allowed) => {
                if allowed.extent == Extent::Loopback {
                    tracing::info!(%asked, "listened on loopback only: nothing else is allowed");
                }
                let bound = bound(&allowed);
                let verdict = Verdict::Allow(allowed);
                let record = gate.record(&standing, Direction::Listen, asked, &verdict);
                let charter = standing.charter.clone();
                self.grant(asked, Lease::new(charter, bound, gate.ledger(), record))
            }
            Verdict::Deny(_) => {
                let record = gate.record(&standing, Direction::Listen, asked, &verdict);
                drop(Account::open(gate.ledger(), record, began));
                Err(Denied(told))
            }
        }
    }
}

fn bound(allowed: &Allowed) -> Vec<Pinned> {
    allowed.ways.iter().map(|way| way.to.clone()).collect()
}

fn place(bound: &[Pinned]) -> Result<Place, Denied> {
    let mut addresses = Vec::new();
    for to in bound {
        match to {
            Pinned::Tcp(address) => addresses.push(address.ip()),
            Pinned::Socket(path) => {
                let path = path.as_path().to_owned();
                return Ok(Place::Unix { path, existing: Existing::ReplaceDead });
            }
        }
    }
    if addresses.is_empty() {
        return Err(Denied("there is no address".to_owned()));
    }
    Ok(Place::Tcp(addresses))
}

impl Leases {
    /// Keeps a lease for as long as it is listened there.
    fn keep(&self, asked: &Target, lease: &Arc<Lease>) {
        let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        leases.retain(|_, lease| lease.strong_count() > 0);
        leases.insert(asked.clone(), Arc::downgrade(lease));
    }

    fn find(&self, asked: &Target) -> Option<Arc<Lease>> {
        let leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        leases.get(asked).and_then(Weak::upgrade)
    }
}

impl<W: World> Bell<W> {
    /// Whether the policy still allows what is listened on, which was granted under another
    /// configuration maybe.
    async fn check(&self, asked: &Target) -> Result<(), Reason> {
        let standing = self.gate.standing();
        // It is there for as long as its listener.
        let Some(lease) = self.leases.find(asked) else { return Err(Reason::NoRule) };
        if Arc::ptr_eq(&lease.charter, &standing.charter) {
            return Ok(());
        }
        let ruling = match self.gate.judge(&standing, Direction::Listen, asked).await {
            Verdict::Deny(reason) => Err(reason),
            Verdict::Allow(allowed) => {
                let now = bound(&allowed);
                let is_allowed = lease.bound.iter().all(|to| now.contains(to));
                if is_allowed { Ok(()) } else { Err(Reason::NoRule) }
            }
        };
        lease.judged(ruling.as_ref().copied());
        ruling
    }
}

impl<W: World> Dial for Bell<W> {
    type Stream = Paced<Channel>;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Self::Stream, Refusal> {
        self.gate.room().await;
        if let Err(reason) = self.check(target).await {
            tracing::warn!(%target, %origin, %reason, "refused: it is no longer allowed");
            return Err(reason.refusal());
        }
        let place = self.gate.place().map_err(|it| Reason::Limit(it).refusal())?;
        let channel = self.client.dial(target, origin).await?;
        Ok(Paced::new(channel, place))
    }
}
