//! Targets reached through proxies, over the sockets of this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{self, ErrorKind};
use std::time::Duration;

use adit_forward::credentials::Credentials;
use adit_forward::early::Early;
use adit_forward::entry::Bind;
use adit_forward::origin::Origin;
use adit_forward::proxy::{Access, Proxy};
use adit_forward::refusal::Refusal;
use adit_forward::relay::Relay;
use adit_forward::socket;
use adit_forward::target::Target;
use adit_forward::tcp;
use adit_forward::upstream::{Dialer, Error, Fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// Nothing here takes that long on the slowest of machines.
const LONG: Duration = Duration::from_secs(30);

const SCHEMES: [&str; 3] = ["socks5", "socks5h", "http"];

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it hangs")
}

/// A proxy that runs until it is dropped.
struct Running {
    place: String,
    running: JoinHandle<io::Result<()>>,
}

impl Running {
    async fn start(access: Access) -> Self {
        let listener = tcp::Listener::bind(&Bind::Localhost, 0).await.unwrap();
        let place = listener.addresses()[0].to_string();
        let relay = Relay::new(Proxy::new(listener).access(access), socket::Dialer::default());
        Self { place, running: tokio::spawn(relay.run()) }
    }

    fn dialer(&self, scheme: &str, login: &str) -> Dialer<socket::Dialer> {
        let url = format!("{scheme}://{login}{}", self.place);
        Dialer::new(url.parse().unwrap(), socket::Dialer::default())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.abort();
    }
}

type Through = Early<socket::Stream>;

/// A server, and the way to it.
struct Server(TcpListener);

impl Server {
    async fn start(at: &str) -> Self {
        Self(TcpListener::bind(at).await.unwrap())
    }

    fn target(&self) -> Target {
        let address = self.0.local_addr().unwrap();
        Target::Tcp { host: address.ip().to_string(), port: address.port() }
    }

    async fn visit(&self, dialer: &Dialer<socket::Dialer>) -> (Through, TcpStream) {
        let target = self.target();
        let (through, visitor) =
            soon(async { tokio::join!(dialer.reach(&target, &Origin::Unix), self.0.accept()) })
                .await;
        (through.unwrap(), visitor.unwrap().0)
    }
}

/// A port where nobody listens, and nobody can while this is kept.
struct Closed(TcpSocket);

impl Closed {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * at / 7 + at) % 251).unwrap()).collect()
}

async fn all_of(stream: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.map(|_| bytes)
}

async fn fails(dialer: &Dialer<socket::Dialer>, target: &Target) -> Error {
    soon(dialer.reach(target, &Origin::Unix)).await.unwrap_err()
}

#[tokio::test]
async fn much_goes_both_ways_through_every_protocol_and_family() {
    let proxy = Running::start(Access::Open).await;
    for scheme in SCHEMES {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let server = Server::start(at).await;
            let (mut through, mut visitor) = server.visit(&proxy.dialer(scheme, "")).await;
            let (question, answer) = (noise(1_000_000), noise(1_500_001));
            let asking = async {
                through.write_all(&question).await.unwrap();
                through.shutdown().await.unwrap();
                all_of(&mut through).await.unwrap()
            };
            let answering = async {
                let heard = all_of(&mut visitor).await.unwrap();
                visitor.write_all(&answer).await.unwrap();
                visitor.shutdown().await.unwrap();
                heard
            };
            let (got, heard) = soon(async { tokio::join!(asking, answering) }).await;
            assert!(got == answer && heard == question, "{scheme} {at}");
        }
    }
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard_whole() {
    let proxy = Running::start(Access::Open).await;
    let server = Server::start("127.0.0.1:0").await;
    for scheme in SCHEMES {
        let dialer = proxy.dialer(scheme, "");
        let greeting = async {
            let (mut visitor, _) = server.0.accept().await.unwrap();
            visitor.write_all(b"220 mail.test ready\r\n").await.unwrap();
            visitor.shutdown().await.unwrap();
            visitor
        };
        let target = server.target();
        let (through, _visitor) =
            soon(async { tokio::join!(dialer.reach(&target, &Origin::Unix), greeting) }).await;
        assert_eq!(all_of(&mut through.unwrap()).await.unwrap(), b"220 mail.test ready\r\n");
    }
}

