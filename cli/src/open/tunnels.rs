//! The tunnels of a connection, which come and go.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use adit_channels::mux::Class;
use adit_channels::session::Handle;
use adit_forward::entry::Entry;
use adit_forward::stop::{Signal, Switch};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use crate::failure::{Exit, Failure};
use crate::open::board::Board;
use crate::open::flows::Flows;
use crate::open::opening::{Opening, Place, Terms, Through};
use crate::open::placement::First;
use crate::open::tunnel::Tunnel;

/// The tunnels of a connection, which come and go. All its clones are the same.
///
/// ```text
///            want                  part: the connection is gone
///  nothing ------> wanted <--------------------------- open        entered at the server
///     ^               |  open: all that are wanted       ^ |
///     |               '----------------------------------' |
///     '------------------- cancel: what goes through it goes on
/// ```
///
/// Those that are entered here stay open while the connection is gone.
#[derive(Clone)]
pub(crate) struct Tunnels(Arc<Shared>);

struct Shared {
    terms: Terms,
    board: Board,
    signal: Signal,
    flows: Flows,
    added: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    held: Vec<Held>,
    /// Those that are entered here, which stay when the connection goes.
    standing: Relays,
    /// Those that go with it.
    passing: Relays,
}

/// Each ends with its tunnel.
type Relays = JoinSet<io::Result<()>>;

/// A tunnel that is wanted.
struct Held {
    number: u64,
    tunnel: Tunnel,
    class: Class,
    open: Option<Open>,
}

/// A tunnel that is open.
struct Open {
    place: Place,
    /// Dropped, it leaves the tunnel as it is.
    close: Switch,
}

/// A tunnel as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The tunnel as it was asked for.
    pub(crate) tunnel: Tunnel,
    /// Where it is entered; nothing where it is not open.
    pub(crate) place: Option<Entry>,
}

impl Tunnels {
    /// None yet, through the connections of a board, until the signal is given.
    pub(super) fn new(terms: Terms, board: Board, signal: Signal) -> Self {
        let (flows, added, state) = (Flows::default(), Notify::new(), Mutex::default());
        Self(Arc::new(Shared { terms, board, signal, flows, added, state }))
    }

    /// None yet, through one connection, until the signal is given.
    pub(crate) fn of_one(terms: Terms, session: Handle, signal: Signal) -> Self {
        let board = Board::new(1, First::ForAll);
        board.add(0, session);
        Self::new(terms, board, signal)
    }

    /// Wants one more, which is not open yet.
    pub(crate) fn want(&self, tunnel: Tunnel, class: Class) {
        self.hold(tunnel, class);
    }

    /// Opens all that are wanted and not open, and has them run. One that cannot be opened is
    /// told; where `ExitOnForwardFailure` says so, it is the end. Yields the failure where none
    /// is open for it.
    ///
    /// # Errors
    /// Where it is the end.
    pub(crate) async fn open(&self, through: &Through) -> Result<Option<Failure>, Failure> {
        let mut opening = Vec::new();
        for (number, tunnel, class) in self.wanted() {
            opening.push((number, Opening::begin(&self.0.terms, through, tunnel, class).await));
        }
        let mut failed = None;
        for (number, opening) in opening {
            match self.run(number, opening).await {
                Ok(_) => {}
                Err(failure) if self.0.terms.is_the_end(&failure) => return Err(failure),
                Err(failure) => {
                    failure.warn();
                    failed = Some(failure);
                }
            }
        }
        Ok(failed.filter(|_| self.lock().held.iter().all(|it| it.open.is_none())))
    }

    /// Opens one more, and yields where it is entered. One that is open already stays as it is.
    ///
    /// # Errors
    /// Where it cannot be opened; it is not wanted then.
    pub(crate) async fn add(
        &self,
        through: &Through,
        tunnel: Tunnel,
        class: Class,
    ) -> Result<Entry, Failure> {
        let tunnel = self.as_set(tunnel);
        let open = self.lock().held.iter().find(|it| it.tunnel == tunnel).and_then(Held::place);
        if let Some(place) = open {
            return Ok(place);
        }
        let number = self.hold(tunnel.clone(), class);
        let opening = Opening::begin(&self.0.terms, through, tunnel, class).await;
        let opened = self.run(number, opening).await;
        if opened.is_err() {
            self.lock().held.retain(|it| it.number != number);
        }
        opened
    }

