//! What the peer listens on for this side.

use std::fmt;
use std::io;
use std::time::Duration;

use adit_channels::channel_open;
use adit_channels::global_request::{Bind, Kind};
use adit_channels::mux::{Answer, Class};
use adit_channels::session::{Channel, Handle, Opening};
use tokio::time::timeout;

use crate::accept::Accept;
use crate::channel::Inbound;
use crate::channel::routes::{Port, Route, Routes, Wanted};
use crate::entry::{self, Entry};
use crate::listen;
use crate::origin::Origin;
use crate::remote::refused::{Cause, Refused};
use crate::target::Target;

/// How long the peer may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A place that the peer listens on for this side: the near end, at the client, of a remote
/// tunnel.
///
/// It [accepts](Accept) channels at once, as a [proxy](crate::proxy::Proxy) needs it, whose
/// clients speak first; for a tunnel to one target, [`Listener::to`] leaves them open until it is
/// known whether that can be reached. Dropping it has the peer listen no more, without waiting
/// for its answer; channels that are open go on.
#[derive(Debug)]
pub struct Listener {
    route: Route,
    there: There,
    entry: Entry,
    class: Class,
}

/// A remote tunnel to one target: each connection to what the peer listens on goes there.
#[derive(Debug)]
pub struct Fixed {
    listener: Listener,
    target: Target,
}

/// A place at the peer. It is cancelled with this.
#[derive(Debug)]
struct There {
    session: Handle,
    /// What to ask for to have it cancelled; none where nothing is listened on.
    cancel: Option<Kind>,
}

impl Listener {
    /// Has the peer of a session listen: `tcpip-forward`
    /// ([RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1)) or
    /// `streamlocal-forward@openssh.com`
    /// ([PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)).
    /// `routes` are those of the same session. Channels are taken from before the request is
    /// sent, for they may overtake its answer.
    ///
    /// # Errors
    /// [`Refused`], where the peer does not, or does not answer within half a minute.
    ///
    /// # Cancel safety
    /// Dropping the future has the peer listen no more; but where it was to choose the port, it
    /// goes on to listen on one that nobody knows, and its channels are refused.
    pub async fn bind(session: &Handle, routes: &Routes, entry: &Entry) -> Result<Self, Refused> {
        let refused = |cause| Refused { entry: entry.clone(), cause };
        let Words { wanted, ask, cancel } = words(entry).map_err(refused)?;
        let route = routes.register(wanted);
        let there = There { session: session.clone(), cancel };
        let class = Class::default();
        let mut listener = Self { route, there, entry: entry.clone(), class };
        let answer = timeout(PATIENCE, session.global_request(ask)).await;
        match answer {
            Err(_) => Err(refused(Cause::Unanswered)),
            Ok(Err(ended)) => Err(refused(Cause::Ended(ended))),
            Ok(Ok(Answer::Refused)) => {
                listener.there.cancel = None;
                Err(refused(Cause::Refused))
            }
            Ok(Ok(Answer::Granted(data))) => {
                listener.handle_granted(&data).map_err(refused)?;
                Ok(listener)
            }
        }
    }

    /// Learns the port that the peer has chosen, where it was to choose.
    fn handle_granted(&mut self, data: &[u8]) -> Result<(), Cause> {
        let Entry::Tcp { bind, port: port @ 0 } = &mut self.entry else { return Ok(()) };
        let bytes = data.first_chunk().ok_or(Cause::NoPort)?;
        let chosen = u16::try_from(u32::from_be_bytes(*bytes)).map_err(|_| Cause::NoPort)?;
        if chosen == 0 {
            return Err(Cause::NoPort);
        }
        *port = chosen;
        self.there.cancel = Some(Kind::CancelTcpipForward(wire(bind, chosen)));
        self.route.settle(chosen);
        Ok(())
    }

    /// Says what the channels that come are for, as far as the turns of what they send go.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Where the peer listens: the address as it was asked for, which need not be the one that
    /// the peer has bound, and the port as it really is.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Sends what comes to a target.
    pub fn to(self, target: Target) -> Fixed {
        Fixed { listener: self, target }
    }

