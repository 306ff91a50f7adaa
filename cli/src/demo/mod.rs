//! `adit demo`: a server, a service and a tunnel between them, in one process.

use std::io;
use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adit_channels::session::{self, Session};
use adit_forward::channel;
use adit_forward::entry::{Bind, Entry};
use adit_forward::fixed::Fixed;
use adit_forward::relay::Relay;
use adit_forward::socket::Listener;
use adit_forward::stop::Signal;
use adit_forward::target::Target;
use adit_forward::tcp;
use adit_forward::unix::Existing;
use adit_transport::authorized_keys::AuthorizedKeys;
use adit_transport::client::Client;
use adit_transport::config::{ClientConfig, Common, Rekey};
use adit_transport::ident::Identification;
use adit_transport::identity::Identity;
use adit_transport::identity::private_key::PrivateKey;
use adit_transport::known_hosts::host::Host;
use adit_transport::login::candidate::Candidate;
use adit_transport::login::{self, Login};
use adit_transport::provider;
use adit_transport::public_key::fingerprint::Fingerprint;
use adit_transport::trust::Trust;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::prompt::{Mode, Terminal};
use crate::runtime;
use crate::serve::charter::Charter;
use crate::serve::gateway::Gateway;
use crate::serve::host_keys::HostKeys;
use crate::serve::ledger::Ledger;
use crate::serve::world::Machine;
use crate::serve::{listeners, permits, source};
use crate::stop::Stop;
use crate::workers::Workers;

mod http;

/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// The user of the demonstration.
const USER: &str = "demo";

/// Shows a tunnel at work.
///
/// # Errors
/// Where something that must not fail does.
pub(crate) fn run(args: args::Demo) -> Result<(), Failure> {
    runtime::run(async {
        let mut stop = Stop::listen().map_err(|error| broken("signals", &error))?;
        tokio::select! {
            done = demonstrate(&args) => done,
            () = stop.wait() => Ok(()),
        }
    })
}

async fn demonstrate(args: &args::Demo) -> Result<(), Failure> {
    let mut parts = JoinSet::new();
    let service = service(&mut parts).await?;
    println!("service   http://{service}/ is only reached through the tunnel");
    let user_key = new_key(USER)?;
    let (server, host_key) = server(&mut parts, &user_key, service).await?;
    println!(
        "server    {server}, host key {host_key}, user key {}",
        user_key.public_key().fingerprint()
    );
    let (entry, agreed) = tunnel(&mut parts, server, host_key, user_key, service).await?;
    println!("tunnel    {entry} -> {service}, {agreed}");
    fetch(entry, args.size).await?;
    if args.keep {
        println!("open      until ctrl-c; try: curl http://{entry}/");
        while let Some(ended) = parts.join_next().await {
            ended
                .map_err(io::Error::other)
                .and_then(|done| done)
                .map_err(|error| broken("a part of the demonstration", &error))?;
        }
    }
    Ok(())
}

/// Starts the service.
async fn service(parts: &mut JoinSet<io::Result<()>>) -> Result<SocketAddr, Failure> {
    let (listener, address) = listen().await?;
    parts.spawn(http::serve(listener));
    Ok(address)
}

/// Starts the server, which lets one key in and to one target.
async fn server(
    parts: &mut JoinSet<io::Result<()>>,
    user_key: &PrivateKey,
    service: SocketAddr,
) -> Result<(SocketAddr, Fingerprint), Failure> {
    let host_key = new_key("host")?;
    let fingerprint = host_key.public_key().fingerprint();
    let host_keys = HostKeys(Arc::from([host_key]));
    let keys = AuthorizedKeys::parse(&user_key.public_key().to_string(), "authorized keys");
    let rules = vec![permits::open(&service.to_string())?];
    let config = source::short(host_keys, &keys, "authorized keys", rules);
    let charter = Charter::new(config, Rekey::default())?;
    let gateway = Gateway::new(charter, Machine::default(), Ledger::none());
    let workers = Workers::start().map_err(|error| broken("threads", &error))?;
    let workers = Arc::new(workers);
    let (listener, address) = listen().await?;
    parts.spawn(async move {
        let never = Signal::never();
        listeners::accept(gateway, workers, listener, never.clone(), never).await;
        Ok(())
    });
    Ok((address, fingerprint))
}

