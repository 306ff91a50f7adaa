//! Opening a tunnel.

use std::io;
use std::sync::{Arc, OnceLock};

use adit_channels::mux::Class;
use adit_channels::session::Handle;
use adit_forward::channel::Routes;
use adit_forward::entry::{Entry, Unavailable};
use adit_forward::fixed::Fixed;
use adit_forward::flow::Observe;
use adit_forward::proxy::Proxy;
use adit_forward::relay::Relay;
use adit_forward::remote::{self, Cause, Refused};
use adit_forward::socket;
use adit_forward::spec::Destination;
use adit_forward::stop::Signal;
use adit_forward::unix::Existing;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::failure::{Exit, Failure};
use crate::open::board::Board;
use crate::open::flows::Flows;
use crate::open::line::Line;
use crate::open::outbound::Outbound;
use crate::open::patience::Patience;
use crate::open::plan::Loss;
use crate::open::ready::{Audience, Ready};
use crate::open::server::Server;
use crate::open::tunnel::{Here, Tunnel};
use crate::settings::Settings;

/// What is the same for all tunnels of a connection.
#[derive(Debug)]
pub(crate) struct Terms {
    /// What is set for the server.
    pub(crate) settings: Settings,
    /// Whether the server is asked again for what it refuses.
    pub(crate) loss: Loss,
    /// Who is told.
    pub(crate) audience: Audience,
}

/// A connection to the server that tunnels go through.
#[derive(Clone)]
pub(crate) struct Through {
    /// What the server is.
    pub(crate) server: Server,
    /// The connection.
    pub(crate) session: Handle,
    /// Who takes the channels that the server opens.
    pub(crate) routes: Routes,
}

/// A tunnel that is being opened. All that the server is asked is on its way at once.
pub(super) struct Opening<'a> {
    terms: &'a Terms,
    through: &'a Through,
    tunnel: Tunnel,
    class: Class,
    listening: Listening,
}

/// A listener that is open, or will be when the server has answered.
enum Listening {
    Here(Here, Result<socket::Listener, Unavailable>),
    There(Destination, JoinHandle<Result<remote::Listener, Refused>>),
}

/// A tunnel that is open, and can run.
pub(super) struct Opened {
    /// Where it is entered; as it is asked for where the server is yet to say.
    pub(super) entry: Entry,
    /// The same, once it is known.
    pub(super) place: Place,
    run: Run,
}

/// Where a tunnel is entered as it is, once that is known.
pub(super) type Place = Arc<OnceLock<Entry>>;

enum Run {
    Here(Here, socket::Listener, Line, Arc<dyn Observe>),
    There(There, remote::Listener),
    /// The server refuses yet.
    Insist(There, Handle, Routes),
}

impl Terms {
    /// Whether that a tunnel cannot be opened is the end of all.
    pub(super) fn is_the_end(&self, failure: &Failure) -> bool {
        self.settings.exit_on_forward_failure || failure.exit != Exit::Tunnel
    }

    /// Whether a tunnel that was refused is asked for again on the same connection.
    fn asks_again(&self, error: &Refused) -> bool {
        self.loss == Loss::Reconnect
            && !self.settings.exit_on_forward_failure
            && matches!(error.cause, Cause::Refused | Cause::Unanswered)
    }
}

impl<'a> Opening<'a> {
    /// Opens one, or asks the server to.
    pub(super) async fn begin(
        terms: &'a Terms,
        through: &'a Through,
        tunnel: Tunnel,
        class: Class,
    ) -> Self {
        let listening = match &tunnel {
            Tunnel::Here(here) => {
                let settings = &terms.settings;
                let existing =
                    if settings.bind_unlink { Existing::ReplaceDead } else { Existing::Keep };
                let listener =
                    socket::Listener::bind_with(here.entry(), settings.bind_mode, existing).await;
                Listening::Here(here.clone(), listener)
            }
            Tunnel::There(there) => {
                let entry = through.server.asked(&there.entry);
                let (session, routes) = (through.session.clone(), through.routes.clone());
                let asking =
                    tokio::spawn(
                        async move { remote::Listener::bind(&session, &routes, &entry).await },
                    );
                Listening::There(there.destination.clone(), asking)
            }
        };
        Self { terms, through, tunnel, class, listening }
    }

    /// Waits for the server's answer, and tells of a tunnel that is open. Those that are entered
    /// here go through the connections of a board.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(super) async fn finish(self, board: &Board, flows: &Flows) -> Result<Opened, Failure> {
        let Self { terms, through, tunnel, class, listening } = self;
        let observer = flows.of(tunnel.kind());
        match listening {
            Listening::Here(here, listener) => {
                let listener = listener.map_err(unavailable)?;
                terms.audience.tell(&tunnel, &Ready::Here(&listener))?;
                let entry = bound(&tunnel, &listener);
                let line = Line::new(board.clone(), class);
                Ok(Opened::at(entry, Run::Here(here, listener, line, observer)))
            }
            Listening::There(destination, asking) => {
                let asked = asking.await.map_err(|error| Failure::new(Exit::Other, error))?;
                let there = There {
                    tunnel,
                    class,
                    destination,
                    outbound: Outbound::new(terms.settings.permit_remote_open.clone()),
                    server: through.server,
                    audience: terms.audience,
                    observer,
                    place: Place::default(),
                };
                match asked {
                    Ok(listener) => {
                        there.tell(&listener)?;
                        Ok(Opened::at(listener.entry().clone(), Run::There(there, listener)))
                    }
                    // It may be a former connection of this one that the server takes for alive.
                    Err(error) if terms.asks_again(&error) => {
                        refused(error).warn();
                        let (session, routes) = (through.session.clone(), through.routes.clone());
                        let (entry, place) =
                            (there.tunnel.entry().clone(), Arc::clone(&there.place));
                        Ok(Opened { entry, place, run: Run::Insist(there, session, routes) })
                    }
                    Err(error) => Err(refused(error)),
                }
            }
        }
    }
}

