//! Tunnels between sockets of this machine, seen by the programs at both ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use adit_forward::entry::{Bind, Entry};
use adit_forward::fixed::Fixed;
use adit_forward::relay::Relay;
use adit_forward::socket::{Dialer, Listener, Stream};
use adit_forward::stop::{Signal, Switch};
use adit_forward::target::Target;
use adit_forward::tcp;
use adit_forward::unix::Existing;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Nothing here takes that long on the slowest of machines.
const LONG: Duration = Duration::from_secs(30);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it hangs")
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Tcp,
    Unix,
}

const KINDS: [(Kind, Kind); 4] = [
    (Kind::Tcp, Kind::Tcp),
    (Kind::Tcp, Kind::Unix),
    (Kind::Unix, Kind::Tcp),
    (Kind::Unix, Kind::Unix),
];

/// A program that waits for connections, without a tunnel.
enum Server {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Server {
    async fn start(kind: Kind, folder: &TempDir) -> Self {
        match kind {
            Kind::Tcp => Self::Tcp(TcpListener::bind("127.0.0.1:0").await.unwrap()),
            Kind::Unix => {
                let path = folder.path().join("server");
                Self::Unix(UnixListener::bind(&path).unwrap(), path)
            }
        }
    }

    fn target(&self) -> Target {
        match self {
            Self::Tcp(listener) => {
                let address = listener.local_addr().unwrap();
                Target::Tcp { host: address.ip().to_string(), port: address.port() }
            }
            Self::Unix(_, path) => Target::Unix(path.clone()),
        }
    }

    async fn accept(&self) -> Stream {
        match self {
            Self::Tcp(listener) => {
                Stream::Tcp(tcp::Stream::from(listener.accept().await.unwrap().0))
            }
            Self::Unix(listener, _) => Stream::Unix(listener.accept().await.unwrap().0),
        }
    }
}

/// A tunnel that runs until it is dropped.
struct Tunnel {
    entry: Entry,
    running: JoinHandle<io::Result<()>>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Tunnel {
    async fn open(kind: Kind, target: Target, folder: &TempDir, stop: Signal) -> Self {
        let entry = match kind {
            Kind::Tcp => Entry::Tcp { bind: Bind::Localhost, port: 0 },
            Kind::Unix => Entry::Unix(folder.path().join("entry")),
        };
        let listener = Listener::bind(&entry, Existing::Keep).await.unwrap();
        let entry = match &listener {
            Listener::Tcp(listener) => {
                let address = listener.addresses()[0];
                Entry::Tcp { bind: Bind::Host(address.ip().to_string()), port: address.port() }
            }
            Listener::Unix(listener) => Entry::Unix(listener.path().to_owned()),
        };
        let relay = Relay::new(Fixed::new(listener, target), Dialer::default()).until(stop);
        Self { entry, running: tokio::spawn(relay.run()) }
    }

    /// Connects as a program does.
    async fn connect(&self) -> Stream {
        match &self.entry {
            Entry::Tcp { .. } => {
                Stream::Tcp(tcp::Stream::from(TcpStream::connect(self.address()).await.unwrap()))
            }
            Entry::Unix(path) => Stream::Unix(UnixStream::connect(path).await.unwrap()),
        }
    }

    fn address(&self) -> SocketAddr {
        self.entry.to_string().parse().unwrap()
    }
}

/// A program, a tunnel and a server, connected.
struct Rig {
    app: Stream,
    server: Stream,
    /// What must not go before the test ends: the tunnel, and the folder of the sockets.
    keep: (Tunnel, TempDir),
}

async fn rig((near, far): (Kind, Kind)) -> Rig {
    let folder = TempDir::new().unwrap();
    let server = Server::start(far, &folder).await;
    let tunnel = Tunnel::open(near, server.target(), &folder, Signal::never()).await;
    let (app, server) = tokio::join!(tunnel.connect(), server.accept());
    Rig { app, server, keep: (tunnel, folder) }
}

async fn all_of(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.map(|_| bytes)
}

async fn send(stream: &mut Stream, bytes: &[u8]) {
    soon(stream.write_all(bytes)).await.unwrap();
    soon(stream.shutdown()).await.unwrap();
}

/// Makes a mark that the other side has read before the test goes on.
async fn mark(from: &mut Stream, to: &mut Stream) {
    soon(from.write_all(b"mark")).await.unwrap();
    let mut bytes = [0; 4];
    soon(to.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"mark");
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * at / 7 + at) % 251).unwrap()).collect()
}

