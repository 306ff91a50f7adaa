//! Connections to what this machine listens on for the peer.

use adit_channels::channel_open::{Kind, Tcpip};
use adit_channels::session::{Channel, Handle};

use crate::channel::{dialer, reason};
use crate::dial::Dial;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;

/// Tells the peer of connections to what this machine listens on for it: the far end, at the
/// server, of a client's remote tunnels.
///
/// The target is what was connected to: the address as the peer asked for it, by which clients
/// find what they asked for, and the port as it really is
/// (`forwarded-tcpip`, [RFC 4254 section 7.2](https://www.rfc-editor.org/rfc/rfc4254#section-7.2)),
/// or the path as the peer asked for it (`forwarded-streamlocal@openssh.com`,
/// [PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)).
#[derive(Debug, Clone)]
pub struct Forwarded {
    session: Handle,
}

impl Forwarded {
    /// Tells the peer of this session.
    pub fn new(session: Handle) -> Self {
        Self { session }
    }
}

impl Dial for Forwarded {
    type Stream = Channel;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Channel, Refusal> {
        let kind = kind(target, origin)?;
        self.session.open(kind).await.map_err(reason::refusal)
    }
}

fn kind(target: &Target, origin: &Origin) -> Result<Kind, Refusal> {
    match target {
        Target::Tcp { host, port } => {
            let (originator, originator_port) = dialer::originator(origin);
            let (host, port) = (host.clone(), (*port).into());
            Ok(Kind::ForwardedTcpip(Tcpip { host, port, originator, originator_port }))
        }
        Target::Unix(path) => Ok(Kind::ForwardedStreamlocal { path: dialer::wire_path(path)? }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_connected_to_is_named_as_it_was_asked_for() {
        let target = Target::Tcp { host: String::new(), port: 8080 };
        let origin = Origin::Tcp("[::1]:7".parse().unwrap());
        let Ok(Kind::ForwardedTcpip(ends)) = kind(&target, &origin) else { panic!() };
        assert_eq!((ends.host.as_str(), ends.port), ("", 8080));
        assert_eq!((ends.originator.as_str(), ends.originator_port), ("::1", 7));
        let Ok(Kind::ForwardedStreamlocal { path }) = kind(&Target::Unix("s".into()), &origin)
        else {
            panic!()
        };
        assert_eq!(path, "s");
    }
}
