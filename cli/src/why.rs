//! `adit why`: walks the way to a server and through tunnels, and says what fails first.

use std::process::ExitCode;
use std::time::Duration;

use adit_channels::session::{Config, Session};
use adit_forward::channel::{Router, Routes};
use adit_forward::target::Target;
use adit_ssh_config::request;
use tokio::time::timeout;

use crate::args;
use crate::client::chain::Chain;
use crate::client::{self, Route, proxy};
use crate::failure::{Exit, Failure};
use crate::open::server::Server;
use crate::open::tunnel::Tunnel;
use crate::open::{self, words};
use crate::runtime;
use crate::stop::Stop;
use crate::why::report::{Form, Report, Stage};
use crate::why::trial::Trial;
use crate::why::visit::Visit;

mod report;
mod trial;
mod visit;

/// How long the connection may take to end in good order.
const LEAVE: Duration = Duration::from_secs(2);

/// Walks the way and tells each step on standard output, what fails among them.
///
/// # Errors
/// Where the steps cannot be told.
pub(crate) fn run(args: &args::Why) -> Result<ExitCode, Failure> {
    let mut report = Report::new(if args.json { Form::Json } else { Form::Text });
    let walked = runtime::run(async {
        let mut stop = Stop::listen()
            .map_err(|error| Failure::new(Exit::Other, format!("no signals: {error}")))?;
        tokio::select! {
            biased;
            () = stop.wait() => Ok(()),
            walked = walk(args, &mut report) => walked,
        }
    });
    report.end(walked.as_ref().err())?;
    Ok(walked.map_or_else(|failure| ExitCode::from(failure.exit.code()), |()| ExitCode::SUCCESS))
}

async fn walk(args: &args::Why, report: &mut Report) -> Result<(), Failure> {
    let (route, tunnels, target) =
        plan(args).inspect_err(|it| report.failed(Stage::Settings, it))?;
    report.passed(Stage::Settings, &route.told());
    let mut chain = Chain::default();
    let walked = through(&route, &mut chain, target.as_ref(), &tunnels, report).await;
    chain.close().await;
    walked
}

fn plan(args: &args::Why) -> Result<(Route, Vec<Tunnel>, Option<Target>), Failure> {
    let reach = &args.reach;
    let proxy = proxy::choose(reach.proxy.as_deref(), reach.proxy_credentials.as_deref())?;
    let target = open::specs("the target", args.target.as_slice())?.into_iter().next();
    let asked = open::asked(&args.local, &args.dynamic, &args.remote)?;
    let destination = words::destination(&reach.destination)?;
    let mut sources = words::sources(reach, request::Session::None)?;
    let (route, config) = Route::plan(&mut sources, destination, proxy)?;
    let tunnels = open::all(asked, &config, route.settings());
    Ok((route, tunnels, target))
}

/// Goes to the server, and then tries the target and the tunnels.
async fn through(
    route: &Route,
    chain: &mut Chain,
    target: Option<&Target>,
    tunnels: &[Tunnel],
    report: &mut Report,
) -> Result<(), Failure> {
    let mut visit = Visit::new(report);
    let entered = match client::connect(route, chain, &mut visit).await {
        Ok(entered) => entered,
        Err(failure) => {
            visit.failed(&failure);
            return Err(failure);
        }
    };
    // It is only looked at: what is announced is not learned.
    let link = entered.link;
    let server = Server::of(link.peer_identification().as_deref());
    let Session { handle, driver, openings, .. } = Session::new(link, Config::default());
    let mut driver = tokio::spawn(driver);
    let routes = Routes::default();
    tokio::spawn(Router::new(openings, routes.clone()).run());
    let trial = Trial { session: &handle, routes: &routes, server, settings: route.settings() };
    let tried = tokio::select! {
        biased;
        cause = &mut driver => {
            let failure = chain.explain(cause, &route.name()).await;
            report.failed(Stage::Tunnel, &failure);
            return Err(failure);
        }
        tried = try_all(&trial, target, tunnels, report) => tried,
    };
    handle.disconnect();
    if timeout(LEAVE, &mut driver).await.is_err() {
        driver.abort();
    }
    tried
}

/// Tries all; the first failure counts.
async fn try_all(
    trial: &Trial<'_>,
    target: Option<&Target>,
    tunnels: &[Tunnel],
    report: &mut Report,
) -> Result<(), Failure> {
    let mut done = Ok(());
    if let Some(target) = target {
        done = report.tried(trial.reach(target).await);
    }
    for tunnel in tunnels {
        done = done.and(report.tried(trial.open(tunnel).await));
    }
    done
}