    /// Has the peer listen no more, and waits for its answer.
    ///
    /// # Errors
    /// [`Refused`], where it does not say that it does so.
    ///
    /// # Cancel safety
    /// The request is sent at the first poll; dropping the future gives up the wait.
    pub async fn cancel(self) -> Result<(), Refused> {
        let Self { route, mut there, entry, .. } = self;
        let Some(cancel) = there.cancel.take() else { return Ok(()) };
        let answer = timeout(PATIENCE, there.session.global_request(cancel)).await;
        // Until here what was on its way is refused without a warning.
        drop(route);
        let cause = match answer {
            Ok(Ok(Answer::Granted(_))) => return Ok(()),
            Ok(Ok(Answer::Refused)) => Cause::Uncancelled,
            Ok(Err(ended)) => Cause::Ended(ended),
            Err(_) => Cause::Unanswered,
        };
        Err(Refused { entry, cause })
    }

    async fn next(&mut self) -> io::Result<(Opening, Origin)> {
        let opening = self.route.next().await;
        let opening = opening.ok_or_else(|| {
            io::Error::new(io::ErrorKind::ConnectionAborted, "the session has ended")
        })?;
        opening.set_class(self.class);
        let origin = origin(opening.kind());
        Ok((opening, origin))
    }
}

/// Where the peer listens, as far as is known.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.fmt(f)
    }
}

impl Accept for Listener {
    type Stream = Channel;

    async fn accept(&mut self) -> io::Result<(Channel, Origin)> {
        let (opening, origin) = self.next().await?;
        Ok((opening.accept(), origin))
    }
}

impl listen::Listen for Fixed {
    type Inbound = Inbound;

    async fn next(&mut self) -> io::Result<Inbound> {
        let (opening, origin) = self.listener.next().await?;
        Ok(Inbound::new(opening, self.target.clone(), origin))
    }
}

impl Drop for There {
    fn drop(&mut self) {
        if let Some(cancel) = self.cancel.take() {
            self.session.notify(cancel);
        }
    }
}

fn origin(kind: &channel_open::Kind) -> Origin {
    match kind {
        channel_open::Kind::ForwardedTcpip(ends) => Origin::Reported {
            host: ends.originator.clone(),
            port: u16::try_from(ends.originator_port).unwrap_or(0),
        },
        _ => Origin::Unix,
    }
}

/// An entry in the words of the protocol.
struct Words {
    wanted: Wanted,
    ask: Kind,
    /// None where the port is not known yet.
    cancel: Option<Kind>,
}

fn words(entry: &Entry) -> Result<Words, Cause> {
    match entry {
        Entry::Tcp { bind, port } => {
            let wire = wire(bind, *port);
            let port = if *port == 0 { Port::Chosen } else { Port::Known(*port) };
            let known = port != Port::Chosen;
            Ok(Words {
                wanted: Wanted::Tcp { host: wire.address.clone(), port },
                cancel: known.then(|| Kind::CancelTcpipForward(wire.clone())),
                ask: Kind::TcpipForward(wire),
            })
        }
        Entry::Unix(path) => {
            let text = path.to_str().ok_or(Cause::Path)?.to_owned();
            Ok(Words {
                wanted: Wanted::Unix(path.clone()),
                cancel: Some(Kind::CancelStreamlocalForward { path: text.clone() }),
                ask: Kind::StreamlocalForward { path: text },
            })
        }
    }
}

/// The address as OpenSSH's client says it: empty is all addresses, and to say nothing is to
/// mean loopback.
fn wire(bind: &entry::Bind, port: u16) -> Bind {
    let address = match bind {
        entry::Bind::Default | entry::Bind::Localhost => "localhost",
        entry::Bind::All => "",
        entry::Bind::Host(host) => host,
    };
    Bind { address: address.to_owned(), port: port.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_say_nothing_is_to_mean_loopback() {
        let said = |text: &str| {
            let Ok(Entry::Tcp { bind, port }) = text.parse() else { panic!("{text}") };
            wire(&bind, port).address
        };
        assert_eq!([said("80"), said("localhost:80")], ["localhost", "localhost"]);
        assert_eq!([said("*:80"), said(":80"), said("[]:80")], ["", "", ""]);
        assert_eq!([said("0.0.0.0:80"), said("[::1]:80")], ["0.0.0.0", "::1"]);
    }
}
