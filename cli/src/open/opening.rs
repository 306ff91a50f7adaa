//! Opening what the plan asks for.

use std::collections::HashSet;
use std::io;

use adit_channels::mux::Class;
use adit_channels::session::Handle;
use adit_forward::channel::Routes;
use adit_forward::entry::Unavailable;
use adit_forward::fixed::Fixed;
use adit_forward::proxy::Proxy;
use adit_forward::relay::Relay;
use adit_forward::remote::{self, Cause, Refused};
use adit_forward::socket;
use adit_forward::spec::Destination;
use adit_forward::stop::Signal;
use adit_forward::unix::Existing;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::failure::{Exit, Failure};
use crate::open::board::Board;
use crate::open::line::Line;
use crate::open::outbound::Outbound;
use crate::open::patience::Patience;
use crate::open::plan::{Loss, Plan};
use crate::open::ready::{Audience, Ready};
use crate::open::server::Server;
use crate::open::tunnel::{Here, Tunnel};

/// What is needed to open the tunnels of a plan.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) plan: &'a Plan,
    pub(super) server: Server,
    pub(super) session: &'a Handle,
    pub(super) routes: &'a Routes,
    pub(super) board: &'a Board,
}

/// The tunnels that are entered here, which stay when the connection goes.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) relays: Relays,
    /// Which ones of the plan.
    open: HashSet<usize>,
}

/// A listener that is open, or will be when the server has answered.
enum Listening {
    Here(Here, Result<socket::Listener, Unavailable>),
    There(Destination, JoinHandle<Result<remote::Listener, Refused>>),
}

/// Each ends with its tunnel.
pub(super) type Relays = JoinSet<io::Result<()>>;

impl Opening<'_> {
    /// Opens all that are not `standing`, and has them run until the signal is given; yields
    /// those that go with the connection. One that cannot be opened is told; where it is the only
    /// one, or `ExitOnForwardFailure` says so, it is the end.
    pub(super) async fn open(
        self,
        signal: &Signal,
        standing: &mut Standing,
    ) -> Result<Relays, Failure> {
        let mut listening = Vec::new();
        for (number, tunnel) in self.plan.tunnels.iter().enumerate() {
            if !standing.open.contains(&number) {
                listening.push((number, tunnel, self.begin(tunnel).await));
            }
        }
        let mut passing = JoinSet::new();
        let mut failed = None;
        for (number, tunnel, listening) in listening {
            let relays = match &listening {
                Listening::Here(..) => &mut standing.relays,
                Listening::There(..) => &mut passing,
            };
            let class = self.plan.class(number);
            match self.run((tunnel, class), listening, signal, relays).await {
                Ok(()) if matches!(tunnel, Tunnel::Here(_)) => {
                    standing.open.insert(number);
                }
                Ok(()) => {}
                Err(failure) if self.is_the_end(&failure) => return Err(failure),
                Err(failure) => {
                    failure.warn();
                    failed = Some(failure);
                }
            }
        }
        match failed {
            Some(failure)
                if passing.is_empty()
                    && standing.relays.is_empty()
                    && self.plan.audience != Audience::Nobody =>
            {
                Err(failure)
            }
            _ => Ok(passing),
        }
    }

    fn is_the_end(self, failure: &Failure) -> bool {
        let all_or_none = self.plan.route.settings().exit_on_forward_failure;
        all_or_none || failure.exit != Exit::Tunnel
    }

    /// Opens one, or asks the server to: all that it is asked is on its way at once.
    async fn begin(self, tunnel: &Tunnel) -> Listening {
        match tunnel {
            Tunnel::Here(here) => {
                let settings = self.plan.route.settings();
                let existing =
                    if settings.bind_unlink { Existing::ReplaceDead } else { Existing::Keep };
                let listener =
                    socket::Listener::bind_with(here.entry(), settings.bind_mode, existing).await;
                Listening::Here(here.clone(), listener)
            }
            Tunnel::There(there) => {
                let entry = self.server.asked(&there.entry);
                let (session, routes) = (self.session.clone(), self.routes.clone());
                let asking =
                    tokio::spawn(
                        async move { remote::Listener::bind(&session, &routes, &entry).await },
                    );
                Listening::There(there.destination.clone(), asking)
            }
        }
    }

    /// Runs a tunnel that is open.
    async fn run(
        self,
        (tunnel, class): (&Tunnel, Class),
        listening: Listening,
        signal: &Signal,
        relays: &mut Relays,
    ) -> Result<(), Failure> {
        match listening {
            Listening::Here(here, listener) => {
                let listener = listener.map_err(unavailable)?;
                self.plan.audience.tell(tunnel, &Ready::Here(&listener))?;
                let line = Line::new(self.board.clone(), class);
                relays.spawn(run_here(here, listener, line, signal.clone()));
            }
            Listening::There(destination, asking) => {
                let asked = asking.await.map_err(|error| Failure::new(Exit::Other, error))?;
                let permitted = self.plan.route.settings().permit_remote_open.clone();
                let there = There {
                    tunnel: tunnel.clone(),
                    class,
                    destination,
                    outbound: Outbound::new(permitted),
                    server: self.server,
                    audience: self.plan.audience,
                };
                match asked {
                    Ok(listener) => {
                        there.tell(&listener)?;
                        relays.spawn(there.run(listener, signal.clone()));
                    }
                    // It may be a former connection of this one that the server takes for alive.
                    Err(error) if self.asks_again(&error) => {
                        refused(error).warn();
                        let (session, routes) = (self.session.clone(), self.routes.clone());
                        relays.spawn(there.insist(session, routes, signal.clone()));
                    }
                    Err(error) => return Err(refused(error)),
                }
            }
        }
        Ok(())
    }

    /// Whether a tunnel that was refused is asked for again on the same connection.
    fn asks_again(self, error: &Refused) -> bool {
        self.plan.loss == Loss::Reconnect
            && !self.plan.route.settings().exit_on_forward_failure
            && matches!(error.cause, Cause::Refused | Cause::Unanswered)
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
        match self.destination {
            // It is the user who named this one: nothing else has to permit it.
            Destination::Target(target) => {
                let dial = socket::Dialer::default();
                Relay::new(listener.to(target), dial).until(signal).run().await
            }
            Destination::Asked => {
                Relay::new(Proxy::new(listener), self.outbound).until(signal).run().await
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
    signal: Signal,
) -> io::Result<()> {
    match here {
        Here::Local(local) => {
            Relay::new(Fixed::new(listener, local.target), dial).until(signal).run().await
        }
        Here::Dynamic(_) => Relay::new(Proxy::new(listener), dial).until(signal).run().await,
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