/// Connects to the server and opens a tunnel to the service; yields where it is entered, and
/// what was agreed on.
async fn tunnel(
    parts: &mut JoinSet<io::Result<()>>,
    server: SocketAddr,
    host_key: Fingerprint,
    user_key: PrivateKey,
    service: SocketAddr,
) -> Result<(SocketAddr, String), Failure> {
    let stream = tcp::connect(vec![server]).await.map_err(|error| broken("the server", &error))?;
    let stream = stream.for_packets();
    let config = client_config()?;
    let trust = Trust::pinned(Host::new(&server.ip().to_string(), server.port()), vec![host_key]);
    let login = login::Config {
        destination: USER.to_owned(),
        signatures: config.common.algorithms.signatures.clone(),
        interactive: 0,
        password: 0,
    };
    let identity = Candidate::ready(Identity::from_key(user_key, "memory"));
    let mut client = Client::new(trust, Login::new(login, [identity]), Terminal::new(Mode::Batch));
    let link =
        client.connect(stream, &config).await.map_err(|error| broken("the login", &error))?;
    let agreed = client.agreement().map_or_else(String::new, |agreement| {
        format!("{}, {}", agreement.exchange, agreement.cipher_server_to_client)
    });
    let Session { handle, driver, .. } = Session::new(link, session::Config::default());
    parts.spawn(async move { Err(io::Error::other(driver.await)) });
    let entry = Entry::Tcp { bind: Bind::Host(Ipv4Addr::LOCALHOST.to_string()), port: 0 };
    let listener = Listener::bind(&entry, Existing::Keep)
        .await
        .map_err(|error| broken("the tunnel", &error))?;
    let Listener::Tcp(tcp) = &listener else {
        return Err(Failure::new(Exit::Other, "the tunnel has no port"));
    };
    let address = *tcp
        .addresses()
        .first()
        .ok_or_else(|| Failure::new(Exit::Other, "the tunnel has no address"))?;
    let target = Target::Tcp { host: service.ip().to_string(), port: service.port() };
    let relay = Relay::new(Fixed::new(listener, target), channel::Dialer::new(handle));
    parts.spawn(relay.run());
    Ok((address, agreed))
}

fn client_config() -> Result<ClientConfig, Failure> {
    let identification = Identification::own(concat!("adit_", env!("CARGO_PKG_VERSION")))
        .map_err(|error| broken("the client", &error))?;
    let common = Common::new(provider::default(), identification);
    Ok(ClientConfig::new(common, USER.to_owned()))
}

/// Fetches a greeting and then a lot through the tunnel, and says how fast.
async fn fetch(entry: SocketAddr, size: u64) -> Result<(), Failure> {
    let failed = |error| broken("the fetch", &error);
    let start = Instant::now();
    http::fetch(entry, "/", |_| {}).await.map_err(failed)?;
    println!("first     answer after {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let total = size.saturating_mul(MIB);
    let bar = progress(total);
    let start = Instant::now();
    let fetched = http::fetch(entry, &format!("/bytes/{total}"), |at| bar.set_position(at)).await;
    bar.finish_and_clear();
    let fetched = fetched.map_err(failed)?;
    println!("fetched   {} MiB in {}", fetched / MIB, pace(fetched, start.elapsed()));
    Ok(())
}

/// A time, and the rate that it makes.
fn pace(bytes: u64, time: Duration) -> String {
    let rate = u128::from(bytes) * 1000 / u128::from(MIB) / time.as_millis().max(1);
    format!("{:.2} s, {rate} MiB/s", time.as_secs_f64())
}

fn progress(total: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    bar
}

async fn listen() -> Result<(TcpListener, SocketAddr), Failure> {
    let failed = |error| broken("a port on loopback", &error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn new_key(comment: &str) -> Result<PrivateKey, Failure> {
    PrivateKey::generate_ed25519(comment).map_err(|error| broken("a key", &error))
}

fn broken(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Other, format!("{what} failed: {error}"))
}
