//! What is to be opened.

use std::time::Duration;

use adit_channels::mux::{Class, Fund, Keepalive};
use adit_channels::session;
use adit_forward::target::Target;

use crate::client::{Route, keep_alive};
use crate::open::placement::First;
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
    /// How many connections there may be.
    pub(super) connections: usize,
    /// The classes of the first tunnels. All others are ordinary.
    pub(super) classes: Vec<Class>,
    /// The memory of all connections.
    pub(super) fund: Fund,
}

/// How the server's life is watched by whoever wants to connect again: half a minute of silence
/// is its end.
const LIFE: Keepalive = Keepalive { interval: Duration::from_secs(10), count: 2 };

/// What all connections together may hold, in bytes.
pub(super) const MEMORY: u64 = 512 * 1024 * 1024;

impl Plan {
    /// The class of a tunnel, by its place among them.
    pub(super) fn class(&self, number: usize) -> Class {
        self.classes.get(number).copied().unwrap_or_default()
    }

    /// What the first connection is for.
    pub(super) fn first(&self) -> First {
        let apart = self.classes.contains(&Class::Interactive);
        if apart { First::NotForBulk } else { First::ForAll }
    }

    /// How the sessions run. Whoever wants to connect again has to learn that the server is gone.
    pub(super) fn session(&self) -> session::Config {
        let mut config = session::Config::default();
        let settings = self.route.settings();
        keep_alive(settings, &mut config);
        if self.loss == Loss::Reconnect && !settings.alive_named {
            config.limits.keepalive = Some(LIFE);
        }
        config.limits.fund = Some(self.fund.clone());
        config
    }
}

/// What to do where the connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is the end.
    End,
    /// Connect again.
    Reconnect,
}
