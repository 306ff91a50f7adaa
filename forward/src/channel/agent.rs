//! Connections to an agent of the peer.

use adit_channels::channel_open::Kind;
use adit_channels::session::{Channel, Handle};

use crate::channel::reason;
use crate::dial::Dial;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;

/// Reaches the agent of the peer, by channels of the type `auth-agent@openssh.com`
/// ([PROTOCOL.agent](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.agent)):
/// the far end, at the server, of agent forwarding.
#[derive(Debug, Clone)]
pub struct Agent {
    session: Handle,
}

impl Agent {
    /// Reaches that of this session's peer.
    pub fn new(session: Handle) -> Self {
        Self { session }
    }
}

impl Dial for Agent {
    type Stream = Channel;

    async fn dial(&self, _: &Target, _: &Origin) -> Result<Channel, Refusal> {
        self.session.open(Kind::AuthAgent).await.map_err(reason::refusal)
    }
}
