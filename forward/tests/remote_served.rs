//! What a server listens on for its client: granted, refused, cancelled, and taken over from the
//! dead. Two sessions joined in memory, and sockets of this machine.

#![cfg(test)]

use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use adit_channels::channel_open::{self, Tcpip};
use adit_channels::global_request::{Bind, Kind};
use adit_channels::memory::{self, Path};
use adit_channels::mux::Answer;
use adit_channels::session::{Cause, Channel, Config, Handle, Openings, Session};
use adit_forward::remote::{Denied, Grant, Limits, Owner, Permit, Place, Registry, Server};
use adit_forward::stop::Switch;
use adit_forward::target::Target;
use adit_forward::unix::Existing;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Grants loopback addresses and sockets in one folder, but for port 1.
struct Loopback;

impl Permit for Loopback {
    async fn permit(&self, asked: &Target) -> Result<Grant, Denied> {
        match asked {
            Target::Tcp { port: 1, .. } => Err(Denied("port 1 is not for you".to_owned())),
            Target::Tcp { host, .. } => {
                let one = [127, 0, 0, 1].into();
                let two = [127, 0, 0, 2].into();
                let addresses = match host.as_str() {
                    "both" => vec![one, two],
                    "families" => vec![one, IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])],
                    _ => vec![one],
                };
                Ok(Place::Tcp(addresses).into())
            }
            Target::Unix(path) => {
                let (path, existing) = (path.clone(), Existing::Keep);
                Ok(Place::Unix { path, existing }.into())
            }
        }
    }
}

/// Grants every port but those that the system chooses.
struct Named;

impl Permit for Named {
    async fn permit(&self, asked: &Target) -> Result<Grant, Denied> {
        match asked {
            Target::Tcp { port: 0, .. } => Ok(Place::Tcp(vec![[127, 0, 0, 1].into()]).into()),
            _ => Err(Denied("not this one".to_owned())),
        }
    }
}

/// A client, whose end of the connection can be frozen.
struct Client {
    handle: Handle,
    openings: Openings,
    frozen: Arc<AtomicBool>,
    served: JoinHandle<()>,
    ended: JoinHandle<Cause>,
}

/// A driver that makes no progress while it is frozen.
struct Freezable<F>(F, Arc<AtomicBool>);

impl<F: Future + Unpin> Future for Freezable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.1.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll(cx)
    }
}

/// A client of a server that serves it so.
fn served<P: Permit>(
    server: impl FnOnce(Handle, adit_channels::session::GlobalRequests) -> Server<P>,
) -> Client {
    let (here, there) = memory::pair(Path { delay: Duration::from_millis(10), ..Path::default() });
    let Session { handle, driver, openings, .. } = Session::new(here, Config::default());
    let far = Session::new(there, Config::default());
    let frozen = Arc::new(AtomicBool::new(false));
    tokio::spawn(Freezable(Box::pin(driver), Arc::clone(&frozen)));
    let served = tokio::spawn(server(far.handle, far.global_requests).run());
    Client { handle, openings, frozen, served, ended: tokio::spawn(far.driver) }
}

fn client() -> Client {
    client_of(&Registry::default(), "ada")
}

fn client_of(registry: &Registry, owner: &str) -> Client {
    served(|handle, requests| {
        Server::new(requests, registry.tenant(Owner::new(owner), handle), Loopback)
    })
}

fn bind(address: &str, port: u16) -> Bind {
    Bind { address: address.to_owned(), port: port.into() }
}

impl Client {
    async fn ask(&self, kind: Kind) -> Answer {
        self.handle.global_request(kind).await.unwrap()
    }

    /// Has a port of the system's choice listened on.
    async fn listen(&self, address: &str) -> u16 {
        let Answer::Granted(data) = self.ask(Kind::TcpipForward(bind(address, 0))).await else {
            panic!("refused")
        };
        let port = u32::from_be_bytes(data.as_ref().try_into().unwrap());
        port.try_into().unwrap()
    }

    async fn cancel(&self, address: &str, port: u16) -> Answer {
        self.ask(Kind::CancelTcpipForward(bind(address, port))).await
    }

    /// Takes the next connection, and what it is told to be.
    async fn accept(&mut self) -> (Channel, channel_open::Kind) {
        let opening = self.openings.next().await.unwrap();
        let kind = opening.kind().clone();
        (opening.accept(), kind)
    }
}

fn granted() -> Answer {
    Answer::Granted(Bytes::new())
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

async fn refuses(address: impl Into<IpAddr>, port: u16) -> bool {
    let connected = TcpStream::connect((address.into(), port)).await;
    connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

const LOCAL: [u8; 4] = [127, 0, 0, 1];

#[tokio::test]
async fn connections_come_with_the_address_as_asked_and_the_port_as_it_is() {
    let mut client = client();
    for address in ["", "localhost", "*", "127.0.0.1"] {
        let port = client.listen(address).await;
        let mut app = TcpStream::connect((IpAddr::from(LOCAL), port)).await.unwrap();
        let from = app.local_addr().unwrap();
        let (mut channel, kind) = client.accept().await;
        let ends = Tcpip {
            host: address.to_owned(),
            port: port.into(),
            originator: "127.0.0.1".to_owned(),
            originator_port: from.port().into(),
        };
        assert_eq!(kind, channel_open::Kind::ForwardedTcpip(ends));
        app.write_all(b"question").await.unwrap();
        app.shutdown().await.unwrap();
        let mut heard = Vec::new();
        channel.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"question");
        channel.write_all(b"answer").await.unwrap();
        channel.shutdown().await.unwrap();
        drop(channel);
        heard.clear();
        app.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"answer");
    }
}