#[tokio::test]
async fn much_goes_both_ways_at_once_between_all_kinds_of_sockets() {
    for kinds in KINDS {
        let Rig { app, server, keep: _keep } = rig(kinds).await;
        let (up, down) = (noise(3_000_000), noise(2_000_001));
        let exchange = |stream: Stream, bytes: Vec<u8>| async move {
            let (mut reader, mut writer) = tokio::io::split(stream);
            let mut received = Vec::new();
            let sending = async {
                writer.write_all(&bytes).await.unwrap();
                writer.shutdown().await.unwrap();
            };
            soon(async { tokio::join!(sending, reader.read_to_end(&mut received)).1 })
                .await
                .unwrap();
            received
        };
        let (got_down, got_up) =
            tokio::join!(exchange(app, up.clone()), exchange(server, down.clone()));
        assert!(got_up == up && got_down == down, "{kinds:?}: bytes were lost or mixed");
    }
}

#[tokio::test]
async fn either_side_may_finish_first() {
    for kinds in KINDS {
        let Rig { mut app, mut server, keep: _keep } = rig(kinds).await;
        send(&mut app, b"question").await;
        assert_eq!(all_of(&mut server).await.unwrap(), b"question", "{kinds:?}");
        send(&mut server, b"answer").await;
        assert_eq!(all_of(&mut app).await.unwrap(), b"answer", "{kinds:?}");

        let Rig { mut app, mut server, keep: _keep } = rig(kinds).await;
        send(&mut server, b"greeting").await;
        assert_eq!(all_of(&mut app).await.unwrap(), b"greeting", "{kinds:?}");
        send(&mut app, b"upload").await;
        assert_eq!(all_of(&mut server).await.unwrap(), b"upload", "{kinds:?}");
    }
}

