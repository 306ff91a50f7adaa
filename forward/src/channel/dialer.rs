//! Targets that the peer connects to.

use std::path::Path;

use adit_channels::channel_open::{Kind, Tcpip};
use adit_channels::mux::Class;
use adit_channels::session::{Channel, Handle};

use crate::channel::reason;
use crate::dial::Dial;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;

/// What is said of a program without an address, as OpenSSH does: some servers want one.
const NOBODY: (&str, u32) = ("127.0.0.1", 65535);

/// Dials targets from the peer's machine: the far end of a local or dynamic tunnel.
///
/// Names are resolved there
/// ([RFC 4254 section 7.2](https://www.rfc-editor.org/rfc/rfc4254#section-7.2)); Unix sockets
/// are reached by `direct-streamlocal@openssh.com`
/// ([PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)).
#[derive(Debug, Clone)]
pub struct Dialer {
    session: Handle,
    class: Class,
}

impl Dialer {
    /// Dials through this session.
    pub fn new(session: Handle) -> Self {
        Self { session, class: Class::default() }
    }

    /// Says what its channels are for, as far as the turns of what they send go.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }
}

impl Dial for Dialer {
    type Stream = Channel;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Channel, Refusal> {
        let kind = kind(target, origin)?;
        let channel = self.session.open(kind).await.map_err(reason::refusal)?;
        channel.set_class(self.class);
        Ok(channel)
    }
}

fn kind(target: &Target, origin: &Origin) -> Result<Kind, Refusal> {
    match target {
        Target::Tcp { host, port } => {
            let (originator, originator_port) = originator(origin);
            let (host, port) = (host.clone(), (*port).into());
            Ok(Kind::DirectTcpip(Tcpip { host, port, originator, originator_port }))
        }
        Target::Unix(path) => Ok(Kind::DirectStreamlocal { path: wire_path(path)? }),
    }
}

/// Who asked, as a channel open names it.
pub(super) fn originator(origin: &Origin) -> (String, u32) {
    match origin {
        Origin::Tcp(address) => (address.ip().to_string(), address.port().into()),
        Origin::Reported { host, port } => (host.clone(), (*port).into()),
        Origin::Unix => (NOBODY.0.to_owned(), NOBODY.1),
    }
}

/// A path as a channel open names it.
pub(super) fn wire_path(path: &Path) -> Result<String, Refusal> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Refusal::Other("the socket's path is not utf-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_an_address_gets_one() {
        let target = Target::Tcp { host: "db".to_owned(), port: 5432 };
        let Ok(Kind::DirectTcpip(ends)) = kind(&target, &Origin::Unix) else { panic!() };
        assert_eq!((ends.host.as_str(), ends.port), ("db", 5432));
        assert_eq!((ends.originator.as_str(), ends.originator_port), NOBODY);
    }
}
