//! Tunnels beside a session, through its connection.

use std::io;

use adit_channels::mux::Fund;
use adit_channels::session::{self, Handle};
use adit_forward::channel::Routes;
use adit_forward::stop::{Signal, Switch};
use adit_ssh_config::config::Config;
use tokio::task::JoinError;

use crate::client::Route;
use crate::failure::Failure;
use crate::open;
use crate::open::board::Board;
use crate::open::opening::{Opening, Relays, Standing};
use crate::open::placement::First;
use crate::open::plan::{Loss, MEMORY, Plan};
use crate::open::ready::Audience;
use crate::open::server::Server;

/// Tunnels beside a session, through its connection. Dropped, they are closed.
pub(crate) struct Beside {
    plan: Plan,
    board: Board,
    standing: Standing,
    passing: Relays,
    _switch: Switch,
    signal: Signal,
}

impl Beside {
    /// Those that a server's configuration asks for.
    pub(crate) fn new(route: Route, config: &Config) -> Self {
        let tunnels = open::all(Vec::new(), config, route.settings());
        let fund = Fund::new(MEMORY, route.servers());
        let plan = Plan {
            route,
            stdio: None,
            tunnels,
            audience: Audience::Nobody,
            loss: Loss::End,
            connections: 1,
            classes: Vec::new(),
            fund,
        };
        let (switch, signal) = Switch::new();
        Self {
            plan,
            board: Board::new(1, First::ForAll),
            standing: Standing::default(),
            passing: Relays::new(),
            _switch: switch,
            signal,
        }
    }

    /// The way to the server.
    pub(crate) fn route(&self) -> &Route {
        &self.plan.route
    }

    /// The memory of the connection.
    pub(crate) fn fund(&self) -> Fund {
        self.plan.fund.clone()
    }

    /// How the connection runs.
    pub(crate) fn session(&self) -> session::Config {
        self.plan.session()
    }

    /// Opens them. One that cannot be opened is told, and the session goes on without, unless
    /// `ExitOnForwardFailure` says otherwise.
    ///
    /// # Errors
    /// Where it does.
    pub(crate) async fn open(
        &mut self,
        session: &Handle,
        server: Server,
        routes: &Routes,
    ) -> Result<(), Failure> {
        self.board.add(open::FIRST, session.clone());
        let opening = Opening { plan: &self.plan, server, session, routes, board: &self.board };
        self.passing = opening.open(&self.signal, &mut self.standing).await?;
        Ok(())
    }

    /// Waits for one of them to end by itself, for as long as there are any. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Result<io::Result<()>, JoinError>> {
        open::next(&mut self.passing, &mut self.standing.relays).await
    }
}
