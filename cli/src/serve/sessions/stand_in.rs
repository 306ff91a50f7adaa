//! What stands at this machine for something of a client's.

use std::io;
use std::sync::Arc;

use adit_channels::session::Channel;
use adit_forward::accept::Accept;
use adit_forward::dial::Dial;
use adit_forward::fixed::Fixed;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::relay::{Limits, Relay};
use adit_forward::target::Target;
use adit_gateway::service::Service;
use adit_gateway::verdict::Reason;
use tokio::task::JoinHandle;

use crate::serve::gate::Gate;
use crate::serve::paced::Paced;
use crate::serve::world::World;

/// Most connections at once to one of these.
const CONNECTIONS: usize = 256;

/// A listener at this machine that stands for something of a client's, its agent or its display.
/// It ends when this is dropped.
#[derive(Debug)]
pub(super) struct StandIn(JoinHandle<io::Result<()>>);

impl StandIn {
    /// Has connections to `listener` reach the client by `dial`, as long as the policy allows
    /// `service`.
    pub(super) fn new<L, D, W>(listener: L, dial: D, gate: Arc<Gate<W>>, service: Service) -> Self
    where
        L: Accept,
        D: Dial<Stream = Channel>,
        W: World,
    {
        let target = Target::Unix(service.to_string().into());
        let limits = Limits { connections: CONNECTIONS, ..Limits::default() };
        let bell = Bell { gate, dial, service };
        let relay = Relay::new(Fixed::new(listener, target), bell).limits(limits);
        Self(tokio::spawn(relay.run()))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Tells the client of connections.
struct Bell<D, W> {
    gate: Arc<Gate<W>>,
    dial: D,
    service: Service,
}

impl<D: Dial<Stream = Channel>, W: World> Dial for Bell<D, W> {
    type Stream = Paced<Channel>;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Self::Stream, Refusal> {
        let standing = self.gate.standing();
        if let Err(reason) = self.gate.judge_session(&standing, &self.service) {
            tracing::warn!(service = %self.service, %reason, "refused: it is no longer allowed");
            return Err(reason.refusal());
        }
        let place = self.gate.place().map_err(|it| Reason::Limit(it).refusal())?;
        Ok(Paced::new(self.dial.dial(target, origin).await?, place))
    }
}
