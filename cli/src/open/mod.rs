//! `adit open`: tunnels through a server, in the foreground.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use adit_channels::mux::Keepalive;
use adit_channels::session::{self, Session};
use adit_forward::channel::{Router, Routes};
use adit_forward::spec;
use adit_forward::stop::{Signal, Switch};
use tokio::task::JoinError;
use tokio::time::sleep;

use crate::args;
use crate::client::chain::Chain;
use crate::client::{self, Route, keep_alive, proxy};
use crate::failure::{Exit, Failure};
use crate::open::line::Exchange;
use crate::open::opening::{Opening, Relays, Standing};
use crate::open::patience::Patience;
use crate::open::plan::{Loss, Plan};
use crate::open::ready::Audience;
use crate::open::server::Server;
use crate::open::tunnel::{Here, Tunnel};
use crate::runtime;
use crate::stop::Stop;

pub(crate) mod configured;
mod line;
mod opening;
mod outbound;
mod patience;
mod plan;
mod ready;
mod server;
mod stdio;
pub(crate) mod tunnel;
pub(crate) mod words;

/// How long transfers under way may take when the tunnels are to be closed.
const GRACE: Duration = Duration::from_secs(1);

/// How the server's life is watched by whoever wants to connect again: half a minute of silence
/// is its end.
const LIFE: Keepalive = Keepalive { interval: Duration::from_secs(10), count: 2 };

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
    let proxy = proxy::choose(args.proxy.as_deref(), args.proxy_credentials.as_deref())?;
    let stdio = specs("-W", args.stdio.as_slice())?.into_iter().next();
    let local = specs("-L", &args.local)?.into_iter().map(Here::Local);
    let dynamic = specs("-D", &args.dynamic)?.into_iter().map(Here::Dynamic);
    let remote = specs("-R", &args.remote)?.into_iter().map(Tunnel::There);
    let destination = words::destination(&args.destination)?;
    let (route, config) = Route::plan(&mut words::sources(&args)?, destination, proxy)?;
    let mut tunnels: Vec<Tunnel> = local.chain(dynamic).map(Tunnel::Here).chain(remote).collect();
    for tunnel in configured::tunnels(&config) {
        if !tunnels.contains(&tunnel) {
            tunnels.push(tunnel);
        }
    }
    if route.settings().gateway_ports {
        tunnels.iter_mut().for_each(Tunnel::open_to_others);
    }
    if tunnels.is_empty() && stdio.is_none() {
        return Err(Failure::new(Exit::Usage, "no tunnel is asked for").hint(
            "for instance -L 8080:intranet:80, -D 1080, -R 8080:localhost:80 or -W intranet:80, \
             or LocalForward, DynamicForward and RemoteForward in a file",
        ));
    }
    let audience = if args.json { Audience::Programs } else { Audience::People };
    let loss = if args.reconnect { Loss::Reconnect } else { Loss::End };
    Ok(Plan { route, stdio, tunnels, audience, loss })
}

/// Reads the specifications of a flag.
fn specs<T: FromStr<Err = spec::Error>>(flag: &str, texts: &[String]) -> Result<Vec<T>, Failure> {
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
    let mut tunnels = Tunnels { exchange: Exchange::new(), standing: Standing::default() };
    let mut patience = Patience::new();
    loop {
        let mut chain = Chain::default();
        let done = tunnels.keep_through(&plan, &mut chain, &mut signal, &mut patience).await;
        tunnels.exchange.disconnect();
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
            done => return done,
        }
    }
}

/// What stays from one connection to the next.
struct Tunnels {
    exchange: Exchange,
    standing: Standing,
}

impl Tunnels {
    /// Runs the tunnels through one connection, until it ends or the signal is given.
    async fn keep_through(
        &mut self,
        plan: &Plan,
        chain: &mut Chain,
        signal: &mut Signal,
        patience: &mut Patience,
    ) -> Result<(), Failure> {
        let link = tokio::select! {
            biased;
            () = signal.asked() => return Ok(()),
            link = client::connect(&plan.route, chain) => link?,
        };
        let server = Server::of(link.peer_identification().as_deref());
        let Session { handle, driver, openings, .. } = Session::new(link, config(plan));
        let mut driver = tokio::spawn(driver);
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
        self.exchange.connect(handle.clone());
        // What nobody registers for is refused.
        let routes = Routes::default();
        tokio::spawn(Router::new(openings, routes.clone()).run());
        let line = self.exchange.line();
        let opening = Opening { plan, server, session: &handle, routes: &routes, line: &line };
        let mut relays = tokio::select! {
            biased;
            cause = &mut driver => return Err(chain.explain(cause, &name).await),
            opened = opening.open(signal, &mut self.standing) => opened?,
        };
        patience.succeeded();
        loop {
            let ended = tokio::select! {
                biased;
                cause = &mut driver => return Err(chain.explain(cause, &name).await),
                ended = next(&mut relays, &mut self.standing.relays) => ended,
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

/// The next tunnel that ends; `None` where there is none left.
async fn next(
    passing: &mut Relays,
    standing: &mut Relays,
) -> Option<Result<io::Result<()>, JoinError>> {
    tokio::select! {
        biased;
        Some(ended) = passing.join_next() => Some(ended),
        Some(ended) = standing.join_next() => Some(ended),
        else => None,
    }
}

/// How the session runs. Whoever wants to connect again has to learn that the server is gone.
fn config(plan: &Plan) -> session::Config {
    let mut config = session::Config::default();
    let settings = plan.route.settings();
    keep_alive(settings, &mut config);
    if plan.loss == Loss::Reconnect && !settings.alive_named {
        config.limits.keepalive = Some(LIFE);
    }
    config
}
