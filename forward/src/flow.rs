//! One connection through a tunnel, as it is told to those who keep books.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::origin::Origin;
use crate::pipe::{Broken, Meter, Traffic};
use crate::refusal::Refusal;
use crate::target::Target;

/// One connection through a tunnel, from the moment when it is known where it is to go.
#[derive(Debug)]
pub struct Flow {
    /// Who asked for it.
    pub origin: Origin,
    /// Where it goes, as asked.
    pub target: Target,
    began: Instant,
    pub(crate) meter: Meter,
}

impl Flow {
    /// A flow that begins now.
    pub(crate) fn new(origin: Origin, target: Target) -> Self {
        Self { origin, target, began: Instant::now(), meter: Meter::default() }
    }

    /// The bytes delivered so far: `a_to_b` from the one who asked to the target, `b_to_a`
    /// back.
    pub fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }

    /// How long it has lasted.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }
}

/// How a flow ended.
#[derive(Debug)]
pub enum Outcome {
    /// Both sides finished.
    Finished,
    /// The target was not reached.
    Refused(Refusal),
    /// One side broke, and the other was reset. Side A is who asked, side B the target.
    Broken(Broken),
    /// It was cut off from here: the tunnel was stopped, or the whole of it was dropped.
    CutOff,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Broken(broken) => broken.fmt(f),
            Self::CutOff => f.write_str("cut off"),
        }
    }
}

/// Who wants to know of flows.
///
/// It is called in the middle of the work and must not block.
pub trait Observe: Send + Sync + 'static {
    /// A flow began. Who keeps it can see its traffic as it grows.
    fn handle_began(&self, flow: &Arc<Flow>) {
        let _ = flow;
    }

    /// A flow ended. Each that began is told of once.
    fn handle_ended(&self, flow: &Flow, outcome: &Outcome) {
        let _ = (flow, outcome);
    }
}

/// Nobody wants to know.
impl Observe for () {}

/// A flow that runs. It is told to have been cut off if it is dropped.
pub(crate) struct Running {
    pub(crate) flow: Arc<Flow>,
    observer: Arc<dyn Observe>,
    outcome: Outcome,
}

impl Running {
    pub(crate) fn begin(flow: Flow, observer: Arc<dyn Observe>) -> Self {
        let flow = Arc::new(flow);
        tracing::debug!(origin = %flow.origin, target = %flow.target, "connection");
        observer.handle_began(&flow);
        Self { flow, observer, outcome: Outcome::CutOff }
    }

    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Flow { origin, target, .. } = &*self.flow;
        let Traffic { a_to_b: sent, b_to_a: received } = self.flow.traffic();
        let (age, outcome) = (self.flow.age(), &self.outcome);
        tracing::debug!(%origin, %target, sent, received, ?age, %outcome, "connection ended");
        self.observer.handle_ended(&self.flow, outcome);
    }
}