#[tokio::test]
async fn a_reset_stays_a_reset() {
    let proxy = Running::start(Access::Open).await;
    let server = Server::start("127.0.0.1:0").await;
    for scheme in SCHEMES {
        let (mut through, visitor) = server.visit(&proxy.dialer(scheme, "")).await;
        drop(tcp::Stream::from(visitor));
        let error = all_of(&mut through).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{scheme}");
        let (through, mut visitor) = server.visit(&proxy.dialer(scheme, "")).await;
        drop(through);
        let error = all_of(&mut visitor).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{scheme}");
    }
}

#[tokio::test]
async fn a_target_where_nobody_listens_is_told_as_that() {
    let proxy = Running::start(Access::Open).await;
    let closed = Closed::new();
    let target = Target::Tcp { host: "127.0.0.1".to_owned(), port: closed.port() };
    let error = fails(&proxy.dialer("socks5h", ""), &target).await;
    let place = &proxy.place;
    assert_eq!(
        error.to_string(),
        format!(
            "cannot connect through the proxy socks5h://{place}: \
             it answered: connection refused (SOCKS5 reply 5)"
        )
    );
    assert_eq!(Refusal::from(error), Refusal::Refused);
    let error = fails(&proxy.dialer("http", ""), &target).await;
    assert_eq!(
        error.to_string(),
        format!("cannot connect through the proxy http://{place}: it answered: 502 Bad Gateway")
    );
}

#[tokio::test]
async fn only_the_right_login_gets_through() {
    let proxy = Running::start(Access::Login(Credentials::new("ada", "p@w"))).await;
    let server = Server::start("127.0.0.1:0").await;
    for scheme in SCHEMES {
        let (mut through, mut visitor) = server.visit(&proxy.dialer(scheme, "ada:p%40w@")).await;
        visitor.write_all(b"x").await.unwrap();
        assert_eq!(soon(through.read_u8()).await.unwrap(), b'x');
        let error = fails(&proxy.dialer(scheme, "ada:wrong@"), &server.target()).await;
        assert!(matches!(error.fault, Fault::LoginWrong), "{error}");
        let error = fails(&proxy.dialer(scheme, ""), &server.target()).await;
        assert!(matches!(error.fault, Fault::LoginNeeded), "{error}");
        assert!(error.hint().unwrap().contains("user:password@"));
    }
}

#[tokio::test]
async fn proxies_chain() {
    let first = Running::start(Access::Open).await;
    let second = Running::start(Access::Login(Credentials::new("ada", "pw"))).await;
    let server = Server::start("[::1]:0").await;
    let url = format!("http://ada:pw@{}", second.place);
    let chain = Dialer::new(url.parse().unwrap(), first.dialer("socks5h", ""));
    let target = server.target();
    let (through, visitor) =
        soon(async { tokio::join!(chain.reach(&target, &Origin::Unix), server.0.accept()) }).await;
    let (mut through, (mut visitor, _)) = (through.unwrap(), visitor.unwrap());
    through.write_all(b"far").await.unwrap();
    through.shutdown().await.unwrap();
    assert_eq!(all_of(&mut visitor).await.unwrap(), b"far");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let closed = Closed::new();
    let url = format!("socks5h://127.0.0.1:{}", closed.port());
    let dialer = Dialer::new(url.parse().unwrap(), socket::Dialer::default());
    let target = Target::Tcp { host: "web.test".to_owned(), port: 80 };
    let error = fails(&dialer, &target).await;
    assert_eq!(
        error.to_string(),
        format!("cannot connect through the proxy {url}: it cannot be reached: connection refused")
    );
}

#[tokio::test]
async fn what_is_no_proxy_at_all_is_told_as_that() {
    let server = Server::start("127.0.0.1:0").await;
    for (scheme, hint) in [("socks5h", "http://"), ("http", "socks5h://")] {
        let url = format!("{scheme}://{}", server.0.local_addr().unwrap());
        let dialer = Dialer::new(url.parse().unwrap(), socket::Dialer::default());
        let target = Target::Tcp { host: "web.test".to_owned(), port: 80 };
        let speaking = async {
            let (mut visitor, _) = server.0.accept().await.unwrap();
            visitor.write_all(b"220 mail.test ready\r\n\r\n").await.unwrap();
            visitor
        };
        let (error, _visitor) =
            soon(async { tokio::join!(fails(&dialer, &target), speaking) }).await;
        assert!(error.to_string().contains("its answer is not understood"), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
}