    /// Closes one: nobody can enter it any more, and what goes through it goes on. It is named as
    /// it was asked for, or by the port that was chosen.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn cancel(&self, tunnel: Tunnel) -> Result<(), Failure> {
        let tunnel = self.as_set(tunnel);
        let mut state = self.lock();
        let asked = state.held.iter().position(|it| it.tunnel == tunnel);
        let found = asked.or_else(|| state.held.iter().position(|it| it.is(&tunnel)));
        let Some(found) = found else {
            let message = format!("there is no tunnel {}", tunnel.asked());
            return Err(Failure::new(Exit::Tunnel, message)
                .hint("name it as it was asked for; -O channels shows all that there are"));
        };
        let held = state.held.remove(found);
        drop(state);
        if let Some(open) = held.open {
            open.close.stop(Duration::MAX);
        }
        Ok(())
    }

    /// All that are wanted.
    pub(crate) fn list(&self) -> Vec<Told> {
        let state = self.lock();
        let told = |it: &Held| Told { tunnel: it.tunnel.clone(), place: it.place() };
        state.held.iter().map(told).collect()
    }

    /// What goes through them.
    pub(crate) fn flows(&self) -> &Flows {
        &self.0.flows
    }

    /// The connection is gone: those that were entered at the server are not open any more.
    pub(super) fn part(&self) {
        let mut state = self.lock();
        let passing = std::mem::take(&mut state.passing);
        let there = state.held.iter_mut().filter(|it| matches!(it.tunnel, Tunnel::There(_)));
        there.for_each(|it| it.open = None);
        drop(state);
        drop(passing);
    }

    /// How the next one ends; nothing where none runs. Cancel safe.
    pub(super) async fn ended(&self) -> Option<Result<io::Result<()>, JoinError>> {
        poll_fn(|cx| {
            let mut state = self.lock();
            match state.passing.poll_join_next(cx) {
                Poll::Ready(Some(ended)) => Poll::Ready(Some(ended)),
                Poll::Ready(None) => state.standing.poll_join_next(cx),
                Poll::Pending => match state.standing.poll_join_next(cx) {
                    Poll::Ready(None) => Poll::Pending,
                    ended => ended,
                },
            }
        })
        .await
    }

    /// Tells of each that ends by a fault, for ever. Cancel safe.
    pub(crate) async fn watch(&self) {
        loop {
            let mut added = pin!(self.0.added.notified());
            let ended = tokio::select! {
                biased;
                ended = self.ended() => ended,
                () = &mut added => continue,
            };
            match ended {
                None => added.await,
                // The end of the connection says why by itself.
                Some(Ok(Err(error))) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Some(Ok(Err(error))) => Failure::new(Exit::Tunnel, error).warn(),
                Some(Err(error)) if error.is_panic() => Failure::new(Exit::Other, error).warn(),
                Some(_) => {}
            }
        }
    }

    /// A tunnel as the settings have it.
    fn as_set(&self, mut tunnel: Tunnel) -> Tunnel {
        if self.0.terms.settings.gateway_ports {
            tunnel.open_to_others();
        }
        tunnel
    }

    fn hold(&self, tunnel: Tunnel, class: Class) -> u64 {
        let mut state = self.lock();
        state.last = state.last.wrapping_add(1);
        let number = state.last;
        state.held.push(Held { number, tunnel, class, open: None });
        number
    }

    fn wanted(&self) -> Vec<(u64, Tunnel, Class)> {
        let state = self.lock();
        let wanted = state.held.iter().filter(|it| it.open.is_none());
        wanted.map(|it| (it.number, it.tunnel.clone(), it.class)).collect()
    }

    /// Runs a tunnel that is wanted.
    async fn run(&self, number: u64, opening: Opening<'_>) -> Result<Entry, Failure> {
        let opened = opening.finish(&self.0.board, &self.0.flows).await?;
        let (close, signal) = Switch::within(self.0.signal.clone());
        let (place, entry) = (Arc::clone(&opened.place), opened.entry.clone());
        let mut state = self.lock();
        let State { held, standing, passing, .. } = &mut *state;
        let Some(held) = held.iter_mut().find(|it| it.number == number) else {
            return Err(Failure::new(Exit::Tunnel, "the tunnel was cancelled meanwhile"));
        };
        let relays = match &held.tunnel {
            Tunnel::Here(_) => standing,
            Tunnel::There(_) => passing,
        };
        relays.spawn(opened.run(signal));
        held.open = Some(Open { place, close });
        drop(state);
        self.0.added.notify_waiters();
        Ok(entry)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Where it is entered, where it is open.
    fn place(&self) -> Option<Entry> {
        self.open.as_ref().and_then(|open| open.place.get().cloned())
    }

    /// Whether a tunnel that is named by the port that was chosen is this one.
    fn is(&self, tunnel: &Tunnel) -> bool {
        self.place().is_some_and(|place| self.tunnel.with_port_of(&place) == *tunnel)
    }
}