#[tokio::test]
async fn a_reset_of_the_server_is_a_reset_to_the_program() {
    let Rig { mut app, mut server, keep: _keep } = rig((Kind::Tcp, Kind::Tcp)).await;
    mark(&mut server, &mut app).await;
    drop(server);
    assert_eq!(all_of(&mut app).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_of_the_program_is_a_reset_to_the_server() {
    let Rig { mut app, mut server, keep: _keep } = rig((Kind::Tcp, Kind::Tcp)).await;
    mark(&mut app, &mut server).await;
    drop(app);
    assert_eq!(all_of(&mut server).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_after_a_half_close_is_a_reset() {
    let Rig { mut app, mut server, keep: _keep } = rig((Kind::Tcp, Kind::Tcp)).await;
    send(&mut app, b"question").await;
    assert_eq!(all_of(&mut server).await.unwrap(), b"question");
    mark(&mut server, &mut app).await;
    drop(server);
    assert_eq!(all_of(&mut app).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_unix_server_that_leaves_words_unread_resets_the_program() {
    let Rig { mut app, mut server, keep: _keep } = rig((Kind::Tcp, Kind::Unix)).await;
    mark(&mut server, &mut app).await;
    soon(app.write_all(b"unread")).await.unwrap();
    assert_eq!(soon(server.read_u8()).await.unwrap(), b'u');
    drop(server);
    assert_eq!(all_of(&mut app).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_question_arrives_whole() {
    for kinds in [(Kind::Tcp, Kind::Tcp), (Kind::Tcp, Kind::Unix)] {
        let Rig { app, mut server, keep: _keep } = rig(kinds).await;
        let (mut reader, mut writer) = tokio::io::split(app);
        // More than all buffers on the way hold.
        let body = tokio::spawn(async move { writer.write_all(&noise(50_000_000)).await });
        let mut head = [0; 1_000];
        soon(server.read_exact(&mut head)).await.unwrap();
        soon(server.write_all(b"413 too large")).await.unwrap();
        drop(server);
        let mut answer = Vec::new();
        let end = soon(reader.read_to_end(&mut answer)).await;
        assert_eq!(answer, b"413 too large", "{kinds:?}");
        let write = soon(body).await.unwrap().unwrap_err().kind();
        // The system tells of a reset once: whoever of the two comes first.
        let read = end.map_err(|error| error.kind());
        let reset = ErrorKind::ConnectionReset;
        assert!(read == Err(reset) || write == reset, "{kinds:?}: {read:?}, {write}");
    }
}

#[tokio::test]
async fn a_server_that_ended_its_answer_before_it_broke_did_end_it() {
    let Rig { app, mut server, keep: _keep } = rig((Kind::Tcp, Kind::Tcp)).await;
    let (mut reader, mut writer) = tokio::io::split(app);
    let body = tokio::spawn(async move { writer.write_all(&noise(50_000_000)).await });
    soon(server.read_exact(&mut [0; 1_000])).await.unwrap();
    send(&mut server, b"200 fine").await;
    let mut answer = Vec::new();
    soon(reader.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"200 fine");
    drop(server);
    assert!(soon(body).await.unwrap().is_err());
}

#[tokio::test]
async fn a_refused_target_is_a_reset_and_not_an_empty_answer() {
    let folder = TempDir::new().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let tcp = |host: &str| Target::Tcp { host: host.to_owned(), port: free.port() };
    let targets =
        [tcp("127.0.0.1"), tcp("no such name"), Target::Unix(folder.path().join("nobody"))];
    for target in targets {
        let shown = target.to_string();
        let tunnel = Tunnel::open(Kind::Tcp, target, &folder, Signal::never()).await;
        let mut app = soon(tunnel.connect()).await;
        let error = all_of(&mut app).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{shown}");
    }
}

#[tokio::test]
async fn a_tunnel_that_is_dropped_resets_what_it_carried_and_listens_no_more() {
    let Rig { mut app, mut server, keep: (tunnel, _folder) } = rig((Kind::Tcp, Kind::Tcp)).await;
    mark(&mut app, &mut server).await;
    let address = tunnel.address();
    drop(tunnel);
    assert_eq!(all_of(&mut app).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(all_of(&mut server).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_tunnel_that_is_stopped_listens_no_more_and_lets_the_rest_finish() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(Kind::Tcp, &folder).await;
    let (switch, signal) = Switch::new();
    let mut tunnel = Tunnel::open(Kind::Tcp, server.target(), &folder, signal).await;
    let (mut app, mut server) =
        soon(async { tokio::join!(tunnel.connect(), server.accept()) }).await;
    mark(&mut app, &mut server).await;
    switch.stop(LONG);
    while TcpStream::connect(tunnel.address()).await.is_ok() {}
    mark(&mut server, &mut app).await;
    send(&mut app, b"").await;
    assert_eq!(all_of(&mut server).await.unwrap(), b"");
    send(&mut server, b"").await;
    assert_eq!(all_of(&mut app).await.unwrap(), b"");
    soon(&mut tunnel.running).await.unwrap().unwrap();
}

/// As many as a limit of 1,024 descriptors allows, with four to each connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_at_once_are_all_served_right() {
    const MANY: usize = 200;
    let folder = TempDir::new().unwrap();
    let server = Server::start(Kind::Tcp, &folder).await;
    let tunnel = Tunnel::open(Kind::Tcp, server.target(), &folder, Signal::never()).await;
    let echo = tokio::spawn(async move {
        loop {
            let (mut reader, mut writer) = tokio::io::split(server.accept().await);
            tokio::spawn(async move {
                tokio::io::copy(&mut reader, &mut writer).await?;
                writer.shutdown().await
            });
        }
    });
    let mut apps = Vec::new();
    for _ in 0..MANY {
        apps.push(soon(tunnel.connect()).await);
    }
    let apps = apps.into_iter().enumerate().map(|(at, mut app)| {
        tokio::spawn(async move {
            let bytes = noise(65_536 + at);
            send(&mut app, &bytes).await;
            assert!(all_of(&mut app).await.unwrap() == bytes, "connection {at}");
        })
    });
    for app in apps.collect::<Vec<_>>() {
        app.await.unwrap();
    }
    echo.abort();
}
