//! The proxy as a program of this machine sees it: curl, over every protocol.
//!
//! Needs `curl` in the search path (Debian: curl); without it these tests fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use adit_forward::accept::Accept;
use adit_forward::credentials::Credentials;
use adit_forward::dial::Dial;
use adit_forward::entry::Bind;
use adit_forward::origin::Origin;
use adit_forward::proxy::{Access, Proxy};
use adit_forward::refusal::Refusal;
use adit_forward::relay::Relay;
use adit_forward::socket;
use adit_forward::target::Target;
use adit_forward::{tcp, unix};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// What the web server has, and curl is to get.
fn page() -> Vec<u8> {
    (0..3_000_000_usize).map(|at| u8::try_from((at * at / 7 + at) % 251).unwrap()).collect()
}

/// A web server with one page, which runs until it is dropped.
struct Web {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Web {
    async fn start(at: &str) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let running = tokio::spawn(async move {
            while let Ok((visitor, _)) = listener.accept().await {
                tokio::spawn(serve(visitor));
            }
        });
        Self { address, running }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn serve(mut visitor: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(visitor.read_u8().await?);
    }
    let page = page();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len());
    visitor.write_all(head.as_bytes()).await?;
    visitor.write_all(&page).await?;
    visitor.shutdown().await?;
    visitor.read_to_end(&mut Vec::new()).await.map(drop)
}

