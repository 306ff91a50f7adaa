//! What a certificate permits.

use adit_proto::wire;

/// What a certificate permits: one of its extensions,
/// [PROTOCOL.certkeys](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys), `extensions`.
/// One that is not known permits nothing that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// `no-touch-required`: signatures are good that nobody confirmed by a touch.
    NoTouchRequired,
    /// `permit-port-forwarding`: ports and sockets may be forwarded, in either direction.
    PermitPortForwarding,
    /// `permit-agent-forwarding`: sessions may have the client's agent.
    PermitAgentForwarding,
    /// `permit-pty`: sessions may have a terminal.
    PermitPty,
    /// `permit-X11-forwarding`: sessions may have the client's display.
    PermitX11Forwarding,
    /// Any other, by its name.
    Other(String),
}

impl Extension {
    /// Parses all of them; `None` where they are malformed.
    pub(super) fn parse_all(mut input: &[u8]) -> Option<Vec<Self>> {
        let mut extensions = Vec::new();
        while !input.is_empty() {
            let (rest, name) = wire::utf8(input).ok()?;
            let (rest, _data) = wire::string(rest).ok()?;
            extensions.push(match name {
                "no-touch-required" => Self::NoTouchRequired,
                "permit-port-forwarding" => Self::PermitPortForwarding,
                "permit-agent-forwarding" => Self::PermitAgentForwarding,
                "permit-pty" => Self::PermitPty,
                "permit-X11-forwarding" => Self::PermitX11Forwarding,
                other => Self::Other(other.to_owned()),
            });
            input = rest;
        }
        Some(extensions)
    }
}