#[tokio::test]
async fn both_families_have_the_same_port_and_tell_who_came() {
    let mut client = client();
    let port = client.listen("families").await;
    for address in ["::1", "127.0.0.1"] {
        let _app = TcpStream::connect((address, port)).await.unwrap();
        let (_channel, kind) = client.accept().await;
        let channel_open::Kind::ForwardedTcpip(ends) = kind else { panic!("{kind:?}") };
        assert_eq!((ends.host.as_str(), ends.port), ("families", port.into()));
        assert_eq!(ends.originator, address);
    }
}

#[tokio::test]
async fn a_port_that_was_named_is_not_told() {
    let client = client();
    let port = free_port().await;
    assert_eq!(client.ask(Kind::TcpipForward(bind("localhost", port))).await, granted());
    assert!(!refuses(LOCAL, port).await);
}

#[tokio::test]
async fn a_cancelled_listener_is_closed_and_its_connections_go_on() {
    let mut client = client();
    let port = client.listen("both").await;
    let mut app = TcpStream::connect((IpAddr::from([127, 0, 0, 2]), port)).await.unwrap();
    let (mut channel, _) = client.accept().await;
    assert_eq!(client.cancel("localhost", port).await, Answer::Refused, "nobody asked for that");
    assert_eq!(client.cancel("both", port).await, granted());
    assert!(refuses(LOCAL, port).await && refuses([127, 0, 0, 2], port).await);
    assert_eq!(client.cancel("both", port).await, Answer::Refused);
    app.write_all(b"x").await.unwrap();
    assert_eq!(channel.read_u8().await.unwrap(), b'x');
    // The same place again, beside the connection of before.
    assert_eq!(client.ask(Kind::TcpipForward(bind("both", port))).await, granted());
    drop((app, channel));
    let _app = TcpStream::connect((IpAddr::from(LOCAL), port)).await.unwrap();
    client.accept().await;
    assert_eq!(client.cancel("both", port).await, granted());
}

#[tokio::test]
async fn all_ends_with_the_session() {
    let mut client = client();
    let port = client.listen("localhost").await;
    let mut app = TcpStream::connect((IpAddr::from(LOCAL), port)).await.unwrap();
    let (_channel, _) = client.accept().await;
    client.handle.disconnect();
    client.served.await.unwrap();
    assert_eq!(app.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(refuses(LOCAL, port).await);
}

#[tokio::test]
async fn a_stop_closes_listeners_and_lets_connections_finish() {
    let (switch, signal) = Switch::new();
    let registry = Registry::default();
    let mut client = served(|handle, requests| {
        Server::new(requests, registry.tenant(Owner::new("ada"), handle), Loopback).until(signal)
    });
    let port = client.listen("localhost").await;
    let mut app = TcpStream::connect((IpAddr::from(LOCAL), port)).await.unwrap();
    let (mut channel, _) = client.accept().await;
    switch.stop(Duration::from_secs(60));
    while !refuses(LOCAL, port).await {
        tokio::task::yield_now().await;
    }
    app.write_all(b"last words").await.unwrap();
    app.shutdown().await.unwrap();
    let mut heard = Vec::new();
    channel.read_to_end(&mut heard).await.unwrap();
    channel.shutdown().await.unwrap();
    client.served.await.unwrap();
    assert_eq!(heard, b"last words");
    assert!(registry.is_empty());
}

#[tokio::test]
async fn what_is_not_permitted_is_refused_and_not_bound() {
    let client = client();
    assert_eq!(client.ask(Kind::TcpipForward(bind("localhost", 1))).await, Answer::Refused);
    for port in [65_536, u32::MAX] {
        let bind = Bind { address: "localhost".to_owned(), port };
        assert_eq!(client.ask(Kind::TcpipForward(bind)).await, Answer::Refused);
    }
    let registry = Registry::default();
    let client = served(|handle, requests| {
        Server::new(requests, registry.tenant(Owner::new("ada"), handle), Named)
    });
    let asked = client.ask(Kind::TcpipForward(bind("localhost", 0))).await;
    assert_eq!(asked, Answer::Refused, "the port that the system chose is not permitted");
    assert!(registry.is_empty());
}

#[tokio::test]
async fn a_port_of_another_program_is_refused() {
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, port) = (client(), other.local_addr().unwrap().port());
    assert_eq!(client.ask(Kind::TcpipForward(bind("localhost", port))).await, Answer::Refused);
}

