//! What a client has its server listen on: channels find their tunnel, and nothing else is
//! taken. Two sessions joined in memory, of which the far one answers as the test has it, or
//! as our own server does.

#![cfg(test)]

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use adit_channels::channel_open::{Kind as Channels, Reason, Tcpip};
use adit_channels::global_request::{Bind, Kind};
use adit_channels::memory::{self, Path};
use adit_channels::session::{
    Channel, Config, GlobalRequest, GlobalRequests, Handle, OpenError, Session,
};
use adit_forward::accept::Accept;
use adit_forward::channel::{Router, Routes};
use adit_forward::flow::{Flow, Observe, Outcome};
use adit_forward::origin::Origin;
use adit_forward::proxy::Proxy;
use adit_forward::relay::Relay;
use adit_forward::remote::{
    Cause, Denied, Grant, Listener, Owner, Permit, Place, Refused, Registry, Server,
};
use adit_forward::socket::Dialer;
use adit_forward::target::Target;
use adit_forward::unix::Existing;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// The side under test, and its peer.
struct Rig {
    session: Handle,
    routes: Routes,
    peer: Peer,
}

struct Peer {
    handle: Handle,
    requests: GlobalRequests,
}

fn rig() -> Rig {
    let (here, there) = memory::pair(Path { delay: Duration::from_millis(10), ..Path::default() });
    let near = Session::new(here, Config::default());
    let far = Session::new(there, Config::default());
    tokio::spawn(near.driver);
    tokio::spawn(far.driver);
    let routes = Routes::default();
    tokio::spawn(Router::new(near.openings, routes.clone()).run());
    let peer = Peer { handle: far.handle, requests: far.global_requests };
    Rig { session: near.handle, routes, peer }
}

impl Rig {
    /// Asks for a listener, in a task of its own.
    fn bind(&self, entry: &str) -> JoinHandle<Result<Listener, Refused>> {
        let (session, routes, entry) =
            (self.session.clone(), self.routes.clone(), entry.parse().unwrap());
        tokio::spawn(async move { Listener::bind(&session, &routes, &entry).await })
    }

    /// Asks for a listener and has it granted.
    async fn listen(&mut self, entry: &str) -> Listener {
        let binding = self.bind(entry);
        self.peer.next().await.grant(Bytes::new());
        binding.await.unwrap().unwrap()
    }
}

impl Peer {
    async fn next(&mut self) -> GlobalRequest {
        self.requests.next().await.unwrap()
    }

    /// Opens a channel for a connection to an address and a port.
    fn open(
        &self,
        host: &str,
        port: u32,
    ) -> impl Future<Output = Result<Channel, OpenError>> + use<> {
        self.handle.open(forwarded(host, port))
    }
}

fn forwarded(host: &str, port: u32) -> Channels {
    let (host, originator) = (host.to_owned(), "10.0.0.9".to_owned());
    Channels::ForwardedTcpip(Tcpip { host, port, originator, originator_port: 4321 })
}

fn reason(opened: Result<Channel, OpenError>) -> Reason {
    match opened {
        Err(OpenError::Refused(refusal)) => refusal.reason,
        other => panic!("{other:?}"),
    }
}

fn port_of(listener: &Listener) -> u16 {
    let text = listener.entry().to_string();
    text.rsplit(':').next().unwrap().parse().unwrap()
}

