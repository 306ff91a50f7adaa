//! What the parts of a session share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};

use tokio::runtime::Handle as Runtime;
use tokio::sync::Notify;

use crate::mux::mux::Mux;
use crate::session::cause::Cause;
use crate::session::parking::{Park, Room};
use crate::session::state::State;

/// What the parts of a session share. The lock is held for moments only, and never while
/// anything is awaited, sealed or opened.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// The session has ended.
    ended: Notify,
    /// There is no channel any more.
    idle: Notify,
    /// How many members there are.
    members: AtomicUsize,
    /// Where the driver runs, once it does.
    home: OnceLock<Runtime>,
}

/// A part of a session that has a use for it. When there is none left the session ends.
#[derive(Debug)]
pub(super) struct Member(Arc<Shared>);

impl Shared {
    pub(super) fn new(mux: Mux) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(mux)),
            ended: Notify::new(),
            idle: Notify::new(),
            members: AtomicUsize::new(0),
            home: OnceLock::new(),
        })
    }

    pub(super) fn member(self: &Arc<Self>) -> Member {
        self.members.fetch_add(1, Ordering::Relaxed);
        Member(Arc::clone(self))
    }

    /// The driver runs here.
    pub(super) fn settle(&self) {
        if self.home.get().is_none()
            && let Ok(runtime) = Runtime::try_current()
        {
            // It is set once: a driver that is moved on has its first home.
            let _ = self.home.set(runtime);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parks the driver, if it has nothing to do. The pipe and the clock wake it too.
    pub(super) fn park(&self, room: Room, cx: &Context<'_>) -> Park {
        let mut state = self.lock();
        if room == Room::Some && state.mux.has_message() {
            return Park::Busy;
        }
        let silent = !state.mux.has_message();
        state.driver.park(room, cx);
        // Whoever leaves as the last after this look finds the driver parked, and wakes it.
        if silent && self.members.load(Ordering::Acquire) == 0 {
            Park::Deserted
        } else {
            Park::Parked
        }
    }

    /// The session has ended: everybody who waits for anything learns it.
    pub(super) fn end(&self, cause: Cause) {
        let mut wakers = Vec::new();
        self.lock().end(cause, &mut wakers);
        wake(wakers);
        self.ended.notify_waiters();
        self.idle.notify_waiters();
    }

    /// There is no channel any more.
    pub(super) fn tell_idle(&self) {
        self.idle.notify_waiters();
    }

    /// Waits until there is no channel, or the session has ended.
    pub(super) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.lock().is_at_rest() {
                return;
            }
            idle.await;
        }
    }

    /// Waits for the end of the session.
    pub(super) async fn ended(&self) -> Cause {
        loop {
            let ended = self.ended.notified();
            if let Some(cause) = self.lock().cause() {
                return cause;
            }
            ended.await;
        }
    }
}

impl Member {
    /// Does something, and wakes the driver where that gives it something to do.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock();
        let result = act(&mut state);
        let driver = state.rouse();
        drop(state);
        wake(driver);
        result
    }

    /// To look, or to wait; what is done so gives the driver nothing to do.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Where the driver runs, if it does.
    pub(super) fn home(&self) -> Option<&Runtime> {
        self.0.home.get()
    }

    /// Waits for the end of the session.
    pub(super) async fn ended(&self) -> Cause {
        self.0.ended().await
    }

    /// Waits until there is no channel, or the session has ended.
    pub(super) async fn idle(&self) {
        self.0.idle().await;
    }
}

impl Clone for Member {
    fn clone(&self) -> Self {
        self.0.member()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.0.members.fetch_sub(1, Ordering::AcqRel) == 1 {
            let driver = self.0.lock().driver.rouse();
            wake(driver);
        }
    }
}

/// Wakes tasks; not while the lock is held, into which they would run at once.
pub(super) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        waker.wake();
    }
}
