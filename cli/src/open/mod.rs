//! `adit open`: tunnels through a server, in the foreground.

use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use adit_channels::mux::{Class, Fund};
use adit_channels::session::Session;
use adit_forward::channel::{Router, Routes};
use adit_forward::spec;
use adit_forward::stop::{Signal, Switch};
use adit_ssh_config::config::Config;
use adit_ssh_config::request;
use tokio::time::sleep;

use crate::args;
use crate::client::chain::Chain;
use crate::client::hop::Entered;
use crate::client::witness::Nobody;
use crate::client::{self, Route, proxy};
use crate::failure::{Exit, Failure};
use crate::open::board::Board;
use crate::open::fleet::Fleet;
use crate::open::opening::{Terms, Through};
use crate::open::patience::Patience;
use crate::open::plan::{Loss, MEMORY, Plan};
use crate::open::ready::Audience;
use crate::open::server::Server;
use crate::open::tunnel::{Here, Tunnel};
use crate::open::tunnels::Tunnels;
use crate::runtime;
use crate::settings::Settings;
use crate::stop::Stop;

pub(crate) mod beside;
mod board;
mod configured;
mod fleet;
pub(crate) mod flows;
mod line;
pub(crate) mod opening;
mod outbound;
mod patience;
mod placement;
pub(crate) mod plan;
pub(crate) mod ready;
pub(crate) mod server;
pub(crate) mod stdio;
pub(crate) mod tunnel;
pub(crate) mod tunnels;
pub(crate) mod words;

/// How long transfers under way may take when the tunnels are to be closed.
const GRACE: Duration = Duration::from_secs(1);

/// The number of the first connection.
const FIRST: usize = 0;

/// Opens tunnels and keeps them until a signal.
///
/// # Errors
/// Where they cannot be opened, or the connection is lost.
pub(crate) fn run(args: args::Open) -> Result<(), Failure> {
    let plan = plan(args)?;
    runtime::run(async {
        let mut stop = Stop::listen()
            .map_err(|error| Failure::new(Exit::Other, format!("no signals: {error}")))?;
        let (switch, signal) = Switch::new();
        let mut tunnels = std::pin::pin!(keep(plan, signal));
        tokio::select! {
            biased;
            () = stop.wait() => {}
            done = &mut tunnels => return done,
        }
        switch.stop(GRACE);
        // A second signal ends it at once. What fails now fails because of the end, as a
        // command on the way does that had the same signal.
        tokio::select! {
            _ = tunnels => Ok(()),
            () = stop.wait() => Ok(()),
            () = sleep(GRACE * 2) => Ok(()),
        }
    })
}

fn plan(args: args::Open) -> Result<Plan, Failure> {
    let reach = &args.reach;
    let proxy = proxy::choose(reach.proxy.as_deref(), reach.proxy_credentials.as_deref())?;
    let stdio = specs("-W", args.stdio.as_slice())?.into_iter().next();
    let asked = asked(&args.local, &args.dynamic, &args.remote)?;
    let destination = words::destination(&reach.destination)?;
    let session = if stdio.is_some() { request::Session::Stdio } else { request::Session::None };
    let (route, config) = Route::plan(&mut words::sources(reach, session)?, destination, proxy)?;
    let tunnels = all(asked, &config, route.settings());
    if tunnels.is_empty() && stdio.is_none() {
        return Err(Failure::new(Exit::Usage, "no tunnel is asked for").hint(
            "for instance -L 8080:intranet:80, -D 1080, -R 8080:localhost:80 or -W intranet:80, \
             or LocalForward, DynamicForward and RemoteForward in a file",
        ));
    }
    let args::Open { classes, connections, .. } = args;
    let classes: Vec<Class> =
        [classes.local, classes.dynamic, classes.remote].into_iter().flatten().collect();
    let connections = usize::from(connections);
    let fund = Fund::new(MEMORY, connections.saturating_mul(route.servers()));
    let audience = if args.json { Audience::Programs } else { Audience::People };
    let loss = if args.reconnect { Loss::Reconnect } else { Loss::End };
    Ok(Plan { route, stdio, tunnels, audience, loss, connections, classes, fund })
}

/// The tunnels that flags ask for.
///
/// # Errors
/// Where one is none.
pub(crate) fn asked(
    local: &[String],
    dynamic: &[String],
    remote: &[String],
) -> Result<Vec<Tunnel>, Failure> {
    let local = specs("-L", local)?.into_iter().map(Here::Local);
    let dynamic = specs("-D", dynamic)?.into_iter().map(Here::Dynamic);
    let remote = specs("-R", remote)?.into_iter().map(Tunnel::There);
    Ok(local.chain(dynamic).map(Tunnel::Here).chain(remote).collect())
}

/// These tunnels, and those of files.
pub(crate) fn all(mut tunnels: Vec<Tunnel>, config: &Config, settings: &Settings) -> Vec<Tunnel> {
    for tunnel in configured::tunnels(config) {
        if !tunnels.contains(&tunnel) {
            tunnels.push(tunnel);
        }
    }
    if settings.gateway_ports {
        tunnels.iter_mut().for_each(Tunnel::open_to_others);
    }
    tunnels
}

/// Reads the specifications of a flag.
///
/// # Errors
/// Where one is none.
pub(crate) fn specs<T: FromStr<Err = spec::Error>>(
    flag: &str,
    texts: &[String],
) -> Result<Vec<T>, Failure> {
    texts
        .iter()
        .map(|text| {
            text.parse().map_err(|error: spec::Error| {
                Failure::new(Exit::Usage, format!("{flag} {text}: {error}")).hint(error.hint())
            })
        })
        .collect()
}

