//! The sockets that a gateway listens on.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_forward::stop::{Signal, Switch};
use adit_forward::tcp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::failure::{Exit, Failure};
use crate::serve::gateway::{Ends, Gateway};
use crate::serve::lobby::Visit;
use crate::serve::world::World;
use crate::workers::Workers;

/// How long to wait where the system is out of something that comes back by waiting.
const SHORTAGE: Duration = Duration::from_millis(100);

/// The sockets that a gateway listens on, and all that came by them.
#[derive(Debug)]
pub(crate) struct Listeners<W> {
    gateway: Gateway<W>,
    workers: Arc<Workers>,
    stop: Signal,
    /// By the addresses as they were asked for, and how each is closed.
    open: BTreeMap<SocketAddr, Switch>,
    running: JoinSet<()>,
}

impl<W: World> Listeners<W> {
    /// None yet. When the signal is given all are closed, and so are connections when what runs
    /// in them has ended or their time of grace is over.
    pub(crate) fn new(gateway: Gateway<W>, workers: Workers, stop: Signal) -> Self {
        Self {
            gateway,
            workers: Arc::new(workers),
            stop,
            open: BTreeMap::new(),
            running: JoinSet::new(),
        }
    }

    /// Listens on these addresses from now on, and on no others. Connections that there are go on.
    ///
    /// # Errors
    /// Where one of them cannot be listened on; then nothing has changed.
    pub(crate) async fn listen_on(&mut self, addresses: &[SocketAddr]) -> Result<(), Failure> {
        let mut new = Vec::new();
        for address in addresses.iter().filter(|it| !self.open.contains_key(it)) {
            let bound = TcpListener::bind(address).await;
            new.push((*address, bound.map_err(|error| cannot(*address, &error))?));
        }
        for (address, listener) in new {
            let bound = listener.local_addr().map_err(|error| cannot(address, &error))?;
            eprintln!("adit: listening on {bound}");
            let (switch, closed) = Switch::new();
            let (gateway, workers) = (self.gateway.clone(), Arc::clone(&self.workers));
            self.running.spawn(accept(gateway, workers, listener, closed, self.stop.clone()));
            self.open.insert(address, switch);
        }
        self.open.retain(|address, switch| {
            let kept = addresses.contains(address);
            if !kept {
                eprintln!("adit: no longer listening on {address}");
                switch.stop(Duration::ZERO);
            }
            kept
        });
        Ok(())
    }

    /// Waits until all connections have ended, which they do after the signal.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn ended(&mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

fn cannot(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::new(Exit::Tunnel, format!("cannot listen on {address}: {error}"))
        .hint("choose another address or port by --listen, or by `listen` in the configuration")
}

/// Serves whoever connects to one socket, until that is closed and all have left.
pub(crate) async fn accept<W: World>(
    gateway: Gateway<W>,
    workers: Arc<Workers>,
    listener: TcpListener,
    mut closed: Signal,
    mut stop: Signal,
) {
    let mut guests = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let Some(visit) = gateway.receive(peer) else { continue };
                    let attending = attend(gateway.clone(), stream, peer, visit, stop.clone());
                    workers.spawn(&mut guests, attending);
                }
                Err(error) => wait_out(&error).await,
            },
            Some(ended) = guests.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "a connection died of a defect");
                }
            }
            () = closed.asked() => break,
            () = stop.asked() => break,
        }
    }
    drop(listener);
    while guests.join_next().await.is_some() {}
}

/// Serves one connection, on the thread that this runs on.
async fn attend<W: World>(
    gateway: Gateway<W>,
    stream: TcpStream,
    peer: SocketAddr,
    visit: Visit,
    stop: Signal,
) {
    let settled = stream.into_std().and_then(TcpStream::from_std);
    match settled.and_then(|stream| Ok((stream.local_addr()?, stream))) {
        Ok((own, stream)) => {
            // How an SSH connection ends is said in its own messages, which a reset could
            // overtake.
            let stream = tcp::Stream::from(stream).for_packets();
            gateway.attend(stream, Ends { peer, own }, visit, stop).await;
        }
        Err(error) => tracing::warn!(%peer, %error, "closed"),
    }
}

/// Deals with a failure to accept: one of the system's limits passes by waiting, and what one
/// connection has is no concern of the next.
async fn wait_out(error: &io::Error) {
    tracing::warn!(%error, "a connection was not accepted");
    let of_one = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if !of_one.contains(&error.kind()) {
        tokio::time::sleep(SHORTAGE).await;
    }
}
