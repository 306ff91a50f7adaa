//! Connections to a display at this machine that stands for one of the peer.

use adit_channels::channel_open::Kind;
use adit_channels::session::{Channel, Handle};

use crate::channel::{dialer, reason};
use crate::dial::Dial;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;

/// Tells the peer of connections to the display that stands for its own, by channels of the type
/// `x11` ([RFC 4254 section 6.3.2](https://www.rfc-editor.org/rfc/rfc4254#section-6.3.2)): the
/// far end, at the server, of X11 forwarding.
#[derive(Debug, Clone)]
pub struct X11 {
    session: Handle,
}

impl X11 {
    /// Tells the peer of this session.
    pub fn new(session: Handle) -> Self {
        Self { session }
    }
}

impl Dial for X11 {
    type Stream = Channel;

    async fn dial(&self, _: &Target, origin: &Origin) -> Result<Channel, Refusal> {
        let (originator, originator_port) = dialer::originator(origin);
        let kind = Kind::X11 { originator, originator_port };
        self.session.open(kind).await.map_err(reason::refusal)
    }
}
