//! Who may come in, and who has to leave for that.
//!
//! ```text
//!                 .--- turned away
//!   arrive -------+
//!                 '--- half-open --- enter ---> logged in --- leave --->
//!                          |           '-- turned away, still half-open
//!                          '--- leave, or pushed out by a newcomer --->
//! ```

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::limits::penalties::{Offence, Penalties};
use crate::limits::rate::Buckets;
use crate::limits::source::Source;

/// Counts all connections, and remembers sources that misbehaved.
///
/// Where no more connections can be half-open, a newcomer pushes one out: the oldest of the source
/// that has the most. One who logs in at once is therefore let in also while others hold all places
/// and do not, and who wins is no matter of chance.
#[derive(Debug)]
pub struct Door {
    limits: Arc<Limits>,
    guests: BTreeMap<Ticket, Guest>,
    sources: HashMap<Source, Count>,
    users: HashMap<Arc<str>, usize>,
    half_open: usize,
    arrivals: Buckets,
    penalties: Penalties,
    next: u64,
}

/// A connection that was let in. A later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

#[derive(Debug)]
struct Guest {
    address: IpAddr,
    /// `None` while it is half-open.
    user: Option<Arc<str>>,
}

/// The connections of one source.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: usize,
    half_open: usize,
}

/// A connection was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// By this it is called.
    pub ticket: Ticket,
    /// One that has to be ended at once, and is counted no more.
    pub pushed_out: Option<Ticket>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// In a way that costs nothing.
    InOrder,
    /// By an offence. It costs nothing after a login.
    Offence(Offence),
}

impl Door {
    /// A door with nobody inside.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self {
            guests: BTreeMap::new(),
            sources: HashMap::new(),
            users: HashMap::new(),
            half_open: 0,
            arrivals: Buckets::new(limits.sources),
            penalties: Penalties::new(limits.sources),
            next: 0,
            limits,
        }
    }

    /// Goes by other limits from now on. Whoever is inside stays.
    pub fn set_limits(&mut self, limits: Arc<Limits>) {
        self.arrivals.resize(limits.sources);
        self.penalties.resize(limits.sources);
        self.limits = limits;
    }

    /// Lets a connection in.
    ///
    /// # Errors
    /// [`Turned`]. The connection is to be ended without a word, and leaves no trace.
    pub fn arrive(&mut self, address: IpAddr, now: Instant) -> Result<Arrival, Turned> {
        let limits = self.limits.clone();
        let source = Source::from(address);
        if let Some(left) = self.penalties.left(address, &limits.penalties, now) {
            return Err(Turned::Penalty(left));
        }
        let count = self.sources.get(&source).copied().unwrap_or_default();
        if count.all >= limits.connections_per_source {
            return Err(Turned::Source);
        }
        if count.half_open >= limits.half_open_per_source {
            return Err(Turned::SourceHalfOpen);
        }
        let full = self.guests.len() >= limits.connections || self.half_open >= limits.half_open;
        let pushed_out = if full { Some(self.greediest().ok_or(Turned::Full)?) } else { None };
        if let Some(rate) = limits.arrivals {
            self.arrivals.take(source, rate, now).map_err(Turned::Rate)?;
        }
        if let Some(ticket) = pushed_out {
            self.remove(ticket);
        }
        Ok(Arrival { ticket: self.admit(address, source), pushed_out })
    }

    fn admit(&mut self, address: IpAddr, source: Source) -> Ticket {
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        let count = self.sources.entry(source).or_default();
        count.all += 1;
        count.half_open += 1;
        self.half_open += 1;
        self.guests.insert(ticket, Guest { address, user: None });
        ticket
    }

    /// The oldest half-open connection of the source that has the most of them.
    fn greediest(&self) -> Option<Ticket> {
        let half_open = self.guests.iter().filter(|(_, guest)| guest.user.is_none());
        let with_count = half_open.map(|(ticket, guest)| {
            let count = self.sources.get(&guest.address.into()).copied().unwrap_or_default();
            (count.half_open, *ticket)
        });
        let greediest = with_count.min_by_key(|(count, ticket)| (usize::MAX - count, *ticket));
        greediest.map(|(_, ticket)| ticket)
    }

    /// A connection has logged in.
    ///
    /// # Errors
    /// [`Turned::User`]: it is to be refused, and [leaves](Self::leave).
    pub fn enter(&mut self, ticket: Ticket, user: &Arc<str>) -> Result<(), Turned> {
        let Some(guest) = self.guests.get_mut(&ticket) else { return Err(Turned::PushedOut) };
        if guest.user.is_some() {
            return Ok(());
        }
        let count = self.users.get(user).copied().unwrap_or_default();
        if count >= self.limits.connections_per_user {
            return Err(Turned::User);
        }
        guest.user = Some(user.clone());
        let source = guest.address.into();
        self.users.insert(user.clone(), count + 1);
        self.half_open = self.half_open.saturating_sub(1);
        if let Some(count) = self.sources.get_mut(&source) {
            count.half_open = count.half_open.saturating_sub(1);
        }
        Ok(())
    }

    /// A connection has ended; one that was pushed out need not say so. The value is how long its
    /// source is turned away from now on, where it is.
    pub fn leave(&mut self, ticket: Ticket, how: Departure, now: Instant) -> Option<Duration> {
        let guest = self.remove(ticket)?;
        match how {
            Departure::Offence(offence) if guest.user.is_none() => {
                self.penalties.add(guest.address, offence, &self.limits.penalties, now)
            }
            _ => None,
        }
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Guest> {
        let guest = self.guests.remove(&ticket)?;
        let half_open = usize::from(guest.user.is_none());
        self.half_open = self.half_open.saturating_sub(half_open);
        let source = guest.address.into();
        if let Some(count) = self.sources.get_mut(&source) {
            count.all = count.all.saturating_sub(1);
            count.half_open = count.half_open.saturating_sub(half_open);
            if count.all == 0 {
                self.sources.remove(&source);
            }
        }
        if let Some(user) = &guest.user
            && let Some(count) = self.users.get_mut(user)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.users.remove(user);
            }
        }
        Some(guest)
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.guests.len()
    }

    /// How many of them have not logged in.
    pub fn half_open(&self) -> usize {
        self.half_open
    }

    /// How many sources are remembered that need not be inside.
    pub fn remembered(&self) -> usize {
        self.arrivals.len() + self.penalties.len()
    }
}

/// Why a connection is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// Its source misbehaved, and has to stay away so long.
    #[error("its source is penalised for {} more seconds", .0.as_secs())]
    Penalty(Duration),
    /// Its source connects too often, and has to wait so long.
    #[error("its source connects too often")]
    Rate(Duration),
    /// No more connections can be had.
    #[error("there are too many connections")]
    Full,
    /// Its source has too many connections.
    #[error("its source has too many connections")]
    Source,
    /// Its source has too many connections that have not logged in.
    #[error("its source has too many logins under way")]
    SourceHalfOpen,
    /// Its user has too many connections.
    #[error("the user has too many connections")]
    User,
    /// A newcomer has taken its place.
    #[error("it was pushed out by a newcomer")]
    PushedOut,
}

#[cfg(test)]
mod tests;