#[tokio::test]
async fn requests_are_answered_in_order_and_others_as_ever() {
    let client = client();
    let name = "fnord@example.org".to_owned();
    let unknown = client.handle.global_request(Kind::NoMoreSessions);
    let port = client.handle.global_request(Kind::TcpipForward(bind("localhost", 0)));
    let alive = client.handle.global_request(Kind::Keepalive);
    let stop = client.handle.global_request(Kind::CancelStreamlocalForward { path: name });
    assert_eq!(unknown.await.unwrap(), Answer::Refused);
    assert!(matches!(port.await.unwrap(), Answer::Granted(data) if data.len() == 4));
    assert_eq!(alive.await.unwrap(), Answer::Refused, "which is a sign of life");
    assert_eq!(stop.await.unwrap(), Answer::Refused);
}

#[tokio::test]
async fn a_flood_of_requests_gets_as_many_listeners_as_there_may_be() {
    let registry = Registry::default();
    let client = served(|handle, requests| {
        let limits = Limits { listeners: 5, ..Limits::default() };
        Server::new(requests, registry.tenant(Owner::new("ada"), handle), Loopback).limits(limits)
    });
    let asked: Vec<_> = (0..1000)
        .map(|_| client.handle.global_request(Kind::TcpipForward(bind("localhost", 0))))
        .collect();
    let mut ports = Vec::new();
    for answer in asked {
        if let Answer::Granted(data) = answer.await.unwrap() {
            ports.push(u32::from_be_bytes(data.as_ref().try_into().unwrap()));
        }
    }
    assert_eq!((ports.len(), registry.len()), (5, 5));
    assert_eq!(client.cancel("localhost", ports[0].try_into().unwrap()).await, granted());
    client.listen("localhost").await;
}

#[tokio::test]
async fn a_socket_is_for_its_owner_goes_at_the_end_and_replaces_nothing() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().join("s");
    let path = at.to_str().unwrap().to_owned();
    let mut client = client();
    let forward = || Kind::StreamlocalForward { path: path.clone() };
    std::fs::write(&at, "precious").unwrap();
    assert_eq!(client.ask(forward()).await, Answer::Refused);
    assert_eq!(std::fs::read(&at).unwrap(), b"precious");
    std::fs::remove_file(&at).unwrap();
    assert_eq!(client.ask(forward()).await, granted());
    assert_eq!(std::fs::metadata(&at).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(client.ask(forward()).await, Answer::Refused, "it is there already");
    let mut app = UnixStream::connect(&at).await.unwrap();
    let (mut channel, kind) = client.accept().await;
    assert_eq!(kind, channel_open::Kind::ForwardedStreamlocal { path: path.clone() });
    app.write_all(b"x").await.unwrap();
    assert_eq!(channel.read_u8().await.unwrap(), b'x');
    let cancel = Kind::CancelStreamlocalForward { path: path.clone() };
    assert_eq!(client.ask(cancel).await, granted());
    assert!(!at.exists());
    assert_eq!(client.ask(forward()).await, granted());
    client.handle.disconnect();
    client.served.await.unwrap();
    assert!(!at.exists());
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_loses_its_port_to_the_next_of_its_owner_within_a_second() {
    let registry = Registry::default();
    let (dead, alive) = (client_of(&registry, "ada"), client_of(&registry, "ada"));
    let port = dead.listen("both").await;
    dead.frozen.store(true, Ordering::Relaxed);
    let start = Instant::now();
    assert_eq!(alive.ask(Kind::TcpipForward(bind("localhost", port))).await, granted());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(matches!(dead.ended.await.unwrap(), Cause::Disconnected));
    dead.served.await.unwrap();
    assert_eq!(registry.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_answers_keeps_its_port() {
    let registry = Registry::default();
    let (first, second) = (client_of(&registry, "ada"), client_of(&registry, "ada"));
    let port = first.listen("localhost").await;
    for address in ["localhost", "both"] {
        let asked = second.ask(Kind::TcpipForward(bind(address, port))).await;
        assert_eq!(asked, Answer::Refused);
    }
    assert_eq!(first.cancel("localhost", port).await, granted());
    assert_eq!(second.ask(Kind::TcpipForward(bind("both", port))).await, granted());
}

#[tokio::test(start_paused = true)]
async fn what_another_owner_holds_is_not_taken_even_from_the_dead() {
    let registry = Registry::default();
    let (dead, other) = (client_of(&registry, "ada"), client_of(&registry, "eve"));
    let port = dead.listen("localhost").await;
    dead.frozen.store(true, Ordering::Relaxed);
    let start = Instant::now();
    let asked = other.ask(Kind::TcpipForward(bind("localhost", port))).await;
    assert_eq!(asked, Answer::Refused);
    assert!(start.elapsed() < Duration::from_millis(100), "nobody was asked");
    assert!(!dead.ended.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_loses_its_socket_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s").to_str().unwrap().to_owned();
    let registry = Registry::default();
    let (dead, alive) = (client_of(&registry, "ada"), client_of(&registry, "ada"));
    let forward = || Kind::StreamlocalForward { path: path.clone() };
    assert_eq!(dead.ask(forward()).await, granted());
    dead.frozen.store(true, Ordering::Relaxed);
    assert_eq!(alive.ask(forward()).await, granted());
    assert!(std::path::Path::new(&path).exists());
}
