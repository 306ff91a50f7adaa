//! The way to a server: settings to an authenticated connection.

use adit_forward::origin::Origin;
use adit_forward::upstream::{self, Upstream};
use adit_ssh_config::config::Config;
use adit_ssh_config::destination::Destination;
use adit_ssh_config::jump::Jump;
use adit_transport::known_hosts::host::Host;
use adit_transport::public_key::PublicKey;
use tokio::time::{Instant, timeout};

use crate::client::chain::Chain;
use crate::client::command::words::{self, Tokens};
use crate::client::hop::{Entered, Hop, Place};
use crate::client::proxy::Proxy;
use crate::client::socket::Socket;
use crate::client::stream::Stream;
use crate::client::witness::{Nobody, Witness};
use crate::failure::{Exit, Failure};
use crate::settings::Settings;
use crate::settings::sources::Sources;

pub(crate) mod chain;
mod command;
mod explanation;
pub(crate) mod hop;
pub(crate) mod identities;
mod jump;
pub(crate) mod learner;
mod manner;
pub(crate) mod proxy;
mod socket;
pub(crate) mod stream;
mod terms;
pub(crate) mod witness;

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

/// The most servers of a way, the destination included. A longer one goes in a circle.
const LONGEST: usize = 16;

impl Route {
    /// Plans the way to a destination, as `ProxyJump`, `ProxyCommand` and a proxy say. Each server
    /// on the way has settings of its own, which may lead over further ones.
    ///
    /// # Errors
    /// Where a setting cannot be kept.
    pub(crate) fn plan(
        sources: &mut Sources,
        destination: Destination,
        proxy: Option<Proxy>,
    ) -> Result<(Self, Config), Failure> {
        let (config, settings) = sources.destination(destination)?;
        let mut next = config.jump().cloned();
        let mut way = vec![settings];
        while let Some(Jump::Over { before, last }) = next {
            if way.len() == LONGEST {
                let message = format!("the way leads over more than {LONGEST} servers");
                return Err(Failure::new(Exit::Usage, message)
                    .hint("a server's own ProxyJump leads back to one before it"));
            }
            let name = last.host.clone();
            let hop = sources.passing(last, before);
            let (config, settings) = hop.map_err(|it| it.at(format!("on the way, {name}")))?;
            next = config.jump().cloned();
            way.push(settings);
        }
        let of = way.len();
        let places = (1..).map(|number| Place { number, of });
        let mut hops: Vec<Hop> =
            way.into_iter().rev().zip(places).map(|(it, place)| Hop::new(it, place)).collect();
        let Some(destination) = hops.pop() else {
            return Err(Failure::new(Exit::Other, "the way leads nowhere"));
        };
        let nearest = hops.first().unwrap_or(&destination);
        let first = First::plan(&nearest.settings, proxy)?;
        Ok((Self { first, jumps: hops, destination }, config))
    }

    /// The settings for the destination.
    pub(crate) fn settings(&self) -> &Settings {
        &self.destination.settings
    }

    /// How many servers there are on the way, the destination included.
    pub(crate) fn servers(&self) -> usize {
        self.jumps.len().saturating_add(1)
    }

    /// The way in words: who logs in, where, and over which servers.
    pub(crate) fn told(&self) -> String {
        let Settings { user, host, port, .. } = self.settings();
        let mut told = format!("{user} to {host} port {port}");
        for (number, hop) in self.jumps.iter().enumerate() {
            told.push_str(if number == 0 { " over " } else { ", " });
            told.push_str(&format!(
                "{}@{}:{}",
                hop.settings.user, hop.settings.host, hop.settings.port
            ));
        }
        match &self.first {
            First::Socket(_) => {}
            First::Proxy(_, upstream) => {
                told.push_str(&format!(", by the proxy {}", upstream.place()));
            }
            First::Command(words) => told.push_str(&format!(", by the command `{words}`")),
        }
        told
    }

    /// How the destination is looked up among known hosts.
    pub(crate) fn host(&self) -> Host {
        self.destination.known_as()
    }

    /// What messages call the server that it leads to.
    pub(crate) fn name(&self) -> String {
        self.destination.name()
    }
}

impl First {
    /// How the nearest server is reached.
    ///
    /// # Errors
    /// Where two ways are named, or the command cannot be made.
    fn plan(settings: &Settings, proxy: Option<Proxy>) -> Result<Self, Failure> {
        let socket = Socket::new(settings);
        Ok(match (&settings.proxy_command, proxy) {
            (Some(_), Some(Proxy::Asked(_))) => {
                return Err(Failure::new(
                    Exit::Usage,
                    "--proxy and ProxyCommand both say how to reach the server",
                )
                .hint("leave one of them out, or write --proxy none"));
            }
            (Some(command), _) => {
                let Settings { host, given, port, user, .. } = settings;
                Self::Command(words::expand(command, Tokens { host, given, port: *port, user })?)
            }
            (None, Some(Proxy::Asked(upstream) | Proxy::Usual(upstream))) => {
                Self::Proxy(socket, upstream)
            }
            (None, None) => Self::Socket(socket),
        })
    }
}