#[cfg(test)]
mod tests {
    use adit_channels::global_request::Kind;
    use adit_channels::memory::{self, Path};
    use adit_channels::session::{Config, Session};
    use adit_forward::channel::{Router, Routes};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};
    use tokio::net::TcpStream;

    use super::*;
    use crate::open::plan::Loss;
    use crate::open::ready::Audience;
    use crate::open::server::Server;
    use crate::settings::sources::tests::settings;

    /// A connection to a server that sends back what channels carry, and grants what it is asked.
    fn rig() -> (Tunnels, Through, Switch) {
        let (here, there) = memory::pair(Path::default());
        let (here, mut there) =
            (Session::new(here, Config::default()), Session::new(there, Config::default()));
        tokio::spawn(here.driver);
        tokio::spawn(there.driver);
        tokio::spawn(async move {
            while let Some(opening) = there.openings.next().await {
                let (mut read, mut write) = split(opening.accept());
                tokio::spawn(async move { copy(&mut read, &mut write).await });
            }
        });
        tokio::spawn(async move {
            while let Some(request) = there.global_requests.next().await {
                let chosen = matches!(request.kind(), Kind::TcpipForward(bind) if bind.port == 0);
                let port = if chosen { 4321_u32.to_be_bytes().to_vec() } else { Vec::new() };
                request.grant(port.into());
            }
        });
        let (settings, loss, audience) = (settings("host", &[]), Loss::End, Audience::Nobody);
        let terms = Terms { settings, loss, audience };
        let (switch, signal) = Switch::new();
        let tunnels = Tunnels::of_one(terms, here.handle.clone(), signal);
        let routes = Routes::default();
        tokio::spawn(Router::new(here.openings, routes.clone()).run());
        (tunnels, Through { server: Server::Other, session: here.handle, routes }, switch)
    }

    fn local(spec: &str) -> Tunnel {
        Tunnel::Here(crate::open::tunnel::Here::Local(spec.parse().unwrap()))
    }

    fn port(place: &Entry) -> u16 {
        match place {
            Entry::Tcp { port, .. } => *port,
            Entry::Unix(_) => panic!("no port"),
        }
    }

    async fn says(stream: &mut TcpStream, word: &[u8]) {
        stream.write_all(word).await.unwrap();
        let mut echo = vec![0; word.len()];
        stream.read_exact(&mut echo).await.unwrap();
        assert_eq!(echo, word);
    }

    #[tokio::test]
    async fn a_tunnel_that_is_cancelled_takes_nothing_new_and_carries_what_it_has() {
        let (tunnels, through, _switch) = rig();
        let asked = local("127.0.0.1:0:host:1");
        let place = tunnels.add(&through, asked.clone(), Class::Ordinary).await.unwrap();
        let address = ("127.0.0.1", port(&place));
        let mut app = TcpStream::connect(address).await.unwrap();
        says(&mut app, b"before").await;
        assert_eq!(tunnels.flows().list().len(), 1);
        tunnels.cancel(asked.clone()).unwrap();
        assert!(tunnels.list().is_empty());
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        says(&mut app, b"after").await;
        assert!(tunnels.cancel(asked).is_err());
    }

    #[tokio::test]
    async fn what_is_open_is_not_opened_twice_and_is_found_by_the_port_that_was_chosen() {
        let (tunnels, through, _switch) = rig();
        let asked = Tunnel::There("0:host:1".parse().unwrap());
        for _ in 0..2 {
            let place = tunnels.add(&through, asked.clone(), Class::Ordinary).await.unwrap();
            assert_eq!(port(&place), 4321);
        }
        assert_eq!(tunnels.list().len(), 1);
        tunnels.cancel(Tunnel::There("4321:host:1".parse().unwrap())).unwrap();
        assert!(tunnels.list().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_told_and_not_wanted() {
        let (tunnels, through, _switch) = rig();
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let spec = format!("127.0.0.1:{}:host:1", taken.local_addr().unwrap().port());
        let failure = tunnels.add(&through, local(&spec), Class::Ordinary).await.unwrap_err();
        assert!(failure.advice().unwrap().contains("another program"), "{failure:?}");
        assert!(tunnels.list().is_empty());
    }

    #[tokio::test]
    async fn a_lost_connection_takes_the_tunnels_at_the_server_with_it_and_no_others() {
        let (tunnels, through, _switch) = rig();
        tunnels.want(local("127.0.0.1:0:host:1"), Class::Ordinary);
        tunnels.want(Tunnel::There("7:host:1".parse().unwrap()), Class::Ordinary);
        assert!(tunnels.open(&through).await.unwrap().is_none());
        let open = || -> Vec<bool> { tunnels.list().iter().map(|it| it.place.is_some()).collect() };
        assert_eq!(open(), [true, true]);
        tunnels.part();
        assert_eq!(open(), [true, false]);
        assert!(tunnels.open(&through).await.unwrap().is_none());
        assert_eq!(open(), [true, true]);
    }
}
