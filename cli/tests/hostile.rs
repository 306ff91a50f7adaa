//! Servers that want harm, as the program meets them when it has logged in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

use std::future::Future;
use std::process::Stdio;
use std::time::Duration;

use adit_tests::echo::echo;
use adit_tests::footprint::Footprint;
use adit_tests::keys::{Keys, Type};
use adit_tests::message::channel_open::{Kind, Reason};
use adit_tests::message::connection::ConnectionMessage;
use adit_tests::message::global_reply::RequestSuccess;
use adit_tests::message::global_request::{self, GlobalRequest};
use adit_tests::pair::Pair;
use adit_tests::raw::{Raw, loopback, open};
use adit_tests::uninvited;
use adit_tests::wire::Rest;
use adit_transport::error::Error as ProtocolError;
use adit_transport::link::Error;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// How long a test may take that should be over in seconds.
const PATIENCE: Duration = Duration::from_secs(120);

const MIB: u64 = 1 << 20;

/// Whether a server has room for what it does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    AsUsual,
    Little,
}

/// `adit open`, ended with the test.
struct Adit {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    _folder: TempDir,
}

type Server = Raw<TcpStream>;

/// A server, and an `adit open` with these words that has logged in to it.
async fn joined(words: &[&str], room: Room) -> (Adit, Server) {
    let socket = TcpSocket::new_v4().unwrap();
    if room == Room::Little {
        socket.set_recv_buffer_size(4096).unwrap();
    }
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let adit = Adit::start(words, &listener);
    let (stream, _) = listener.accept().await.unwrap();
    (adit, Raw::new(Pair::default().accept(stream).await.unwrap()))
}

/// A server, and an `adit open` whose remote tunnel from port 8080 to this port it has granted.
async fn listening(target: u16) -> (Adit, Server) {
    let remote = format!("8080:127.0.0.1:{target}");
    let (mut adit, mut server) = joined(&["-R", &remote], Room::AsUsual).await;
    match server.hear().await.unwrap() {
        ConnectionMessage::GlobalRequest(GlobalRequest {
            kind: global_request::Kind::TcpipForward(bind),
            want_reply: true,
        }) => assert_eq!((&*bind.address, bind.port), ("localhost", 8080)),
        other => panic!("no request to listen: {other:?}"),
    }
    server.say(RequestSuccess { data: Rest::default() });
    server.flush().await;
    adit.expect("the server listens on ").await;
    (adit, server)
}

impl Adit {
    fn start(words: &[&str], server: &TcpListener) -> Self {
        let folder = TempDir::new().unwrap();
        let key = Keys::generate(folder.path(), "user", Type::Ed25519);
        let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
        command.env_remove("SSH_AUTH_SOCK").env_remove("ADIT_LOG");
        command.args(["open", "-Fnone"]).args(words).arg("-i").arg(key.private());
        command.args(["-p", &server.local_addr().unwrap().port().to_string()]);
        command.args(["-oBatchMode=yes", "-oStrictHostKeyChecking=no"]);
        command.args(["-oUserKnownHostsFile=none", "-oGlobalKnownHostsFile=none", "me@127.0.0.1"]);
        command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new(), _folder: folder }
    }

    /// Waits for a line with these words, and yields what follows them.
    async fn expect(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let len = self.stderr.read_line(&mut line).await.unwrap();
            self.said.push_str(&line);
            assert!(len > 0, "it ended before it said \"{words}\":\n{}", self.said);
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Waits for the end, and yields the exit code and all that was said.
    async fn end(mut self) -> (i32, String) {
        self.stderr.read_to_string(&mut self.said).await.unwrap();
        let status = self.child.wait().await.unwrap();
        (status.code().unwrap_or(-1), self.said)
    }

    fn footprint(&self) -> Footprint {
        Footprint::of(self.child.id().unwrap())
    }
}

/// Connects to where the program listens.
async fn enter(adit: &mut Adit) -> TcpStream {
    let place = adit.expect("listening on ").await;
    TcpStream::connect(place.split([' ', ',']).next().unwrap()).await.unwrap()
}

/// Runs this, but not for ever.
async fn bounded<T>(test: impl Future<Output = T>) -> T {
    timeout(PATIENCE, test).await.unwrap_or_else(|_| panic!("it hangs"))
}

