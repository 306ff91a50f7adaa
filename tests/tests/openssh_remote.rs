//! What the machine's own `sshd` is asked to listen on.

use adit_channels::session::{Config, Handle, Session};
use adit_forward::accept::Accept;
use adit_forward::channel::{Router, Routes};
use adit_forward::entry::Entry;
use adit_forward::remote::{Cause, Listener, Refused};
use adit_proto::config::{ClientConfig, Common};
use adit_proto::ident::Identification;
use adit_tests::keys::Type;
use adit_tests::pair::Nobody;
use adit_tests::sshd::{Served, Sshd, user};
use adit_transport::client::Client;
use adit_transport::identity::Identity;
use adit_transport::identity::private_key::{Parsed, load};
use adit_transport::known_hosts::KnownHosts;
use adit_transport::known_hosts::host::Host;
use adit_transport::login::candidate::Candidate;
use adit_transport::login::{self, Login};
use adit_transport::provider;
use adit_transport::trust::{Policy, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// A session with an `sshd`.
struct Connected {
    session: Handle,
    routes: Routes,
    sshd: Sshd,
    _served: Served,
}

/// Connects to an `sshd` with these lines of configuration.
async fn connect(extra: &str) -> Connected {
    let sshd = Sshd::new(&[Type::Ed25519], Type::Ed25519, extra);
    let common = Common::new(provider::default(), Identification::own("adit_test").unwrap());
    let config = ClientConfig::new(common, user());
    let Parsed::Plain(key) = load(&sshd.user_key()).unwrap() else { panic!("it is encrypted") };
    let host = Host::new("example.com", 22);
    let trust = Trust::new(Policy::AcceptNew, host, KnownHosts::default(), None);
    let terms = login::Config {
        destination: "test".to_owned(),
        signatures: config.common.algorithms.signatures.clone(),
        interactive: 0,
        password: 0,
    };
    let login = Login::new(terms, [Candidate::ready(Identity::from_key(key, "test"))]);
    let (stream, served) = sshd.connect();
    let linked = Client::new(trust, login, Nobody).connect(stream, &config).await;
    let link = linked.unwrap_or_else(|error| panic!("{error}\n{}", sshd.log()));
    let Session { handle, driver, openings, .. } = Session::new(link, Config::default());
    tokio::spawn(driver);
    let routes = Routes::default();
    tokio::spawn(Router::new(openings, routes.clone()).run());
    Connected { session: handle, routes, sshd, _served: served }
}

impl Connected {
    async fn listen(&self, entry: &str) -> Result<Listener, Refused> {
        let entry: Entry = entry.parse().unwrap();
        Listener::bind(&self.session, &self.routes, &entry).await
    }
}

fn port(listener: &Listener) -> u16 {
    match listener.entry() {
        Entry::Tcp { port, .. } => *port,
        Entry::Unix(path) => panic!("{}", path.display()),
    }
}

/// What a program says that has connected comes out here, and is answered.
async fn carries<S>(listener: &mut Listener, app: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut app = app;
    let (mut channel, _) = listener.accept().await.unwrap();
    app.write_all(b"question").await.unwrap();
    app.shutdown().await.unwrap();
    let mut heard = Vec::new();
    channel.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"question");
    channel.write_all(b"answer").await.unwrap();
    channel.shutdown().await.unwrap();
    heard.clear();
    app.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"answer");
}

#[tokio::test]
async fn ports_of_the_servers_choice_are_told_apart_and_cancelled() {
    let server = connect("").await;
    let (first, second) = tokio::join!(server.listen("0"), server.listen("0"));
    let (mut first, mut second) = (first.unwrap(), second.unwrap());
    for listener in [&mut first, &mut second] {
        for address in ["127.0.0.1", "::1"] {
            let app = TcpStream::connect((address, port(listener))).await.unwrap();
            carries(listener, app).await;
        }
    }
    let closed = port(&first);
    first.cancel().await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", closed)).await.is_err());
    let app = TcpStream::connect(("127.0.0.1", port(&second))).await.unwrap();
    carries(&mut second, app).await;
}

#[tokio::test]
async fn sockets_carry_and_are_cancelled() {
    let server = connect("").await;
    let path = server.sshd.folder().join("s");
    let mut listener = server.listen(path.to_str().unwrap()).await.unwrap();
    carries(&mut listener, UnixStream::connect(&path).await.unwrap()).await;
    let again = server.listen(path.to_str().unwrap()).await.unwrap_err();
    assert!(again.hint().unwrap().contains("already"), "{again}");
}

#[tokio::test]
async fn addresses_are_matched_whatever_sshd_makes_of_them() {
    for ports in ["no", "yes", "clientspecified"] {
        let server = connect(&format!("GatewayPorts {ports}")).await;
        for entry in ["0", "*:0", "127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            let mut listener = server.listen(entry).await.unwrap();
            let address = if entry.contains("::1") { "::1" } else { "127.0.0.1" };
            let app = TcpStream::connect((address, port(&listener))).await.unwrap();
            carries(&mut listener, app).await;
            listener.cancel().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_sshd_forbids_is_refused() {
    for (extra, entry) in [
        ("AllowTcpForwarding no", "0"),
        ("AllowTcpForwarding local", "0"),
        ("PermitListen 1", "8080"),
        ("AllowStreamLocalForwarding no", "/tmp/adit-never-made"),
        ("DisableForwarding yes", "0"),
    ] {
        let refused = connect(extra).await.listen(entry).await.unwrap_err();
        assert!(matches!(refused.cause, Cause::Refused), "{extra}: {refused}");
        assert!(refused.hint().unwrap().contains("forbid"), "{extra}");
    }
    let held = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let entry = held.local_addr().unwrap().to_string();
    let refused = connect("GatewayPorts clientspecified").await.listen(&entry).await.unwrap_err();
    assert!(refused.hint().unwrap().contains("in use"), "{refused}");
}
