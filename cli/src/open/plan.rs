//! What is to be opened.

use adit_forward::target::Target;

use crate::client::Route;
use crate::open::ready::Audience;
use crate::open::tunnel::Tunnel;

/// What is to be opened: checked words.
pub(super) struct Plan {
    pub(super) route: Route,
    /// What standard input and output are joined to, in place of tunnels.
    pub(super) stdio: Option<Target>,
    pub(super) tunnels: Vec<Tunnel>,
    pub(super) audience: Audience,
    pub(super) loss: Loss,
}

/// What to do where the connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// It is the end.
    End,
    /// Connect again.
    Reconnect,
}