const LOCAL: [&str; 2] = ["-L", "127.0.0.1:0:intranet:80"];

#[tokio::test]
async fn channels_that_were_not_asked_for_are_refused_and_a_remote_tunnel_goes_on() {
    bounded(async {
        let target = echo().await.unwrap();
        let (_adit, mut server) = listening(target.port()).await;
        let asked_for = || {
            let mut ends = loopback(8080);
            ends.host = "localhost".to_owned();
            Kind::ForwardedTcpip(ends)
        };
        let channel = server.open(0, asked_for()).await.unwrap();
        server.echo(channel, b"is it there").await;
        for kind in uninvited::at_a_client(target.port()) {
            let refused = server.open(1, kind.clone()).await.unwrap_err();
            let right = [Reason::ADMINISTRATIVELY_PROHIBITED, Reason::UNKNOWN_CHANNEL_TYPE];
            assert!(right.contains(&refused.reason), "{kind:?}: {refused:?}");
            assert!(!refused.description.0.is_empty(), "{kind:?}");
            server.echo(channel, b"on").await;
        }
        let second = server.open(1, asked_for()).await.unwrap();
        server.echo(second, b"another").await;
    })
    .await;
}

#[tokio::test]
async fn all_channels_are_refused_where_only_local_tunnels_were_asked_for() {
    bounded(async {
        let (mut adit, mut server) = joined(&LOCAL, Room::AsUsual).await;
        for kind in uninvited::at_a_client(80) {
            let refused = server.open(1, kind.clone()).await.unwrap_err();
            assert!(!refused.description.0.is_empty(), "{kind:?}");
        }
        carries(&mut adit, &mut server).await;
    })
    .await;
}

/// Sends something through a local tunnel, in both directions.
async fn carries(adit: &mut Adit, server: &mut Server) {
    let mut stream = enter(adit).await;
    let (channel, kind) = server.grant(0).await;
    assert!(matches!(kind, Kind::DirectTcpip(ends) if ends.host == "intranet"));
    stream.write_all(b"ping").await.unwrap();
    server.expect(channel, b"ping").await;
}

#[tokio::test]
async fn an_answer_to_nothing_is_the_end_and_its_cause_is_told() {
    bounded(async {
        for message in uninvited::answers() {
            let (adit, mut server) = joined(&LOCAL, Room::AsUsual).await;
            // The client asks a few things to learn how long the path is, one after another.
            for _ in 0..6 {
                server.say(message.clone());
            }
            let name = message.number().to_string();
            match server.end().await {
                Error::Protocol(ProtocolError::Disconnected { description, .. }) => {
                    assert!(description.contains(&name), "{message:?}: {description}");
                }
                other => panic!("{message:?}: {other}"),
            }
            let (code, said) = adit.end().await;
            assert_eq!(code, 15, "{said}");
            let cause = format!("127.0.0.1: the peer misbehaved: {name}");
            assert!(said.contains(&cause), "{message:?}: {said}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_opens_is_refused_and_holds_little_memory() {
    bounded(async {
        const FLOOD: u32 = 20_000;
        let (mut adit, mut server) = joined(&LOCAL, Room::AsUsual).await;
        let before = adit.footprint();
        for number in 0..FLOOD {
            server.say(open(number, Kind::ForwardedTcpip(loopback(8080))));
        }
        server.flush().await;
        for _ in 0..FLOOD {
            match server.hear().await.unwrap() {
                ConnectionMessage::ChannelOpenFailure(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let after = adit.footprint();
        eprintln!("20,000 opens: {before:?} {after:?}");
        assert!(after.peak < before.peak + 32 * MIB, "{before:?} {after:?}");
        carries(&mut adit, &mut server).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_asks_without_end_and_reads_no_answers_is_left() {
    bounded(async {
        let (adit, mut server) = joined(&LOCAL, Room::Little).await;
        let kind = global_request::Kind::Keepalive;
        let question = GlobalRequest { kind, want_reply: true };
        for _ in 0..20 {
            for _ in 0..10_000 {
                server.say(question.clone());
            }
            server.flush().await;
        }
        let (code, said) = adit.end().await;
        assert_eq!(code, 15, "{said}");
        assert!(said.contains("global requests wait for answers"), "{said}");
    })
    .await;
}