/// A second of virtual time, in which all that is under way arrives.
async fn settle() {
    sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn channels_find_their_listener_by_address_and_port() {
    let mut rig = rig();
    let mut listeners =
        [rig.listen("10.0.0.1:80").await, rig.listen("10.0.0.2:80").await, rig.listen("81").await];
    for (host, port, taker) in [
        ("10.0.0.1", 80, 0),
        ("10.0.0.2", 80, 1),
        ("::ffff:10.0.0.2", 80, 1),
        ("localhost", 81, 2),
        ("127.0.0.1", 81, 2),
        ("192.0.2.7", 81, 2),
    ] {
        let listener = &mut listeners[taker];
        let (opened, accepted) = tokio::join!(rig.peer.open(host, port), listener.accept());
        let (mut there, (mut here, origin)) = (opened.unwrap(), accepted.unwrap());
        assert_eq!(origin, Origin::Reported { host: "10.0.0.9".to_owned(), port: 4321 });
        there.write_all(b"x").await.unwrap();
        assert_eq!(here.read_u8().await.unwrap(), b'x');
    }
    let ambiguous = rig.peer.open("10.0.0.3", 80).await;
    assert_eq!(reason(ambiguous), Reason::ADMINISTRATIVELY_PROHIBITED);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_is_refused() {
    let mut rig = rig();
    let _listener = rig.listen("80").await;
    let _socket = rig.listen("/run/a").await;
    let direct = Tcpip {
        host: "localhost".to_owned(),
        port: 80,
        originator: String::new(),
        originator_port: 0,
    };
    for kind in [
        forwarded("localhost", 81),
        forwarded("localhost", 65_616),
        forwarded("localhost", 0),
        Channels::ForwardedStreamlocal { path: "/run/b".to_owned() },
        Channels::ForwardedStreamlocal { path: String::new() },
        Channels::Session,
        Channels::AuthAgent,
        Channels::X11 { originator: "10.0.0.9".to_owned(), originator_port: 1 },
        Channels::DirectTcpip(direct),
        Channels::DirectStreamlocal { path: "/run/a".to_owned() },
    ] {
        let opened = rig.peer.handle.open(kind.clone()).await;
        assert_eq!(reason(opened), Reason::ADMINISTRATIVELY_PROHIBITED, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_overtakes_the_answer_is_taken() {
    for entry in ["80", "/run/a"] {
        let mut rig = rig();
        let binding = rig.bind(entry);
        let request = rig.peer.next().await;
        let opening = match entry {
            "80" => tokio::spawn(rig.peer.open("localhost", 80)),
            path => {
                let path = path.to_owned();
                tokio::spawn(rig.peer.handle.open(Channels::ForwardedStreamlocal { path }))
            }
        };
        settle().await;
        request.grant(Bytes::new());
        let mut listener = binding.await.unwrap().unwrap();
        listener.accept().await.unwrap();
        opening.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn channels_for_ports_that_are_being_chosen_wait_for_them() {
    let mut rig = rig();
    let (first, second) = (rig.bind("0"), rig.bind("0"));
    let (one, two) = (rig.peer.next().await, rig.peer.next().await);
    let to_second = tokio::spawn(rig.peer.open("localhost", 4002));
    let to_first = tokio::spawn(rig.peer.open("localhost", 4001));
    let stray = tokio::spawn(rig.peer.open("localhost", 4003));
    settle().await;
    assert!(!to_first.is_finished() && !to_second.is_finished() && !stray.is_finished());
    one.grant(Bytes::copy_from_slice(&4001_u32.to_be_bytes()));
    let mut first = first.await.unwrap().unwrap();
    first.accept().await.unwrap();
    settle().await;
    assert!(to_first.is_finished() && !to_second.is_finished() && !stray.is_finished());
    two.grant(Bytes::copy_from_slice(&4002_u32.to_be_bytes()));
    let mut second = second.await.unwrap().unwrap();
    second.accept().await.unwrap();
    assert!(to_second.await.unwrap().is_ok());
    assert_eq!(reason(stray.await.unwrap()), Reason::ADMINISTRATIVELY_PROHIBITED);
    assert_eq!((port_of(&first), port_of(&second)), (4001, 4002));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_channels_waits_only_up_to_a_limit() {
    for (entry, limit) in [("80", 128), ("0", 64)] {
        let mut rig = rig();
        let binding = rig.bind(entry);
        let _unanswered = rig.peer.next().await;
        let flood: Vec<_> =
            (0..1000).map(|_| tokio::spawn(rig.peer.open("localhost", 80))).collect();
        settle().await;
        let waiting = flood.iter().filter(|it| !it.is_finished()).count();
        assert_eq!(waiting, limit, "{entry}");
        binding.abort();
        settle().await;
        assert!(flood.iter().all(JoinHandle::is_finished), "all are refused with the listener");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_originator_is_not_kept() {
    let mut rig = rig();
    let _listener = rig.listen("80").await;
    let ends = Tcpip {
        host: "localhost".to_owned(),
        port: 80,
        originator: "x".repeat(20_000),
        originator_port: 1,
    };
    let opened = rig.peer.handle.open(Channels::ForwardedTcpip(ends)).await;
    assert_eq!(reason(opened), Reason::CONNECT_FAILED);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_given_up() {
    let mut rig = rig();
    let start = Instant::now();
    let binding = rig.bind("80");
    let request = rig.peer.next().await;
    let refused = binding.await.unwrap().unwrap_err();
    assert!(matches!(refused.cause, Cause::Unanswered), "{refused}");
    assert!(start.elapsed() < Duration::from_secs(31));
    assert!(matches!(rig.peer.next().await.kind(), Kind::CancelTcpipForward(_)));
    request.grant(Bytes::new());
    settle().await;
    let late = rig.peer.open("localhost", 80).await;
    assert_eq!(reason(late), Reason::ADMINISTRATIVELY_PROHIBITED);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_and_a_port_that_is_none_are_errors() {
    let mut rig = rig();
    let binding = rig.bind("80");
    rig.peer.next().await.refuse();
    let refused = binding.await.unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "the server does not listen on 80: it refuses the request");
    assert!(refused.hint().unwrap().contains("administrators"));
    for answer in [&b""[..], b"\0\0\x1f", &[0; 4], b"\0\x01\0\0", &[255; 4]] {
        let binding = rig.bind("0");
        rig.peer.next().await.grant(Bytes::copy_from_slice(answer));
        let refused = binding.await.unwrap().unwrap_err();
        assert!(matches!(refused.cause, Cause::NoPort), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_goes_is_cancelled() {
    let mut rig = rig();
    drop(rig.listen("80").await);
    let bind = |address: &str, port| Bind { address: address.to_owned(), port };
    let asked = rig.peer.next().await;
    assert_eq!(*asked.kind(), Kind::CancelTcpipForward(bind("localhost", 80)));
    assert_eq!(reason(rig.peer.open("localhost", 80).await), Reason::ADMINISTRATIVELY_PROHIBITED);
    let binding = rig.bind("*:0");
    rig.peer.next().await.grant(Bytes::copy_from_slice(&4001_u32.to_be_bytes()));
    let listener = binding.await.unwrap().unwrap();
    assert_eq!(listener.to_string(), "*:4001");
    let cancelling = tokio::spawn(listener.cancel());
    let asked = rig.peer.next().await;
    assert_eq!(*asked.kind(), Kind::CancelTcpipForward(bind("", 4001)));
    settle().await;
    assert!(!cancelling.is_finished());
    asked.grant(Bytes::new());
    cancelling.await.unwrap().unwrap();
    let cancelling = tokio::spawn(rig.listen("/run/a").await.cancel());
    rig.peer.next().await.refuse();
    let refused = cancelling.await.unwrap().unwrap_err();
    assert!(matches!(refused.cause, Cause::Uncancelled), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_session_is_told_to_all_who_wait() {
    let mut rig = rig();
    let mut listener = rig.listen("80").await;
    let binding = rig.bind("81");
    let _unanswered = rig.peer.next().await;
    rig.peer.handle.disconnect();
    let error = listener.accept().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert!(matches!(binding.await.unwrap().unwrap_err().cause, Cause::Ended(_)));
    let late = rig.bind("82").await.unwrap().unwrap_err();
    assert!(matches!(late.cause, Cause::Ended(_)), "{late}");
}

#[tokio::test]
async fn a_target_that_refuses_is_a_refused_channel() {
    let mut rig = rig();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let listener = rig.listen("80").await;
    let target = closed.to_string().parse().unwrap();
    tokio::spawn(Relay::new(listener.to(target), Dialer::default()).run());
    assert_eq!(reason(rig.peer.open("localhost", 80).await), Reason::CONNECT_FAILED);
}

/// Tells how connections ended.
struct Told(mpsc::UnboundedSender<String>);

impl Observe for Told {
    fn handle_ended(&self, _: &Flow, outcome: &Outcome) {
        let _ = self.0.send(outcome.to_string());
    }
}

#[tokio::test]
async fn a_silent_target_is_let_go_when_the_peer_has_closed_after_its_last_words() {
    let mut rig = rig();
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = rig.listen("80").await;
    let to = target.local_addr().unwrap().to_string().parse().unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let relay = Relay::new(listener.to(to), Dialer::default()).observer(Arc::new(Told(tell)));
    tokio::spawn(relay.run());
    let (opened, accepted) = tokio::join!(rig.peer.open("localhost", 80), target.accept());
    let (mut channel, (mut silent, _)) = (opened.unwrap(), accepted.unwrap());
    channel.write_all(b"last words").await.unwrap();
    channel.shutdown().await.unwrap();
    let mut heard = Vec::new();
    silent.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"last words");
    assert!(told.try_recv().is_err(), "an end of file alone ends nothing");
    drop(channel);
    assert_eq!(told.recv().await.as_deref(), Some("finished"));
    // As by a program that is gone: what is said to it is answered by a reset.
    while silent.write_all(b"too late").await.is_ok() {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Grants what is asked for, on 127.0.0.1.
struct Anything;

impl Permit for Anything {
    async fn permit(&self, asked: &Target) -> Result<Grant, Denied> {
        Ok(match asked {
            Target::Tcp { .. } => Place::Tcp(vec![[127, 0, 0, 1].into()]).into(),
            Target::Unix(path) => {
                Place::Unix { path: path.clone(), existing: Existing::Keep }.into()
            }
        })
    }
}

/// A client whose server is ours.
fn served() -> (Handle, Routes) {
    let Rig { session, routes, peer } = rig();
    let tenant = Registry::default().tenant(Owner::new("ada"), peer.handle);
    tokio::spawn(Server::new(peer.requests, tenant, Anything).run());
    (session, routes)
}

/// Sends back what each connection says.
async fn echo() -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap().to_string().parse().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                tokio::io::copy(&mut reader, &mut writer).await?;
                writer.shutdown().await
            });
        }
        #[expect(unreachable_code, reason = "it names the type")]
        Ok::<(), io::Error>(())
    });
    target
}

async fn exchange<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut app: S) {
    app.write_all(b"there and back").await.unwrap();
    app.shutdown().await.unwrap();
    let mut heard = Vec::new();
    app.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"there and back");
}

#[tokio::test]
async fn both_ends_together_carry_ports_and_sockets() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("s");
    let (session, routes) = served();
    let target = echo().await;
    let port = Listener::bind(&session, &routes, &"*:0".parse().unwrap()).await.unwrap();
    let entry = socket.to_str().unwrap().parse().unwrap();
    let path = Listener::bind(&session, &routes, &entry).await.unwrap();
    let number = port_of(&port);
    let tunnels = [port, path].map(|listener| {
        tokio::spawn(Relay::new(listener.to(target.clone()), Dialer::default()).run())
    });
    for _ in 0..3 {
        exchange(TcpStream::connect(("127.0.0.1", number)).await.unwrap()).await;
        exchange(UnixStream::connect(&socket).await.unwrap()).await;
    }
    for tunnel in tunnels {
        tunnel.abort();
        assert!(tunnel.await.unwrap_err().is_cancelled());
    }
    let gone = session.global_request(Kind::Keepalive).await;
    assert!(gone.is_ok(), "the session lives on");
    assert!(!socket.exists());
    assert!(TcpStream::connect(("127.0.0.1", number)).await.is_err());
}

#[tokio::test]
async fn a_proxy_at_the_far_end_goes_where_each_connection_says() {
    let (session, routes) = served();
    let Target::Tcp { port: target, .. } = echo().await else { unreachable!() };
    let listener = Listener::bind(&session, &routes, &"0".parse().unwrap()).await.unwrap();
    let entry = port_of(&listener);
    tokio::spawn(Relay::new(Proxy::new(listener), Dialer::default()).run());
    let mut app = TcpStream::connect(("127.0.0.1", entry)).await.unwrap();
    let [high, low] = target.to_be_bytes();
    app.write_all(&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, high, low]).await.unwrap();
    let mut answer = [0; 12];
    app.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[..4], [5, 0, 5, 0]);
    exchange(app).await;
}
