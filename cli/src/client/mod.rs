//! The way to a server: settings to an authenticated connection.

use adit_forward::origin::Origin;
use adit_forward::upstream::{self, Upstream};
use adit_transport::link::Link;
use tokio::time::timeout;

use crate::client::chain::Chain;
use crate::client::command::words::{self, Tokens};
use crate::client::destination::Destination;
use crate::client::hop::{Hop, Place};
use crate::client::proxy::Proxy;
use crate::client::socket::Socket;
use crate::client::stream::Stream;
use crate::failure::{Exit, Failure};
use crate::settings::Settings;
use crate::settings::way::Way;

pub(crate) mod account;
pub(crate) mod chain;
mod command;
pub(crate) mod destination;
mod hop;
pub(crate) mod identities;
mod jump;
pub(crate) mod proxy;
mod socket;
pub(crate) mod stream;
mod terms;

pub(crate) use crate::client::terms::keep_alive;

/// How a server is reached, checked.
///
/// ```text
///  socket, proxy or command --> hop 1 --> hop 2 --> ... --> destination
/// ```
#[derive(Debug)]
pub(crate) struct Route {
    first: First,
    /// The servers to pass through.
    jumps: Vec<Hop>,
    destination: Hop,
}

/// How the first server is reached.
#[derive(Debug)]
enum First {
    /// Over TCP.
    Socket(Socket),
    /// Through a proxy, which is reached over TCP.
    Proxy(Socket, Upstream),
    /// By a command.
    Command(String),
}

impl Route {
    /// Plans the way to a destination, as `ProxyJump`, `ProxyCommand` and a proxy say.
    ///
    /// # Errors
    /// Where a setting cannot be kept.
    pub(crate) fn plan(
        settings: &Settings,
        destination: &Destination,
        proxy: Option<Proxy>,
    ) -> Result<Self, Failure> {
        let passed: &[Destination] = match &settings.way {
            Some(Way::Jumps(hops)) => hops,
            _ => &[],
        };
        let of = passed.len().saturating_add(1);
        let jumps = passed
            .iter()
            .zip(1..)
            .map(|(hop, number)| Hop::new(hop, settings.for_passing(), Place { number, of }))
            .collect::<Result<Vec<_>, _>>()?;
        let destination = Hop::new(destination, settings.clone(), Place { number: of, of })?;
        let socket = Socket::new(settings);
        let first = match (&settings.way, proxy) {
            (Some(Way::Command(_)), Some(Proxy::Asked(_))) => {
                return Err(Failure::new(
                    Exit::Usage,
                    "--proxy and ProxyCommand both say how to reach the server",
                )
                .hint("leave one of them out, or write --proxy none"));
            }
            (Some(Way::Command(command)), _) => {
                let Hop { host, given, port, user, .. } = &destination;
                First::Command(words::expand(command, Tokens { host, given, port: *port, user })?)
            }
            (_, Some(Proxy::Asked(upstream) | Proxy::Usual(upstream))) => {
                First::Proxy(socket, upstream)
            }
            (_, None) => First::Socket(socket),
        };
        Ok(Self { first, jumps, destination })
    }

    /// What messages call the server that it leads to.
    pub(crate) fn name(&self) -> String {
        self.destination.name()
    }
}

/// Connects to a server and logs in, and to all on the way before it. These are put into
/// `chain`, which is to be closed afterwards, also where this failed or was given up.
///
/// Cancel safe in that nothing is left behind but what is in `chain`.
///
/// # Errors
/// Where a server cannot be reached or trusted, or does not let the user in.
pub(crate) async fn connect(route: &Route, chain: &mut Chain) -> Result<Link<Stream>, Failure> {
    for hop in &route.jumps {
        let link = enter(&route.first, hop, chain).await?;
        chain.pass(hop, link);
    }
    enter(&route.first, &route.destination, chain).await
}

/// Reaches the next server, and enters it.
async fn enter(first: &First, hop: &Hop, chain: &mut Chain) -> Result<Link<Stream>, Failure> {
    let entrance = hop.prepare().await;
    let limit = hop.patience();
    let reached = match timeout(limit, reach(first, hop, chain)).await {
        Ok(reached) => reached,
        Err(_) => Err(hop
            .unreachable(&format!("nothing answered within {} s", limit.as_secs()))
            .hint("check that no firewall is in the way, or raise ConnectTimeout")),
    };
    let entered = match reached {
        Ok(stream) => entrance.enter(stream).await,
        Err(failure) => Err(failure),
    };
    match entered {
        Ok(link) => Ok(link),
        Err(failure) => Err(chain.blame(failure).await),
    }
}

/// A stream that leads to a server: from the one before it, or by the first way.
async fn reach(first: &First, hop: &Hop, chain: &mut Chain) -> Result<Stream, Failure> {
    if let Some(reached) = chain.reach(hop).await {
        return reached;
    }
    match first {
        First::Socket(socket) => match socket.connect(&hop.host, hop.port).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(fault) => Err(hop.unreachable(&fault.to_string()).hint(fault.hint())),
        },
        First::Proxy(socket, upstream) => {
            let dialer =
                upstream::Dialer::new(upstream.clone(), socket.clone()).patience(hop.patience());
            match dialer.reach(&hop.target(), &Origin::Unix).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => {
                    let failure = hop.unreachable(&error.to_string());
                    Err(match error.hint() {
                        Some(hint) => failure.hint(hint),
                        None => failure,
                    })
                }
            }
        }
        First::Command(words) => match command::start(words.clone()) {
            Ok((stream, running)) => {
                chain.begin(running);
                Ok(Box::new(stream))
            }
            Err(error) => Err(hop.unreachable(&format!("no shell for ProxyCommand: {error}"))),
        },
    }
}