/// Where a tunnel is entered here, with the port as it is.
fn bound(tunnel: &Tunnel, listener: &socket::Listener) -> Entry {
    match (tunnel.entry(), listener) {
        (Entry::Tcp { bind, .. }, socket::Listener::Tcp(listener)) => {
            Entry::Tcp { bind: bind.clone(), port: listener.port() }
        }
        (entry, _) => entry.clone(),
    }
}

impl Opened {
    fn at(entry: Entry, run: Run) -> Self {
        let place = Place::default();
        // Nobody else has it yet.
        let _ = place.set(entry.clone());
        Self { entry, place, run }
    }

    /// Carries what is accepted, until the signal is given.
    pub(super) async fn run(self, signal: Signal) -> io::Result<()> {
        match self.run {
            Run::Here(here, listener, line, observer) => {
                run_here(here, listener, line, observer, signal).await
            }
            Run::There(there, listener) => there.run(listener, signal).await,
            Run::Insist(there, session, routes) => there.insist(session, routes, signal).await,
        }
    }
}

/// A tunnel that is entered at the server.
struct There {
    tunnel: Tunnel,
    class: Class,
    destination: Destination,
    outbound: Outbound,
    server: Server,
    audience: Audience,
    observer: Arc<dyn Observe>,
    /// Where it is entered, once the server has said so.
    place: Place,
}

impl There {
    /// Tells that the server listens.
    fn tell(&self, listener: &remote::Listener) -> Result<(), Failure> {
        self.audience.tell(&self.tunnel, &Ready::There(listener.entry()))?;
        if self.audience != Audience::Nobody && self.server.may_fall_short(self.tunnel.entry()) {
            eprintln!(
                "adit: note: the server may listen on {} on its loopback addresses only\n\
                 hint: sshd does unless its GatewayPorts is clientspecified or yes, and \
                 does not say so",
                listener.entry()
            );
        }
        Ok(())
    }

    /// Carries what is accepted at the server, until the signal is given.
    async fn run(self, listener: remote::Listener, signal: Signal) -> io::Result<()> {
        let listener = listener.class(self.class);
        let observer = self.observer;
        match self.destination {
            // It is the user who named this one: nothing else has to permit it.
            Destination::Target(target) => {
                let dial = socket::Dialer::default();
                let relay = Relay::new(listener.to(target), dial).observer(observer);
                relay.until(signal).run().await
            }
            Destination::Asked => {
                let relay = Relay::new(Proxy::new(listener), self.outbound).observer(observer);
                relay.until(signal).run().await
            }
        }
    }

    /// Asks the server again and again, and then runs. The end of the connection is the end.
    async fn insist(self, session: Handle, routes: Routes, mut signal: Signal) -> io::Result<()> {
        let entry = self.server.asked(self.tunnel.entry());
        let mut patience = Patience::new();
        loop {
            tokio::select! {
                biased;
                () = signal.asked() => return Ok(()),
                cause = session.closed() => return Err(cause.into()),
                () = sleep(patience.pause(Exit::Tunnel)) => {}
            }
            match remote::Listener::bind(&session, &routes, &entry).await {
                Ok(listener) => {
                    // It is set once.
                    let _ = self.place.set(listener.entry().clone());
                    if let Err(failure) = self.tell(&listener) {
                        failure.warn();
                    }
                    return self.run(listener, signal).await;
                }
                Err(error) => tracing::info!(%error, "asking again"),
            }
        }
    }
}

/// Carries what is accepted here, until the signal is given.
async fn run_here(
    here: Here,
    listener: socket::Listener,
    dial: Line,
    observer: Arc<dyn Observe>,
    signal: Signal,
) -> io::Result<()> {
    match here {
        Here::Local(local) => {
            let relay = Relay::new(Fixed::new(listener, local.target), dial).observer(observer);
            relay.until(signal).run().await
        }
        Here::Dynamic(_) => {
            let relay = Relay::new(Proxy::new(listener), dial).observer(observer);
            relay.until(signal).run().await
        }
    }
}

/// That a place here cannot be listened on.
pub(crate) fn unavailable(error: Unavailable) -> Failure {
    hinted(Failure::new(Exit::Tunnel, &error), error.hint())
}

/// That the server does not listen.
pub(crate) fn refused(error: Refused) -> Failure {
    hinted(Failure::new(Exit::Tunnel, &error), error.hint())
}

fn hinted(failure: Failure, hint: Option<&str>) -> Failure {
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
