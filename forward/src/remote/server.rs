//! What listens here for the peer of a session.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_channels::session::{GlobalRequest, GlobalRequests};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::channel::Forwarded;
use crate::dial::Dial;
use crate::entry::Unavailable;
use crate::fixed::Fixed;
use crate::flow::Observe;
use crate::relay::{self, Relay};
use crate::remote::listening::Listening;
use crate::remote::permit::{Denied, Grant, Permit, Place};
use crate::remote::registry::{Spot, Taken, Tenant};
use crate::remote::request::Request;
use crate::socket::Listener;
use crate::stop::{Signal, Switch};
use crate::target::Target;
use crate::{tcp, unix};

/// A grace that does not end while anything runs.
const FOREVER: Duration = Duration::MAX;

/// How much may be listened on for one session.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most places at once; more are refused.
    pub listeners: usize,
    /// What each may do.
    pub relay: relay::Limits,
}

/// 100 places.
impl Default for Limits {
    fn default() -> Self {
        Self { listeners: 100, relay: relay::Limits::default() }
    }
}

/// Listens for the peer of a session where it asks and a [`Permit`] allows: the near end, at
/// the server, of a client's remote tunnels.
///
/// It grants and refuses `tcpip-forward` and `cancel-tcpip-forward`
/// ([RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1)),
/// `streamlocal-forward@openssh.com` and `cancel-streamlocal-forward@openssh.com`
/// ([PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)),
/// one after the other; all other requests are refused. A client that cancels is answered when
/// the place is free; connections that were made go on. All ends with the session.
pub struct Server<P, D = Forwarded> {
    requests: GlobalRequests,
    permit: P,
    tenant: Tenant,
    dial: Arc<D>,
    limits: Limits,
    stop: Signal,
    listening: HashMap<Target, Open>,
    /// Each tells its place when it has ended.
    running: JoinSet<Ended>,
    others: Box<dyn FnMut(GlobalRequest) + Send + Sync>,
}

/// A place that is listened on.
struct Open {
    close: Arc<Switch>,
    freed: watch::Receiver<()>,
    number: u64,
}

struct Ended {
    place: Target,
    number: u64,
    how: io::Result<()>,
}

/// A place that will be listened on when the peer has been told.
struct Ready {
    place: Target,
    listening: Listening,
    observer: Arc<dyn Observe>,
}

impl<P: Permit> Server<P> {
    /// What listens for the peer of the tenant's session, until that ends.
    pub fn new(requests: GlobalRequests, tenant: Tenant, permit: P) -> Self {
        let dial = Arc::new(Forwarded::new(tenant.session().clone()));
        Self {
            requests,
            permit,
            tenant,
            dial,
            limits: Limits::default(),
            stop: Signal::never(),
            listening: HashMap::new(),
            running: JoinSet::new(),
            others: Box::new(drop),
        }
    }

    /// Has connections told to the peer by a dialer of the caller's, which limits their rate
    /// for instance. What it dials is told by [`Forwarded`].
    #[must_use]
    pub fn dial<D: Dial>(self, dial: D) -> Server<P, D> {
        let Self { requests, permit, tenant, limits, stop, listening, running, others, .. } = self;
        let dial = Arc::new(dial);
        Server { requests, permit, tenant, dial, limits, stop, listening, running, others }
    }
}

impl<P: Permit, D: Dial> Server<P, D> {
    /// Sets how much it may do.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Has what is asked besides listening answered by the caller; else it is refused.
    #[must_use]
    pub fn others(mut self, others: impl FnMut(GlobalRequest) + Send + Sync + 'static) -> Self {
        self.others = Box::new(others);
        self
    }

    /// Ends when a signal is given: stops listening at once, and cuts off what still runs
    /// when the time of grace is over.
    #[must_use]
    pub fn until(mut self, stop: Signal) -> Self {
        self.stop = stop;
        self
    }

    /// Listens until the session ends or the signal is given.
    ///
    /// # Cancel safety
    /// Dropping the future closes all listeners and resets all connections.
    pub async fn run(mut self) {
        let session = self.tenant.session().clone();
        tokio::select! {
            biased;
            _ = session.closed() => {}
            () = self.serve() => {}
        }
        // Who waits for this may rely on it that all places are free.
        self.running.shutdown().await;
    }

