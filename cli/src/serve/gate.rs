//! What a user of a gateway may reach.

use std::net::SocketAddr;
use std::sync::Arc;

use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::socket;
use adit_forward::target::Target;

use crate::serve::doorman::Guest;
use crate::serve::permit::Permit;

/// Dials for one user what the gateway and the user's key permit, and nothing else.
#[derive(Debug)]
pub(crate) struct Gate {
    permits: Arc<[Permit]>,
    guest: Guest,
    peer: SocketAddr,
    dialer: socket::Dialer,
}

impl Gate {
    /// A gate for the user who came from `peer`.
    pub(crate) fn new(permits: Arc<[Permit]>, guest: Guest, peer: SocketAddr) -> Self {
        Self { permits, guest, peer, dialer: socket::Dialer::default() }
    }

    fn permits(&self, target: &Target) -> bool {
        let by_key = match target {
            Target::Tcp { host, port } => self.guest.permissions.permits_open(host, *port),
            Target::Unix(_) => self.guest.permissions.permits_socket(),
        };
        by_key && self.permits.iter().any(|permit| permit.matches(target))
    }
}

impl Dial for Gate {
    type Stream = socket::Stream;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<socket::Stream, Refusal> {
        let (peer, user) = (self.peer, &self.guest.user);
        if !self.permits(target) {
            tracing::warn!(%peer, user, %target, "refused: not permitted");
            return Err(Refusal::NotAllowed);
        }
        let dialled = self.dialer.dial(target, origin).await;
        match &dialled {
            Ok(_) => tracing::info!(%peer, user, %target, "connected"),
            Err(refusal) => tracing::info!(%peer, user, %target, %refusal, "not connected"),
        }
        dialled
    }
}