/// Connects to a server and logs in, and to all on the way before it. These are put into
/// `chain`, which is to be closed afterwards, also where this failed or was given up. `witness` is
/// told of each step.
///
/// Cancel safe in that nothing is left behind but what is in `chain`.
///
/// # Errors
/// Where a server cannot be reached or trusted, or does not let the user in.
pub(crate) async fn connect(
    route: &Route,
    chain: &mut Chain,
    witness: &mut impl Witness,
) -> Result<Entered, Failure> {
    for hop in &route.jumps {
        let entered = enter(&route.first, hop, chain, witness).await?;
        chain.pass(hop, entered);
    }
    enter(&route.first, &route.destination, chain, witness).await
}

/// Reaches the next server, and enters it.
async fn enter(
    first: &First,
    hop: &Hop,
    chain: &mut Chain,
    witness: &mut impl Witness,
) -> Result<Entered, Failure> {
    let Some(manner) = chain.manner() else {
        return Err(hop.unreachable("the way there was another one before"));
    };
    witness.begins(hop);
    let mut entrance = hop.prepare(manner).await;
    let limit = hop.patience();
    let begun = Instant::now();
    let reached = match timeout(limit, reach(first, hop, chain, witness)).await {
        Ok(reached) => reached,
        Err(_) => Err(hop
            .unreachable(&format!("nothing answered within {} s", limit.as_secs()))
            .hint("check that no firewall is in the way, or raise ConnectTimeout")),
    };
    let entered = match reached {
        Ok((stream, how)) => {
            witness.reached(&how, begun.elapsed());
            let entered = entrance.enter(stream).await;
            witness.spoke(entrance.client());
            entered
        }
        Err(failure) => Err(failure),
    };
    match entered {
        Ok(entered) => {
            chain.entered(entered.key);
            Ok(entered)
        }
        Err(failure) => Err(chain.blame(failure).await),
    }
}

/// The host key that the destination shows, whether or not it is known; `algorithms` says of which
/// types it may be. Servers on the way are logged in to as ever.
///
/// Cancel safe in that nothing is left behind but what is in `chain`.
///
/// # Errors
/// Where a server cannot be reached, or has no key of these types.
pub(crate) async fn look(
    route: &Route,
    algorithms: &[&str],
    chain: &mut Chain,
) -> Result<PublicKey, Failure> {
    let mut witness = Nobody;
    for hop in &route.jumps {
        let entered = enter(&route.first, hop, chain, &mut witness).await?;
        chain.pass(hop, entered);
    }
    let hop = &route.destination;
    let stream = match timeout(hop.patience(), reach(&route.first, hop, chain, &mut witness)).await
    {
        Ok(reached) => reached?.0,
        Err(_) => return Err(hop.unreachable("nothing answered in time")),
    };
    hop.look(algorithms).key(stream).await
}

/// A stream that leads to a server, from the one before it or by the first way, and how.
async fn reach(
    first: &First,
    hop: &Hop,
    chain: &mut Chain,
    witness: &mut impl Witness,
) -> Result<(Stream, String), Failure> {
    if let Some(reached) = chain.reach(hop).await {
        return reached.map(|stream| (stream, "the server before it leads there".to_owned()));
    }
    match first {
        First::Socket(socket) => {
            let Settings { host, port, .. } = &hop.settings;
            match socket.connect(host, *port, witness).await {
                Ok(stream) => {
                    let peer =
                        stream.peer_addr().map_or_else(|_| host.clone(), |it| it.to_string());
                    Ok((Box::new(stream), format!("{peer} answers")))
                }
                Err(fault) => Err(hop.unreachable(&fault.to_string()).hint(fault.hint())),
            }
        }
        First::Proxy(socket, upstream) => {
            let dialer =
                upstream::Dialer::new(upstream.clone(), socket.clone()).patience(hop.patience());
            match dialer.reach(&hop.target(), &Origin::Unix).await {
                Ok(stream) => Ok((Box::new(stream), "the proxy leads there".to_owned())),
                Err(error) => {
                    let failure = hop.unreachable(&error.to_string());
                    Err(match error.hint() {
                        Some(hint) => failure.hint(hint),
                        None => failure
                            .hint("check the proxy's address, and that it can reach the server"),
                    })
                }
            }
        }
        First::Command(words) => match command::start(words.clone()) {
            Ok((stream, running)) => {
                chain.begin(running);
                Ok((Box::new(stream), format!("the command `{words}` runs")))
            }
            Err(error) => Err(hop
                .unreachable(&format!("no shell for ProxyCommand: {error}"))
                .hint("SHELL names the shell that runs it")),
        },
    }
}
