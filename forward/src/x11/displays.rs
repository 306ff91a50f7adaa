//! The displays that the peer of a session may show windows on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::channel::routes::{Registration, Routes, Taker, Wanted};
use crate::target::Target;
use crate::x11::cookie::Cookie;
use crate::x11::setup::Setup;

/// The displays that the peer of a session may show windows on, each known by the cookie that
/// was announced for it. All its clones are the same.
#[derive(Debug, Clone)]
pub struct Displays {
    routes: Routes,
    taker: Taker,
    table: Table,
}

/// A display that windows may be shown on.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The cookie that the peer is told, made up for this.
    pub announced: Cookie,
    /// The cookie that the display wants.
    pub real: Cookie,
    /// Where the display listens.
    pub target: Target,
    /// When no new connection is taken any more.
    pub until: Option<Instant>,
    /// How many are.
    pub connections: Connections,
}

/// How many connections to a display are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// One, and no more.
    One,
    /// Any number of them.
    Any,
}

/// That a display may be shown, until it is dropped. Connections that are open go on.
#[derive(Debug)]
pub struct Permit {
    _registration: Registration,
    table: Table,
    number: u64,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    /// It shows no cookie that was announced.
    #[error("the cookie is wrong")]
    Cookie,
    /// All that were to come have come.
    #[error("no more connections are taken")]
    Enough,
    /// It comes too late.
    #[error("the time for X11 is over")]
    Late,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Table(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    shown: Vec<(u64, Shown)>,
}

impl Displays {
    pub(super) fn new(routes: Routes, taker: Taker, table: Table) -> Self {
        Self { routes, taker, table }
    }

    /// Lets the peer show windows on a display from now on. It is to be told so only after this,
    /// for channels may come before its answer.
    pub fn show(&self, shown: Shown) -> Permit {
        let number = self.table.add(shown);
        let _registration = self.routes.register_for(Wanted::X11, &self.taker);
        Permit { _registration, table: self.table.clone(), number }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.table.lock().shown.retain(|(number, _)| *number != self.number);
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, shown: Shown) -> u64 {
        let mut entries = self.lock();
        entries.last = entries.last.wrapping_add(1);
        let number = entries.last;
        entries.shown.push((number, shown));
        number
    }

    /// Whether any connection can be taken.
    ///
    /// # Errors
    /// Why none can.
    pub(super) fn is_open(&self, now: Instant) -> Result<(), Denied> {
        let entries = self.lock();
        if entries.shown.iter().any(|(_, it)| it.until.is_none_or(|until| now < until)) {
            return Ok(());
        }
        Err(if entries.shown.is_empty() { Denied::Enough } else { Denied::Late })
    }

    /// The display whose cookie a set-up shows: where it is, and the set-up as it wants it.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn admit(&self, setup: &Setup, now: Instant) -> Result<Shown, Denied> {
        let mut entries = self.lock();
        let found = entries.shown.iter().position(|(_, it)| setup.shows(&it.announced));
        let at = found.ok_or(Denied::Cookie)?;
        let (_, shown) = entries.shown.get(at).ok_or(Denied::Cookie)?;
        if shown.until.is_some_and(|until| now >= until) {
            return Err(Denied::Late);
        }
        let shown = shown.clone();
        if shown.connections == Connections::One {
            entries.shown.remove(at);
        }
        Ok(shown)
    }
}