/// Dials from this machine, but names as it likes, and writes down what it was asked for.
#[derive(Clone)]
struct Dialer {
    web: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Dial for Dialer {
    type Stream = socket::Stream;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<socket::Stream, Refusal> {
        self.asked.lock().unwrap().push(target.to_string());
        let Target::Tcp { host, .. } = target else { panic!("{target}") };
        let web = Target::Tcp { host: self.web.ip().to_string(), port: self.web.port() };
        match host.as_str() {
            "web.test" => socket::Dialer::default().dial(&web, origin).await,
            "refused.test" => Err(Refusal::Refused),
            "away.test" => Err(Refusal::Unreachable),
            "far.test" => Err(Refusal::NetworkUnreachable),
            "secret.test" => Err(Refusal::NotAllowed),
            "silent.test" => Err(Refusal::TimedOut),
            "full.test" => Err(Refusal::ResourceShortage),
            "nowhere.test" => Err(Refusal::NameNotFound),
            _ => socket::Dialer::default().dial(target, origin).await,
        }
    }
}

/// A proxy that runs, and web servers behind it.
struct Rig {
    /// Where the proxy listens.
    places: Vec<SocketAddr>,
    v4: Web,
    v6: Web,
    dialer: Dialer,
    running: JoinHandle<io::Result<()>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Rig {
    async fn start(access: Access) -> Self {
        let listener = tcp::Listener::bind(&Bind::Localhost, 0).await.unwrap();
        let places = listener.addresses().to_vec();
        assert_eq!(places.len(), 2, "needs IPv4 and IPv6 on the loopback interface");
        let mut rig = Self::behind(listener, access).await;
        rig.places = places;
        rig
    }

    async fn behind(listener: impl Accept, access: Access) -> Self {
        let (v4, v6) = (Web::start("127.0.0.1:0").await, Web::start("[::1]:0").await);
        let dialer = Dialer { web: v4.address, asked: Arc::default() };
        let relay = Relay::new(Proxy::new(listener).access(access), dialer.clone());
        Self { places: Vec::new(), v4, v6, dialer, running: tokio::spawn(relay.run()) }
    }

    /// What was asked for since this was last looked at.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.dialer.asked.lock().unwrap())
    }
}

async fn curl(words: &[&str]) -> Output {
    let mut command = Command::new("curl");
    // Neither settings of the user nor of the environment.
    command.arg("--disable").args(["--silent", "--show-error", "--globoff", "--max-time", "60"]);
    command.args(words).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    tokio::task::spawn_blocking(move || command.output().expect("curl has to be installed"))
        .await
        .unwrap()
}

/// Exit codes of curl.
const PROXY: i32 = 97;
const RECEIVE: i32 = 56;

#[track_caller]
fn is_page(output: &Output, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {error}");
    assert!(output.stdout == page(), "{words:?}: {} bytes", output.stdout.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_gets_a_page_over_every_protocol_and_family() {
    let rig = Rig::start(Access::Open).await;
    let (v4, v6) = (rig.v4.address, rig.v6.address);
    let web = format!("web.test:{}", v4.port());
    let (v4, v6) = (v4.to_string(), v6.to_string());
    let cases = [
        ("--socks4", v4.as_str()),
        ("--socks4a", &v4),
        ("--socks4a", &web),
        ("--socks5", &v4),
        ("--socks5", &v6),
        ("--socks5-hostname", &v4),
        ("--socks5-hostname", &v6),
        ("--socks5-hostname", &web),
        ("--proxy", &v4),
        ("--proxy", &v6),
        ("--proxy", &web),
        ("--proxy1.0", &web),
    ];
    for place in &rig.places {
        for (protocol, target) in cases {
            let (place, url) = (place.to_string(), format!("http://{target}/"));
            let words = [protocol, &place, "--proxytunnel", &url];
            let output = curl(&words).await;
            is_page(&output, &words);
            assert_eq!(rig.asked(), [target], "{words:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_resolved_by_whoever_the_user_wants() {
    let rig = Rig::start(Access::Open).await;
    let (place, port) = (rig.places[0].to_string(), rig.v4.address.port());
    let (url, answer) = (format!("http://a.test:{port}/"), format!("a.test:{port}:127.0.0.1"));
    for (protocol, asked) in [("--socks4", "127.0.0.1"), ("--socks5", "127.0.0.1")] {
        let words = [protocol, &place, "--resolve", &answer, &url];
        is_page(&curl(&words).await, &words);
        assert_eq!(rig.asked(), [format!("{asked}:{port}")], "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_seen_by_curl_with_its_cause() {
    let rig = Rig::start(Access::Open).await;
    let place = rig.places[0].to_string();
    let cases = [
        ("refused.test", 5, 502),
        ("away.test", 4, 502),
        ("far.test", 3, 502),
        ("nowhere.test", 4, 502),
        ("secret.test", 2, 403),
        ("silent.test", 6, 504),
        ("full.test", 1, 503),
    ];
    for (host, code, status) in cases {
        let url = format!("http://{host}/");
        let output = curl(&["--socks5-hostname", &place, &url]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(PROXY), "{error}");
        assert!(error.contains(&format!("({code})")), "{error}");

        let output = curl(&["--socks4a", &place, &url]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(PROXY), "{error}");
        assert!(error.contains("(91)"), "{error}");

        let told = "%{http_connect}";
        let output = curl(&["--proxytunnel", "--proxy", &place, "--write-out", told, &url]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(RECEIVE), "{error}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), status.to_string(), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_where_nobody_listens_is_seen_as_refused() {
    let rig = Rig::start(Access::Open).await;
    let place = rig.places[1].to_string();
    let sockets =
        [("127.0.0.1:0", TcpSocket::new_v4().unwrap()), ("[::1]:0", TcpSocket::new_v6().unwrap())];
    for (host, socket) in sockets {
        socket.bind(host.parse().unwrap()).unwrap();
        let free = socket.local_addr().unwrap();
        let output = curl(&["--socks5", &place, &format!("http://{free}/")]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(PROXY), "{error}");
        assert!(error.contains("(5)"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_a_page_of_the_proxy_itself_is_told_what_it_is_for() {
    let rig = Rig::start(Access::Open).await;
    let place = rig.places[0].to_string();
    let words = ["--proxy", &place, "--write-out", "%{http_code}", "http://web.test/"];
    let output = curl(&words).await;
    let body = String::from_utf8(output.stdout).unwrap();
    assert_eq!(body, "this proxy makes tunnels by CONNECT, and nothing else\n405");
    assert_eq!(rig.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_password_gets_through() {
    let rig = Rig::start(Access::Login(Credentials::new("ada", "p:w @%"))).await;
    let place = rig.places[0].to_string();
    for (protocol, failure) in [("--socks5-hostname", PROXY), ("--proxy", RECEIVE)] {
        let words = [protocol, &place, "--proxytunnel", "http://web.test/"];
        for user in ["ada:p:w @%", "ada:wrong", "bob:p:w @%"] {
            let words = [&words[..], &["--proxy-user", user]].concat();
            let output = curl(&words).await;
            if user == "ada:p:w @%" {
                is_page(&output, &words);
                assert_eq!(rig.asked(), ["web.test:80"]);
            } else {
                assert_eq!(output.status.code(), Some(failure), "{words:?}");
            }
        }
        assert_eq!(curl(&words).await.status.code(), Some(failure), "{words:?}");
    }
    // curl asks without a password first, and again on a new connection.
    let any = ["--proxy-anyauth", "--proxy-user", "ada:p:w @%"];
    let words = [&any[..], &["--proxytunnel", "--proxy", &place, "http://web.test/"]].concat();
    is_page(&curl(&words).await, &words);
    assert_eq!(rig.asked(), ["web.test:80"]);
    let output = curl(&["--socks4a", &place, "http://web.test/"]).await;
    assert_eq!(output.status.code(), Some(PROXY));
    assert_eq!(rig.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_nobody_asked_for_does_no_harm() {
    let rig = Rig::start(Access::Open).await;
    let place = rig.places[0].to_string();
    for protocol in ["--socks5-hostname", "--proxy"] {
        for method in ["--socks5-basic", "--proxy-basic"] {
            let words = [protocol, &place, "--proxytunnel", method, "http://web.test/"];
            let words = [&words[..], &["--proxy-user", "ada:pw"]].concat();
            is_page(&curl(&words).await, &words);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_can_also_be_a_unix_socket() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("proxy");
    let listener =
        unix::Listener::bind(&path, unix::Mode::default(), unix::Existing::Keep).unwrap();
    let rig = Rig::behind(listener, Access::Open).await;
    let place = format!("socks5h://localhost{}", path.display());
    let words = ["--proxy", &place, "http://web.test/"];
    is_page(&curl(&words).await, &words);
    assert_eq!(rig.asked(), ["web.test:80"]);
}
