//! `adit open`: tunnels through a server, in the foreground.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use adit_channels::session::{self, Handle, Session};
use adit_forward::channel;
use adit_forward::entry::Entry;
use adit_forward::fixed::Fixed;
use adit_forward::proxy::Proxy;
use adit_forward::relay::Relay;
use adit_forward::socket::Listener;
use adit_forward::spec::{self, Local};
use adit_forward::stop::{Signal, Switch};
use adit_forward::unix::Existing;
use tokio::task::JoinSet;

use crate::args;
use crate::client::destination::Destination;
use crate::client::{self, keep_alive};
use crate::failure::{Exit, Failure};
use crate::runtime;
use crate::settings::Settings;
use crate::stop::Stop;

/// How long transfers under way may take when the tunnels are to be closed.
const GRACE: Duration = Duration::from_secs(1);

/// What is to be opened: checked words.
struct Plan {
    destination: Destination,
    settings: Settings,
    tunnels: Vec<Tunnel>,
}

/// A tunnel that is entered here.
#[derive(Debug, Clone)]
enum Tunnel {
    /// All of it goes to one target.
    Local(Local),
    /// Each connection says where it goes.
    Dynamic(Entry),
}

impl Tunnel {
    fn entry(&self) -> &Entry {
        match self {
            Self::Local(local) => &local.entry,
            Self::Dynamic(entry) => entry,
        }
    }

    /// Carries what the listener accepts, until the signal is given.
    async fn run(self, listener: Listener, session: Handle, signal: Signal) -> io::Result<()> {
        let dial = channel::Dialer::new(session);
        match self {
            Self::Local(local) => {
                Relay::new(Fixed::new(listener, local.target), dial).until(signal).run().await
            }
            Self::Dynamic(_) => Relay::new(Proxy::new(listener), dial).until(signal).run().await,
        }
    }
}

/// Where it goes.
impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(local) => local.target.fmt(f),
            Self::Dynamic(_) => f.write_str("where asked (socks, http connect)"),
        }
    }
}

/// Opens tunnels and keeps them until a signal.
///
/// # Errors
/// Where they cannot be opened, or the connection is lost.
pub(crate) fn run(args: args::Open) -> Result<(), Failure> {
    let plan = plan(args)?;
    runtime::start()?.block_on(async {
        let mut stop = Stop::listen()
            .map_err(|error| Failure::new(Exit::Other, format!("no signals: {error}")))?;
        let (switch, signal) = Switch::new();
        let mut tunnels = std::pin::pin!(keep(plan, signal));
        tokio::select! {
            done = &mut tunnels => return done,
            () = stop.wait() => {}
        }
        switch.stop(GRACE);
        // A second signal ends it at once.
        tokio::select! {
            done = tunnels => done,
            () = stop.wait() => Ok(()),
            () = tokio::time::sleep(GRACE * 2) => Ok(()),
        }
    })
}

fn plan(args: args::Open) -> Result<Plan, Failure> {
    let destination = Destination::parse(&args.destination)?;
    let settings = settings(&args)?;
    let local = specs("-L", &args.local)?.into_iter().map(Tunnel::Local);
    let dynamic = specs("-D", &args.dynamic)?.into_iter().map(Tunnel::Dynamic);
    let tunnels: Vec<Tunnel> = local.chain(dynamic).collect();
    if tunnels.is_empty() {
        return Err(Failure::new(Exit::Usage, "no tunnel is asked for")
            .hint("for instance -L 8080:intranet:80, or -D 1080"));
    }
    Ok(Plan { destination, settings, tunnels })
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

/// The settings, those of flags before those of `-o`, as with ssh.
fn settings(args: &args::Open) -> Result<Settings, Failure> {
    use crate::settings::AddressFamily::{Inet, Inet6};

    let mut settings = Settings {
        port: args.port,
        user: args.login.clone(),
        identity_files: args.identity.iter().map(|it| it.display().to_string()).collect(),
        address_family: args.ipv4.then_some(Inet).or(args.ipv6.then_some(Inet6)),
        ..Settings::default()
    };
    for option in &args.option {
        settings.set(option).map_err(|error| {
            Failure::new(Exit::Usage, error).hint("the keywords are those of ssh_config(5)")
        })?;
    }
    Ok(settings)
}

/// Runs the tunnels until the signal is given or the connection ends.
async fn keep(plan: Plan, signal: Signal) -> Result<(), Failure> {
    let link = client::connect(&plan.settings, &plan.destination).await?;
    let mut config = session::Config::default();
    keep_alive(&plan.settings, &mut config);
    // Nothing is asked of the server that it could open channels for: all of them are refused.
    let Session { handle, driver, .. } = Session::new(link, config);
    let mut driver = tokio::spawn(driver);
    let mut relays = JoinSet::new();
    for (listener, tunnel) in listen(&plan).await? {
        eprintln!("adit: listening on {listener} -> {tunnel}");
        relays.spawn(tunnel.run(listener, handle.clone(), signal.clone()));
    }
    let host = &plan.destination.host;
    loop {
        tokio::select! {
            cause = &mut driver => return Err(ended(cause, host)),
            relay = relays.join_next() => match relay {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return Err(Failure::new(Exit::Tunnel, error)),
                Some(Err(error)) => return Err(Failure::new(Exit::Other, error)),
                None => break,
            },
        }
    }
    handle.disconnect();
    let _ = driver.await;
    Ok(())
}

/// Opens the listeners. One that cannot be opened is told; where it is the only one, or
/// `ExitOnForwardFailure` says so, it is the end.
async fn listen(plan: &Plan) -> Result<Vec<(Listener, Tunnel)>, Failure> {
    let existing = match plan.settings.bind_unlink {
        Some(true) => Existing::ReplaceDead,
        _ => Existing::Keep,
    };
    let mut listening = Vec::new();
    let mut failed = None;
    for tunnel in &plan.tunnels {
        match Listener::bind(tunnel.entry(), existing).await {
            Ok(listener) => listening.push((listener, tunnel.clone())),
            Err(unavailable) => {
                let failure = Failure::new(Exit::Tunnel, &unavailable);
                let failure = match unavailable.hint() {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                };
                if plan.settings.exit_on_forward_failure == Some(true) {
                    return Err(failure);
                }
                failure.warn();
                failed = Some(failure);
            }
        }
    }
    match failed {
        Some(failure) if listening.is_empty() => Err(failure),
        _ => Ok(listening),
    }
}

/// Why the connection ended.
fn ended(cause: Result<session::Cause, tokio::task::JoinError>, host: &str) -> Failure {
    match cause {
        Ok(cause) => Failure::new(Exit::Lost, format!("{host}: {cause}")),
        Err(error) => Failure::new(Exit::Other, error),
    }
}
