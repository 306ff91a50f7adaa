//! `adit serve`: a gateway that only forwards, and only where it is permitted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_channels::session::{self, Session};
use adit_forward::channel;
use adit_forward::relay::Relay;
use adit_forward::stop::{Signal, Switch};
use adit_forward::tcp;
use adit_transport::accept::accept;
use adit_transport::config::{Common, Rekey, ServerConfig};
use adit_transport::ident::Identification;
use adit_transport::provider;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::runtime;
use crate::serve::doorman::{Authorized, Doorman};
use crate::serve::gate::Gate;
use crate::serve::host_keys::HostKeys;
use crate::serve::permit::Permit;
use crate::settings::Settings;
use crate::stop::Stop;

pub(crate) mod doorman;
pub(crate) mod gate;
pub(crate) mod host_keys;
pub(crate) mod permit;

/// Most connections at once; beyond them, new ones are closed at once.
const MAX_CONNECTIONS: usize = 1024;

/// How long transfers under way may take when the gateway is to end.
const GRACE: Duration = Duration::from_secs(5);

/// A gateway, without a socket.
#[derive(Debug)]
pub(crate) struct Gateway {
    config: Arc<ServerConfig>,
    host_keys: HostKeys,
    authorized: Arc<Authorized>,
    permits: Arc<[Permit]>,
}

/// Serves until a signal.
///
/// # Errors
/// Where a file or an address cannot be used.
pub(crate) fn run(args: args::Serve) -> Result<(), Failure> {
    let permits = args
        .permit
        .iter()
        .map(|permit| Permit::parse(permit).map_err(|error| Failure::new(Exit::Usage, error)))
        .collect::<Result<Vec<_>, _>>()?;
    let authorized = Authorized::File(args.authorized_keys.clone());
    authorized.check()?;
    let mut gateway = Gateway::new(HostKeys::load(&args.host_key)?, authorized, permits)?;
    if let Some(limit) = &args.rekey_limit {
        gateway.set_rekey(rekey(limit)?);
    }
    runtime::start()?.block_on(serve(args.listen, gateway))
}

fn rekey(limit: &str) -> Result<Rekey, Failure> {
    let mut settings = Settings::default();
    settings
        .set(&format!("RekeyLimit={limit}"))
        .map_err(|error| Failure::new(Exit::Usage, format!("--rekey-limit: {error}")))?;
    let default = Rekey::default();
    Ok(settings.rekey_limit.map_or(default, |limit| Rekey {
        bytes: limit.bytes.unwrap_or(default.bytes),
        time: limit.time,
    }))
}

async fn serve(address: SocketAddr, gateway: Gateway) -> Result<(), Failure> {
    let cannot = |error: io::Error| {
        Failure::new(Exit::Tunnel, format!("cannot listen on {address}: {error}"))
            .hint("choose another address or port by --listen")
    };
    let mut stop = Stop::listen()
        .map_err(|error| Failure::new(Exit::Other, format!("no signals: {error}")))?;
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    eprintln!("adit: listening on {}", listener.local_addr().map_err(cannot)?);
    let (switch, signal) = Switch::new();
    let mut serving = std::pin::pin!(gateway.serve(listener, signal));
    tokio::select! {
        done = &mut serving => return done.map_err(cannot),
        () = stop.wait() => switch.stop(GRACE),
    }
    // A second signal ends it at once.
    tokio::select! {
        done = timeout(GRACE * 2, serving) => done.unwrap_or(Ok(())).map_err(cannot),
        () = stop.wait() => Ok(()),
    }
}

impl Gateway {
    /// A gateway with these keys, these users and these targets.
    ///
    /// # Errors
    /// Where it cannot say who it is.
    pub(crate) fn new(
        host_keys: HostKeys,
        authorized: Authorized,
        permits: Vec<Permit>,
    ) -> Result<Self, Failure> {
        let software = concat!("adit_", env!("CARGO_PKG_VERSION"));
        let identification = Identification::own(software)
            .map_err(|error| Failure::new(Exit::Other, format!("{software}: {error}")))?;
        let common = Common::new(provider::default(), identification);
        let mut config = ServerConfig::new(common, host_keys.public());
        // The user of a client may have to be asked about the host key in the first key exchange.
        config.common.exchange_timeout = config.login_timeout;
        let config = Arc::new(config);
        Ok(Self { config, host_keys, authorized: Arc::new(authorized), permits: permits.into() })
    }

    /// Changes when keys are exchanged again.
    pub(crate) fn set_rekey(&mut self, rekey: Rekey) {
        Arc::make_mut(&mut self.config).common.rekey = rekey;
    }

    /// Serves whoever connects to `listener`, until the signal is given and what runs has ended
    /// or its time of grace is over.
    ///
    /// # Errors
    /// Where no connection can be accepted any more.
    pub(crate) async fn serve(self, listener: TcpListener, mut signal: Signal) -> io::Result<()> {
        let gateway = Arc::new(self);
        let mut guests = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    match accepted {
                        Ok((stream, peer)) if guests.len() < MAX_CONNECTIONS => {
                            let gateway = Arc::clone(&gateway);
                            guests.spawn(gateway.attend(stream, peer, signal.clone()));
                        }
                        Ok((_, peer)) => tracing::warn!(%peer, "closed: too many connections"),
                        Err(error) => wait_out(error).await?,
                    }
                }
                Some(_) = guests.join_next() => {}
                () = signal.asked() => break,
            }
        }
        drop(listener);
        while guests.join_next().await.is_some() {}
        Ok(())
    }

    /// Serves one connection to its end.
    async fn attend(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, mut signal: Signal) {
        // How an SSH connection ends is said in its own messages, which a reset could overtake.
        let stream = tcp::Stream::from(stream).for_packets();
        let mut doorman = Doorman::new(Arc::clone(&self.authorized), peer);
        let keys = Arc::clone(&self.host_keys.0);
        let accepted = tokio::select! {
            accepted = accept(stream, &self.config, keys, &mut doorman) => accepted,
            () = signal.asked() => return,
        };
        let (link, guest) = match (accepted, doorman.guest()) {
            (Ok(link), Some(guest)) => (link, guest),
            (Err(error), _) => {
                tracing::info!(%peer, %error, "nobody came in");
                return;
            }
            (Ok(_), None) => {
                tracing::error!(%peer, "somebody came in without a key");
                return;
            }
        };
        let Session { handle, driver, openings, .. } =
            Session::new(link, session::Config::default());
        let gate = Gate::new(Arc::clone(&self.permits), guest, peer);
        let relay = Relay::new(channel::Direct::new(openings), gate).until(signal);
        let mut driver = std::pin::pin!(driver);
        let cause = tokio::select! {
            cause = &mut driver => cause,
            _ = relay.run() => {
                handle.disconnect();
                driver.await
            }
        };
        tracing::info!(%peer, %cause, "left");
    }
}

/// Deals with a failure to accept: one of the system's limits passes by waiting, and what one
/// connection has is no concern of the next.
async fn wait_out(error: io::Error) -> io::Result<()> {
    tracing::warn!(%error, "a connection was not accepted");
    match error.kind() {
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset => Ok(()),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Err(error),
        _ => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(())
        }
    }
}
