//! Which channels of the peer are taken here, and by whom.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_channels::channel_open::{Kind, Reason};
use adit_channels::session::{Opening, Openings};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// How many channels may wait for one taker, as connections do in a listening socket's backlog;
/// more are refused.
const BACKLOG: usize = 128;

/// How many channels may wait for a port to become known; more are refused.
const HELD: usize = 64;

/// Longest name of an originator, in bytes. Addresses are shorter, and what waits here is not to
/// hold much.
const LONGEST: usize = 1024;

/// Which channels of the peer are taken here, and by whom. All its clones are the same.
///
/// What nobody has registered for is refused, so the peer can open nothing that was not asked
/// for.
///
/// ```text
///  Openings -> Router -> matches a route ------------------> its taker
///                  |---> may be for a port that the peer is
///                  |     choosing: held until it is known -> as above
///                  '---> anything else --------------------> refused
/// ```
#[derive(Debug, Clone, Default)]
pub struct Routes(Arc<Mutex<Table>>);

/// Hands the channels that the peer of a session opens to those who have registered for them.
#[derive(Debug)]
pub struct Router {
    openings: Openings,
    routes: Routes,
}

/// What is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `forwarded-tcpip`, of this address and port.
    Tcp {
        /// As the peer was told.
        host: String,
        port: Port,
    },
    /// `forwarded-streamlocal@openssh.com`, of this path.
    Unix(PathBuf),
    /// `x11`.
    X11,
    /// `auth-agent@openssh.com`.
    Agent,
}

/// A port at the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Known(u16),
    /// The peer chooses it, and has not told it yet.
    Chosen,
}

/// A registration with what comes by it.
#[derive(Debug)]
pub(crate) struct Route {
    registration: Registration,
    coming: mpsc::Receiver<Opening>,
}

/// A registration, until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    routes: Routes,
    number: u64,
}

/// Whom channels are given to: one taker can be registered several times.
#[derive(Debug, Clone)]
pub(crate) struct Taker(mpsc::Sender<Opening>);

impl Taker {
    /// A taker, and what is given to it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Opening>) {
        let (taker, coming) = mpsc::channel(BACKLOG);
        (Self(taker), coming)
    }
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    ended: bool,
    /// A channel that nobody asked for has come, and was told of.
    warned: bool,
    entries: Vec<Entry>,
    /// They may be for a port that the peer is choosing.
    held: VecDeque<Opening>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    wanted: Wanted,
    taker: Taker,
}

impl Router {
    /// Hands the channels of a session to those who register in `routes`, which is to be of this
    /// session only.
    pub fn new(openings: Openings, routes: Routes) -> Self {
        Self { openings, routes }
    }

    /// Runs until the session ends.
    ///
    /// # Cancel safety
    /// Dropping the future ends all registrations, and all channels are refused from then on.
    pub async fn run(mut self) {
        while let Some(opening) = self.openings.next().await {
            self.routes.handle(opening);
        }
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let mut table = self.routes.lock();
        table.ended = true;
        let (entries, held) = (std::mem::take(&mut table.entries), std::mem::take(&mut table.held));
        // What waits is refused by being dropped, for which the table need not be locked.
        drop(table);
        drop((entries, held));
    }
}

impl Routes {
    /// Takes channels from now on.
    pub(crate) fn register(&self, wanted: Wanted) -> Route {
        let (taker, coming) = Taker::new();
        Route { registration: self.register_for(wanted, &taker), coming }
    }