    async fn serve(&mut self) {
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.asked() => break,
                Some(ended) = self.running.join_next() => self.forget(ended),
                request = self.requests.next() => match request {
                    Some(request) => self.handle(request).await,
                    None => return,
                },
            }
        }
        for open in self.listening.values() {
            open.close.stop(FOREVER);
        }
        tokio::select! {
            biased;
            () = async { while self.running.join_next().await.is_some() {} } => {}
            () = stop.due() => self.running.shutdown().await,
        }
    }

    /// Takes note that a listener and all its connections have ended.
    fn forget(&mut self, ended: Result<Ended, JoinError>) {
        let Ok(Ended { place, number, how }) = ended else {
            return tracing::error!("a listener for a peer died of a defect");
        };
        if let Err(error) = how {
            tracing::warn!(owner = %self.tenant.owner(), %place, %error, "listens no more");
        }
        // The place may be listened on anew, while connections of before went on.
        if self.listening.get(&place).is_some_and(|open| open.number == number) {
            self.listening.remove(&place);
        }
    }

    /// Answers one request. One that is dropped is refused.
    async fn handle(&mut self, request: GlobalRequest) {
        let owner = self.tenant.owner();
        match Request::of(request.kind()) {
            Request::Listen(asked) => match self.listen(&asked).await {
                Ok(ready) => {
                    tracing::info!(%owner, %asked, on = %ready.listening.listener(), "listening");
                    request.grant(answer(&asked, &ready.place));
                    self.begin(ready);
                }
                Err(why) => tracing::info!(%owner, %asked, %why, "not listening"),
            },
            Request::Cancel(place) => {
                if self.cancel(&place).await {
                    tracing::info!(owner = %self.tenant.owner(), %place, "listening no more");
                    request.grant(Bytes::new());
                }
            }
            Request::Nonsense(why) => tracing::info!(%owner, why, "not listening"),
            Request::Other => (self.others)(request),
        }
    }

    /// Listens at a place, without taking connections.
    async fn listen(&self, asked: &Target) -> Result<Ready, Refused> {
        if self.listening.len() >= self.limits.listeners {
            return Err(Refused::TooMany(self.limits.listeners));
        }
        let grant = self.permit.permit(asked).await?;
        match (asked, grant.place) {
            (Target::Tcp { host, port: 0 }, Place::Tcp(addresses)) => {
                self.listen_anywhere(host, &addresses).await
            }
            (Target::Tcp { port, .. }, Place::Tcp(addresses)) => {
                let claim = self.tenant.claim(&Spot::tcp(addresses.clone(), *port)).await?;
                let listener = tcp::Listener::bind_addresses(&addresses, *port)?;
                let listening = Listening::new(Listener::Tcp(listener), claim);
                Ok(Ready { place: asked.clone(), listening, observer: grant.observer })
            }
            (Target::Unix(_), Place::Unix { path, existing }) => {
                let claim = self.tenant.claim(&Spot::unix(path.clone())).await?;
                let listener = unix::Listener::bind(&path, unix::Mode::default(), existing)?;
                let listening = Listening::new(Listener::Unix(listener), claim);
                Ok(Ready { place: asked.clone(), listening, observer: grant.observer })
            }
            _ => Err(Refused::Mismatch),
        }
    }

    /// Listens on a port of the system's choice, where that is permitted as well.
    async fn listen_anywhere(&self, host: &str, addresses: &[IpAddr]) -> Result<Ready, Refused> {
        let mut listener = tcp::Listener::bind_addresses(addresses, 0)?;
        let place = Target::Tcp { host: host.to_owned(), port: listener.port() };
        let Grant { place: Place::Tcp(addresses), observer } = self.permit.permit(&place).await?
        else {
            return Err(Refused::Mismatch);
        };
        listener.retain(&addresses);
        if listener.addresses().is_empty() {
            return Err(Refused::Mismatch);
        }
        let bound = listener.addresses().iter().map(std::net::SocketAddr::ip).collect();
        let claim = self.tenant.claim(&Spot::tcp(bound, listener.port())).await?;
        let listening = Listening::new(Listener::Tcp(listener), claim);
        Ok(Ready { place, listening, observer })
    }

    /// Takes connections.
    fn begin(&mut self, ready: Ready) {
        let Ready { place, listening, observer } = ready;
        let claim = listening.claim();
        let (signal, number) = (claim.signal(), claim.number());
        let open = Open { close: claim.switch(), freed: claim.freed(), number };
        let relay = Relay::new(Fixed::new(listening, place.clone()), Arc::clone(&self.dial))
            .limits(self.limits.relay)
            .observer(observer)
            .until(signal);
        self.listening.insert(place.clone(), open);
        self.running.spawn(async move { Ended { place, number, how: relay.run().await } });
    }

    /// Listens at a place no more. Returns when it is free, or says that it was not listened
    /// there.
    async fn cancel(&mut self, place: &Target) -> bool {
        let Some(mut open) = self.listening.remove(place) else { return false };
        open.close.stop(FOREVER);
        while open.freed.changed().await.is_ok() {}
        true
    }
}

/// What the answer holds: the port, where the system chose it.
fn answer(asked: &Target, place: &Target) -> Bytes {
    match (asked, place) {
        (Target::Tcp { port: 0, .. }, Target::Tcp { port, .. }) => {
            Bytes::copy_from_slice(&u32::from(*port).to_be_bytes())
        }
        _ => Bytes::new(),
    }
}

/// Why it is not listened, for the log: the protocol has no words for it.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("there are {0} listeners already, which is the limit")]
    TooMany(usize),
    #[error("not permitted: {0}")]
    Denied(#[from] Denied),
    #[error("not permitted: what was granted is none of what was asked for")]
    Mismatch,
    #[error(transparent)]
    Taken(#[from] Taken),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
