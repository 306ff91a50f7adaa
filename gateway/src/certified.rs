//! What a certificate permits its user.

use adit_transport::authorized_keys::option::Grant;
use adit_transport::certificate::{Certificate, Extension, Restriction};

/// What the certificate of a login permits. Without one, everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// Whether anything is forwarded.
    pub forwarding: Grant,
    /// Whether sessions have a terminal.
    pub pty: Grant,
    /// Whether sessions have the client's agent.
    pub agent: Grant,
    /// Whether sessions have the client's display.
    pub x11: Grant,
    /// What is run in place of what the client asks for, by `force-command`.
    pub command: Option<String>,
}

impl Default for Certified {
    fn default() -> Self {
        let all = Grant::Allowed;
        Self { forwarding: all, pty: all, agent: all, x11: all, command: None }
    }
}

impl Certified {
    /// What this certificate permits.
    pub fn of(certificate: &Certificate) -> Self {
        let grant = |extension: Extension| {
            if certificate.extensions().contains(&extension) {
                Grant::Allowed
            } else {
                Grant::Denied
            }
        };
        let command = certificate.restrictions().iter().find_map(|it| match it {
            Restriction::ForceCommand(command) => Some(command.clone()),
            _ => None,
        });
        Self {
            forwarding: grant(Extension::PermitPortForwarding),
            pty: grant(Extension::PermitPty),
            agent: grant(Extension::PermitAgentForwarding),
            x11: grant(Extension::PermitX11Forwarding),
            command,
        }
    }
}