    /// Has channels given to this taker from now on.
    pub(crate) fn register_for(&self, wanted: Wanted, taker: &Taker) -> Registration {
        let mut table = self.lock();
        table.last = table.last.wrapping_add(1);
        let number = table.last;
        if !table.ended {
            table.entries.push(Entry { number, wanted, taker: taker.clone() });
        }
        Registration { routes: self.clone(), number }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a channel to its taker, holds it, or refuses it.
    fn handle(&self, opening: Opening) {
        if !is_brief(opening.kind()) {
            return opening.refuse(Reason::CONNECT_FAILED, "the originator is no address");
        }
        let mut table = self.lock();
        match table.taker(opening.kind()) {
            Some(taker) => {
                drop(table);
                give(&taker, opening);
            }
            None if table.may_become_known(opening.kind()) && table.held.len() < HELD => {
                table.held.push_back(opening);
            }
            None => {
                if !std::mem::replace(&mut table.warned, true) {
                    let name = opening.kind().name();
                    tracing::warn!(name, "the peer opens channels that nobody asked for");
                }
                drop(table);
                refuse(opening);
            }
        }
    }

    /// Looks anew at what was held, since what is known has changed.
    fn reconsider(&self) {
        let held = std::mem::take(&mut self.lock().held);
        held.into_iter().for_each(|opening| self.handle(opening));
    }
}

fn give(Taker(taker): &Taker, opening: Opening) {
    match taker.try_send(opening) {
        Ok(()) => {}
        Err(TrySendError::Full(opening)) => {
            tracing::debug!("refused a channel, for too many wait to be taken");
            opening.refuse(Reason::RESOURCE_SHORTAGE, "too many connections wait");
        }
        Err(TrySendError::Closed(opening)) => refuse(opening),
    }
}

fn refuse(opening: Opening) {
    let name = opening.kind().name();
    tracing::debug!(name, "refused a channel that nobody asked for");
    let reason = match opening.kind() {
        Kind::Other { .. } => Reason::UNKNOWN_CHANNEL_TYPE,
        _ => Reason::ADMINISTRATIVELY_PROHIBITED,
    };
    opening.refuse(reason, "nobody asked for that");
}

/// Whether what comes with a channel is as short as it should be.
fn is_brief(kind: &Kind) -> bool {
    match kind {
        Kind::ForwardedTcpip(ends) => ends.originator.len() <= LONGEST,
        Kind::X11 { originator, .. } => originator.len() <= LONGEST,
        _ => true,
    }
}

impl Table {
    /// Who takes a channel.
    ///
    /// The port counts first. Of several routes to one port, the address as it was asked for
    /// decides, then one that means the same. Where there is only one, the address does not
    /// matter: some servers name the one that they bound in its place, and what a hostile one
    /// says is its own choice in any case.
    fn taker(&self, kind: &Kind) -> Option<Taker> {
        let found = match kind {
            Kind::ForwardedTcpip(ends) => {
                let to_port: Vec<(&String, &Entry)> = self
                    .entries
                    .iter()
                    .filter_map(|entry| match &entry.wanted {
                        Wanted::Tcp { host, port: Port::Known(port) }
                            if u32::from(*port) == ends.port =>
                        {
                            Some((host, entry))
                        }
                        _ => None,
                    })
                    .collect();
                let by = |same: fn(&str, &str) -> bool| {
                    to_port.iter().find(|(host, _)| same(host, &ends.host))
                };
                let only = if to_port.len() == 1 { to_port.first() } else { None };
                by(str::eq_ignore_ascii_case)
                    .or_else(|| by(mean_the_same))
                    .or(only)
                    .map(|(_, entry)| *entry)
            }
            Kind::ForwardedStreamlocal { path } => {
                let wanted = Wanted::Unix(path.into());
                self.entries.iter().find(|entry| entry.wanted == wanted)
            }
            Kind::X11 { .. } => self.entries.iter().find(|entry| entry.wanted == Wanted::X11),
            Kind::AuthAgent => self.entries.iter().find(|entry| entry.wanted == Wanted::Agent),
            _ => None,
        };
        found.map(|entry| entry.taker.clone())
    }

    /// Whether a channel may be for a port that the peer is choosing.
    fn may_become_known(&self, kind: &Kind) -> bool {
        let chosen = |entry: &Entry| matches!(entry.wanted, Wanted::Tcp { port: Port::Chosen, .. });
        matches!(kind, Kind::ForwardedTcpip(_)) && self.entries.iter().any(chosen)
    }
}

/// Whether two addresses to listen on mean the same,
/// [RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1).
fn mean_the_same(one: &str, other: &str) -> bool {
    let all = |host: &str| matches!(host, "" | "*" | "0.0.0.0" | "::");
    let loopback = |host: &str| {
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|it| it.to_canonical().is_loopback())
    };
    let address = |host: &str| host.parse::<IpAddr>().ok().map(|it| it.to_canonical());
    (all(one) && all(other))
        || (loopback(one) && loopback(other))
        || (address(one).is_some() && address(one) == address(other))
}

impl Route {
    /// The next channel; `None` when the session has ended. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Opening> {
        self.coming.recv().await
    }

    /// Tells the port that the peer has chosen.
    pub(crate) fn settle(&self, chosen: u16) {
        let Registration { routes, number } = &self.registration;
        let mut table = routes.lock();
        let own = table.entries.iter_mut().find(|entry| entry.number == *number);
        if let Some(Entry { wanted: Wanted::Tcp { port, .. }, .. }) = own {
            *port = Port::Known(chosen);
        }
        drop(table);
        routes.reconsider();
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut table = self.routes.lock();
        table.entries.retain(|entry| entry.number != self.number);
        drop(table);
        self.routes.reconsider();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mean_the_same_are_known() {
        for (one, other) in [
            ("", "0.0.0.0"),
            ("*", "::"),
            ("localhost", "127.0.0.1"),
            ("LOCALHOST", "::1"),
            ("10.0.0.1", "::ffff:10.0.0.1"),
        ] {
            assert!(mean_the_same(one, other) && mean_the_same(other, one), "{one} {other}");
        }
        for (one, other) in [("", "localhost"), ("10.0.0.1", "10.0.0.2"), ("a", "b")] {
            assert!(!mean_the_same(one, other), "{one} {other}");
        }
    }
}
