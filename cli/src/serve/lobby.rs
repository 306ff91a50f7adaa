//! Where connections are counted, and from where some are sent away.

use std::collections::HashMap;
use std::future::pending;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_gateway::limits::Limits;
use adit_gateway::limits::door::{Departure, Door, Ticket, Turned};
use adit_gateway::limits::penalties::Offence;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Counts all connections of a gateway, and tells those that have to make room.
#[derive(Debug)]
pub(crate) struct Lobby(Mutex<Inside>);

#[derive(Debug)]
struct Inside {
    door: Door,
    /// By whom those that have not logged in are told to leave.
    half_open: HashMap<Ticket, oneshot::Sender<()>>,
}

/// A connection that was let in. It leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    lobby: Arc<Lobby>,
    ticket: Ticket,
    address: IpAddr,
    departure: Departure,
    pushed_out: Option<PushedOut>,
}

/// Tells when a newcomer has taken a connection's place.
#[derive(Debug)]
pub(crate) struct PushedOut(Option<oneshot::Receiver<()>>);

impl Lobby {
    /// A lobby with nobody inside.
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self(Mutex::new(Inside { door: Door::new(limits), half_open: HashMap::new() }))
    }

    /// Goes by other limits from now on. Whoever is inside stays.
    pub(crate) fn set_limits(&self, limits: Arc<Limits>) {
        self.lock().door.set_limits(limits);
    }

    /// Lets a connection in.
    ///
    /// # Errors
    /// [`Turned`]. The connection is to be ended without a word.
    pub(crate) fn arrive(self: &Arc<Self>, address: IpAddr) -> Result<Visit, Turned> {
        let mut inside = self.lock();
        let arrival = inside.door.arrive(address, now())?;
        if let Some(sender) = arrival.pushed_out.and_then(|it| inside.half_open.remove(&it)) {
            // It may just have ended by itself.
            let _ = sender.send(());
        }
        let (sender, receiver) = oneshot::channel();
        inside.half_open.insert(arrival.ticket, sender);
        drop(inside);
        Ok(Visit {
            lobby: Arc::clone(self),
            ticket: arrival.ticket,
            address,
            departure: Departure::InOrder,
            pushed_out: Some(PushedOut(Some(receiver))),
        })
    }

    /// How many connections there are, and how many of them have not logged in.
    #[cfg(test)]
    pub(crate) fn count(&self) -> (usize, usize) {
        let inside = self.lock();
        (inside.door.connections(), inside.door.half_open())
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // What a thread that died has left is whole: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    /// It has logged in.
    ///
    /// # Errors
    /// [`Turned`]: the login is to be refused.
    pub(crate) fn enter(&self, user: &Arc<str>) -> Result<(), Turned> {
        let mut inside = self.lobby.lock();
        inside.door.enter(self.ticket, user)?;
        inside.half_open.remove(&self.ticket);
        Ok(())
    }

    /// Notes what it will have left by, where that is an offence.
    pub(crate) fn offended(&mut self, offence: Option<Offence>) {
        self.departure = offence.map_or(Departure::InOrder, Departure::Offence);
    }

    /// Tells when a newcomer has taken its place. It is told to the first who asks.
    pub(crate) fn pushed_out(&mut self) -> PushedOut {
        self.pushed_out.take().unwrap_or(PushedOut(None))
    }
}

impl PushedOut {
    /// Returns when it is so, which it is no more after a login.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn wait(&mut self) {
        if let Some(receiver) = &mut self.0
            && receiver.await.is_ok()
        {
            return;
        }
        self.0 = None;
        pending::<()>().await;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut inside = self.lobby.lock();
        inside.half_open.remove(&self.ticket);
        let penalty = inside.door.leave(self.ticket, self.departure, now());
        drop(inside);
        if let Some(length) = penalty {
            let (source, seconds) = (self.address, length.as_secs());
            tracing::warn!(%source, seconds, "turned away from now on");
        }
    }
}

/// The time by the runtime's clock, which tests can stop.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn lobby(half_open: usize) -> Arc<Lobby> {
        let limits = Limits { half_open, half_open_per_source: half_open, ..Limits::default() };
        Arc::new(Lobby::new(Arc::new(limits)))
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_pushes_out_who_has_not_logged_in() {
        let lobby = lobby(2);
        let mut first = lobby.arrive(address(1)).unwrap();
        let mut second = lobby.arrive(address(1)).unwrap();
        second.enter(&"ann".into()).unwrap();
        let _third = lobby.arrive(address(2)).unwrap();
        let _fourth = lobby.arrive(address(3)).unwrap();
        first.pushed_out().wait().await;
        assert!(timeout(Duration::from_secs(60), second.pushed_out().wait()).await.is_err());
        assert_eq!(first.enter(&"ann".into()), Err(Turned::PushedOut));
        assert_eq!(lobby.count(), (3, 2));
        drop((first, second));
        assert_eq!(lobby.count(), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_misbehaves_again_and_again_is_turned_away_for_a_time() {
        let lobby = lobby(8);
        while let Ok(mut visit) = lobby.arrive(address(1)) {
            visit.offended(Some(Offence::AuthFailed));
        }
        assert!(matches!(lobby.arrive(address(1)), Err(Turned::Penalty(_))));
        assert!(lobby.arrive(address(2)).is_ok(), "others come in");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(lobby.arrive(address(1)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_after_the_login_costs_nothing() {
        let lobby = lobby(8);
        for _ in 0..100 {
            let mut visit = lobby.arrive(address(1)).unwrap();
            visit.enter(&"ann".into()).unwrap();
            visit.offended(Some(Offence::Crash));
        }
        assert_eq!(lobby.count(), (0, 0));
    }
}
