//! What goes through the tunnels of a connection at the moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_forward::flow::{Flow, Observe, Outcome};

/// The connections that go through tunnels at the moment. All its clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Flows(Arc<Book>);

#[derive(Default)]
struct Book {
    /// How many there were.
    began: AtomicU64,
    running: Mutex<Running>,
}

/// Flows by where they are in memory, with the kinds of their tunnels.
type Running = HashMap<usize, (&'static str, Arc<Flow>)>;

/// Writes down the flows of one tunnel.
struct Tunnel {
    kind: &'static str,
    flows: Flows,
}

impl Flows {
    /// Who writes down the flows of a tunnel of this kind.
    pub(super) fn of(&self, kind: &'static str) -> Arc<dyn Observe> {
        Arc::new(Tunnel { kind, flows: self.clone() })
    }

    /// Those that run, the oldest first, with the kinds of their tunnels.
    pub(crate) fn list(&self) -> Vec<(&'static str, Arc<Flow>)> {
        let mut list: Vec<_> = self.lock().values().cloned().collect();
        list.sort_by_key(|(_, flow)| std::cmp::Reverse(flow.age()));
        list
    }

    /// How many there were since the beginning.
    pub(crate) fn began(&self) -> u64 {
        self.0.began.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As long as a flow is in the book, no other can be where it is.
fn place(flow: &Flow) -> usize {
    std::ptr::from_ref(flow).addr()
}

impl Observe for Tunnel {
    fn handle_began(&self, flow: &Arc<Flow>) {
        self.flows.0.began.fetch_add(1, Ordering::Relaxed);
        self.flows.lock().insert(place(flow), (self.kind, Arc::clone(flow)));
    }

    fn handle_ended(&self, flow: &Flow, _: &Outcome) {
        self.flows.lock().remove(&place(flow));
    }
}
