//! Tunnels beside a session, through its connection.

use adit_channels::mux::{Class, Fund};
use adit_channels::session;
use adit_forward::stop::{Signal, Switch};
use adit_ssh_config::config::Config;

use crate::client::{Route, keep_alive};
use crate::failure::Failure;
use crate::open;
use crate::open::opening::{Terms, Through};
use crate::open::plan::{Loss, MEMORY};
use crate::open::ready::Audience;
use crate::open::tunnel::Tunnel;
use crate::open::tunnels::Tunnels;

/// Tunnels beside a session, through its connection. Dropped, they are closed.
pub(crate) struct Beside {
    route: Route,
    asked: Vec<Tunnel>,
    fund: Fund,
    _switch: Switch,
    signal: Signal,
}

impl Beside {
    /// Those that a server's configuration asks for.
    pub(crate) fn new(route: Route, config: &Config) -> Self {
        let asked = open::all(Vec::new(), config, route.settings());
        let fund = Fund::new(MEMORY, route.servers());
        let (switch, signal) = Switch::new();
        Self { route, asked, fund, _switch: switch, signal }
    }

    /// The way to the server.
    pub(crate) fn route(&self) -> &Route {
        &self.route
    }

    /// The tunnels that are asked for.
    pub(crate) fn asked(&self) -> &[Tunnel] {
        &self.asked
    }

    /// The memory of the connection.
    pub(crate) fn fund(&self) -> Fund {
        self.fund.clone()
    }

    /// How the connection runs.
    pub(crate) fn session(&self) -> session::Config {
        let mut config = session::Config::default();
        keep_alive(self.route.settings(), &mut config);
        config.limits.fund = Some(self.fund.clone());
        config
    }

    /// Opens them. One that cannot be opened is told, and the session goes on without, unless
    /// `ExitOnForwardFailure` says otherwise.
    ///
    /// # Errors
    /// Where it does.
    pub(crate) async fn open(&self, through: &Through) -> Result<Tunnels, Failure> {
        let settings = self.route.settings().clone();
        let terms = Terms { settings, loss: Loss::End, audience: Audience::Nobody };
        let tunnels = Tunnels::of_one(terms, through.session.clone(), self.signal.clone());
        for tunnel in &self.asked {
            tunnels.want(tunnel.clone(), Class::default());
        }
        // That none is open is the end of nothing here.
        tunnels.open(through).await?;
        Ok(tunnels)
    }
}
