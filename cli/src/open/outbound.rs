//! Where the connections of a remote dynamic tunnel may go.

use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::socket;
use adit_forward::target::Target;

use crate::settings::remote_open::RemoteOpen;

/// Dials from here what clients of a proxy at the server ask for, as far as `PermitRemoteOpen`
/// permits it.
#[derive(Debug)]
pub(super) struct Outbound {
    permitted: RemoteOpen,
    dialer: socket::Dialer,
}

impl Outbound {
    pub(super) fn new(permitted: RemoteOpen) -> Self {
        Self { permitted, dialer: socket::Dialer::default() }
    }
}

impl Dial for Outbound {
    type Stream = socket::Stream;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<socket::Stream, Refusal> {
        if !self.permitted.permits(target) {
            tracing::warn!(%origin, %target, "refused: PermitRemoteOpen does not name it");
            return Err(Refusal::NotAllowed);
        }
        self.dialer.dial(target, origin).await
    }
}
