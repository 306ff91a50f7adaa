//! A channel's place among those that its connection may have.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adit_gateway::limits::Limits;
use adit_gateway::limits::allowance::{Allowance, Exceeded};
use tokio::time::Instant;

/// What one connection may have, shared by all that it has.
#[derive(Debug, Clone)]
pub(crate) struct Share(Arc<Mutex<Allowance>>);

/// A channel's place. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    share: Share,
    kind: Kind,
}

/// What has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A tunnelled connection.
    Tunnel,
    /// A session, whose channel counts as all others do.
    #[cfg(feature = "sessions")]
    Session,
}

impl Share {
    /// That of a connection that has nothing yet.
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self(Arc::new(Mutex::new(Allowance::new(limits, now()))))
    }

    /// Goes by other limits from now on. What there is stays.
    pub(crate) fn set_limits(&self, limits: Arc<Limits>) {
        self.lock().set_limits(limits, now());
    }

    /// Takes a place for one channel.
    ///
    /// # Errors
    /// [`Exceeded`]: there must not be another one.
    pub(crate) fn take(&self) -> Result<Place, Exceeded> {
        self.lock().open_channel(now())?;
        Ok(Place { share: self.clone(), kind: Kind::Tunnel })
    }

    /// Takes a place for a session.
    ///
    /// # Errors
    /// [`Exceeded`]: there must not be another one.
    #[cfg(feature = "sessions")]
    pub(crate) fn take_session(&self) -> Result<Place, Exceeded> {
        let mut allowance = self.lock();
        allowance.open_session()?;
        if let Err(exceeded) = allowance.open_channel(now()) {
            allowance.close_session();
            return Err(exceeded);
        }
        drop(allowance);
        Ok(Place { share: self.clone(), kind: Kind::Session })
    }

    fn lock(&self) -> MutexGuard<'_, Allowance> {
        // What a thread that died has left is whole: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts bytes that were carried, and says how long to wait before more are.
    pub(crate) fn carry(&self, bytes: usize) -> Duration {
        self.share.lock().carry(u64::try_from(bytes).unwrap_or(u64::MAX), now())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut allowance = self.share.lock();
        allowance.close_channel();
        match self.kind {
            Kind::Tunnel => {}
            #[cfg(feature = "sessions")]
            Kind::Session => allowance.close_session(),
        }
    }
}

/// The time by the runtime's clock, which tests can stop.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