/// Runs the tunnels until the signal is given, or the connection ends for good.
async fn keep(plan: Plan, mut signal: Signal) -> Result<(), Failure> {
    let plan = Arc::new(plan);
    let board = Board::new(plan.connections, plan.first());
    let fleet = Fleet::new(&plan, &board)?;
    let settings = plan.route.settings().clone();
    let terms = Terms { settings, loss: plan.loss, audience: plan.audience };
    let tunnels = Tunnels::new(terms, board.clone(), signal.clone());
    for (number, tunnel) in plan.tunnels.iter().enumerate() {
        tunnels.want(tunnel.clone(), plan.class(number));
    }
    let done = Keeping { board, tunnels }.keep(&plan, &mut signal).await;
    fleet.end().await;
    done
}

/// What stays from one connection to the next.
struct Keeping {
    board: Board,
    tunnels: Tunnels,
}

impl Keeping {
    /// Runs them until the signal is given, or the last connection ends for good.
    async fn keep(&self, plan: &Plan, signal: &mut Signal) -> Result<(), Failure> {
        let mut patience = Patience::new();
        loop {
            let mut chain = Chain::sharing(plan.fund.clone());
            let done = self.keep_through(plan, &mut chain, signal, &mut patience).await;
            self.tunnels.part();
            match plan.loss {
                Loss::Reconnect => self.board.remove(FIRST),
                Loss::End => self.board.lose(FIRST),
            }
            chain.close().await;
            match done {
                Err(failure) if plan.loss == Loss::Reconnect && patience.bears(failure.exit) => {
                    failure.warn();
                    let pause = patience.pause(failure.exit);
                    eprintln!("adit: trying again in {:.1} s", pause.as_secs_f64());
                    tokio::select! {
                        biased;
                        () = signal.asked() => return Ok(()),
                        () = sleep(pause) => {}
                    }
                }
                Err(failure) if failure.exit == Exit::Lost && self.outlast(plan) => {
                    failure.warn();
                    eprintln!("adit: the other connections go on: {}", self.board.count());
                    return self.keep_rest().await;
                }
                done => return done,
            }
        }
    }

    /// Whether the tunnels go on without the first connection.
    fn outlast(&self, plan: &Plan) -> bool {
        let here = |tunnel: &Tunnel| matches!(tunnel, Tunnel::Here(_));
        self.board.count() > 0 && plan.tunnels.iter().all(here)
    }

    /// Runs the tunnels through the connections beyond the first.
    async fn keep_rest(&self) -> Result<(), Failure> {
        loop {
            let ended = tokio::select! {
                biased;
                ended = self.tunnels.ended() => ended,
                () = self.board.run_out() => {
                    return Err(Failure::new(Exit::Lost, "there is no connection left"));
                }
            };
            match ended {
                None => return Ok(()),
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return Err(Failure::new(Exit::Tunnel, error)),
                Some(Err(error)) => return Err(Failure::new(Exit::Other, error)),
            }
        }
    }

    /// Runs the tunnels through one connection, until it ends or the signal is given.
    async fn keep_through(
        &self,
        plan: &Plan,
        chain: &mut Chain,
        signal: &mut Signal,
        patience: &mut Patience,
    ) -> Result<(), Failure> {
        let mut witness = Nobody;
        let Entered { link, learner, .. } = tokio::select! {
            biased;
            () = signal.asked() => return Ok(()),
            entered = client::connect(&plan.route, chain, &mut witness) => entered?,
        };
        let server = Server::of(link.peer_identification().as_deref());
        let Session { handle, driver, openings, global_requests } =
            Session::new(link, plan.session());
        let mut driver = tokio::spawn(driver);
        tokio::spawn(learner.run(global_requests, handle.clone()));
        let name = plan.route.name();
        if let Some(target) = &plan.stdio {
            // Nothing is asked of the server that it could open channels for.
            drop(openings);
            let joined = stdio::join(target, handle, &mut driver, signal).await;
            return match joined {
                Ok(()) => Ok(()),
                Err(stdio::Fault::Ended(cause)) => Err(chain.explain(cause, &name).await),
                Err(stdio::Fault::Other(failure)) => Err(failure),
            };
        }
        self.board.set_keys(chain.keys().to_vec());
        self.board.add(FIRST, handle.clone());
        // What nobody registers for is refused.
        let routes = Routes::default();
        tokio::spawn(Router::new(openings, routes.clone()).run());
        let through = Through { server, session: handle.clone(), routes };
        tokio::select! {
            biased;
            cause = &mut driver => return Err(chain.explain(cause, &name).await),
            opened = self.tunnels.open(&through) => {
                if let Some(failure) = opened? {
                    return Err(failure);
                }
            }
        }
        drop(through);
        patience.succeeded();
        loop {
            let ended = tokio::select! {
                biased;
                cause = &mut driver => return Err(chain.explain(cause, &name).await),
                ended = self.tunnels.ended() => ended,
            };
            match ended {
                None => break,
                Some(Ok(Ok(()))) => {}
                // The listeners at the server go with the connection, whose end says why.
                Some(Ok(Err(error))) if error.kind() == io::ErrorKind::ConnectionAborted => {
                    return Err(chain.explain((&mut driver).await, &name).await);
                }
                Some(Ok(Err(error))) => return Err(Failure::new(Exit::Tunnel, error)),
                Some(Err(error)) => return Err(Failure::new(Exit::Other, error)),
            }
        }
        handle.disconnect();
        let _ = driver.await;
        Ok(())
    }
}
