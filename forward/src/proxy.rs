//! A listening socket whose connections say where they want to go, by SOCKS or by HTTP's
//! CONNECT.

mod access;
mod fault;
mod http;
mod inbound;
mod protocol;
mod rejection;
mod socks;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::accept::Accept;
use crate::listen;
use crate::proxy::inbound::Terms;

pub use crate::proxy::access::Access;
pub use crate::proxy::fault::Fault;
pub use crate::proxy::inbound::Inbound;

/// A listening socket whose connections say where they want to go: the near end of a dynamic
/// tunnel.
///
/// One port serves SOCKS [4 and 4a](crate::socks4), [SOCKS 5](crate::socks5) and [HTTP
/// CONNECT](crate::connect); the first byte tells which it is. Names are not resolved here,
/// but by whoever dials. A target that is not reached is told in the words of the protocol at
/// hand, and the connection is then ended so that they are read.
///
/// What is said is bounded in bytes, and in time by the [patience](Self::patience). It is said
/// within [`listen::Inbound::target`], so that who is slow holds up nobody else.
#[derive(Debug)]
pub struct Proxy<A> {
    accept: A,
    terms: Terms,
}

impl<A: Accept> Proxy<A> {
    /// Serves everybody who can connect, and has half a minute of patience.
    pub fn new(accept: A) -> Self {
        let terms = Terms { access: Arc::new(Access::Open), patience: Duration::from_secs(30) };
        Self { accept, terms }
    }

    /// Sets whom it serves.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.terms.access = Arc::new(access);
        self
    }

    /// Sets how long a connection may take to say where it wants to go.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.terms.patience = patience;
        self
    }
}

impl<A: Accept> listen::Listen for Proxy<A> {
    type Inbound = Inbound<A::Stream>;

    async fn next(&mut self) -> io::Result<Self::Inbound> {
        let (stream, origin) = self.accept.accept().await?;
        Ok(Inbound::new(stream, origin, self.terms.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::credentials::Credentials;
    use crate::dial::Dial;
    use crate::listen::{Inbound as _, Listen};
    use crate::origin::Origin;
    use crate::refusal::Refusal;
    use crate::relay::Relay;
    use crate::sim;
    use crate::target::Target;

    /// A listening socket in memory.
    struct Socket(mpsc::Receiver<sim::Stream>);

    impl Accept for Socket {
        type Stream = sim::Stream;

        async fn accept(&mut self) -> io::Result<(sim::Stream, Origin)> {
            let stream = self.0.recv().await.ok_or(ErrorKind::NotConnected)?;
            Ok((stream, Origin::Unix))
        }
    }

    /// Reaches what echoes, and refuses all but port 7.
    struct Echo(Refusal);

    impl Dial for Echo {
        type Stream = sim::Stream;

        async fn dial(&self, target: &Target, _: &Origin) -> Result<sim::Stream, Refusal> {
            if !matches!(target, Target::Tcp { port: 7, .. }) {
                return Err(self.0.clone());
            }
            let (near, far) = sim::pair(64, 64);
            let (mut reader, mut writer) = tokio::io::split(far);
            tokio::spawn(async move {
                tokio::io::copy(&mut reader, &mut writer).await?;
                writer.shutdown().await
            });
            Ok(near)
        }
    }

    /// More than anything here needs.
    const ROOM: usize = 100_000;

    fn login() -> Access {
        Access::Login(Credentials::new("ada", "pw"))
    }

    /// A connection to a proxy, from the side of the client and from that of the proxy.
    async fn connect(access: Access, chunk: usize) -> (sim::Stream, Inbound<sim::Stream>) {
        let (come, coming) = mpsc::channel(1);
        let mut proxy = Proxy::new(Socket(coming)).access(access);
        let (app, stream) = sim::pair(ROOM, chunk);
        come.send(stream).await.unwrap();
        (app, proxy.next().await.unwrap())
    }

    /// What a client hears that says all of this at once, and what the proxy made of it.
    async fn converse(access: Access, says: &[u8]) -> (io::Result<Vec<u8>>, io::Result<Target>) {
        let (mut app, mut inbound) = connect(access, 1).await;
        app.write_all(says).await.unwrap();
        let proxy = tokio::spawn(async move { inbound.target().await.map(|(target, _)| target) });
        let mut heard = Vec::new();
        let end = app.read_to_end(&mut heard).await;
        app.shutdown().await.unwrap();
        (end.map(|_| heard), proxy.await.unwrap())
    }

    const CONNECTED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

    /// What a client says, what it hears before the target is known and after that, and where
    /// that is.
    type Dialogue = (&'static [u8], &'static [u8], &'static [u8], (&'static str, u16));

    const DIALOGUES: [Dialogue; 8] = [
        (b"\x04\x01\x00\x50\x0a\x00\x00\x01me\0", b"", b"\0\x5a\0\0\0\0\0\0", ("10.0.0.1", 80)),
        (b"\x04\x01\x00\x50\0\0\0\x01\0db.test\0", b"", b"\0\x5a\0\0\0\0\0\0", ("db.test", 80)),
        (
            b"\x05\x01\x00\x05\x01\x00\x03\x07db.test\x00\x50",
            b"\x05\x00",
            b"\x05\0\0\x01\0\0\0\0\0\0",
            ("db.test", 80),
        ),
        (
            b"\x05\x03\x00\x01\x02\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x16",
            b"\x05\x00",
            b"\x05\0\0\x01\0\0\0\0\0\0",
            ("10.0.0.1", 22),
        ),
        (
            b"\x05\x01\x00\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x16",
            b"\x05\x00",
            b"\x05\0\0\x01\0\0\0\0\0\0",
            ("::1", 22),
        ),
        (
            b"\x05\x01\x02\x01\x03ada\x02pw\x05\x01\x00\x03\x01h\x00\x16",
            b"\x05\x02\x01\x00",
            b"\x05\0\0\x01\0\0\0\0\0\0",
            ("h", 22),
        ),
        (b"CONNECT db.test:80 HTTP/1.1\r\nHost: x\r\n\r\n", b"", CONNECTED, ("db.test", 80)),
        (b"CONNECT [::1]:22 HTTP/1.0\n\n", b"", CONNECTED, ("::1", 22)),
    ];

    #[tokio::test(start_paused = true)]
    async fn each_protocol_leads_to_the_target_however_its_words_are_split() {
        for chunk in [1, 3, ROOM] {
            for (says, before, after, (host, port)) in DIALOGUES {
                let (mut app, mut inbound) = connect(Access::Open, chunk).await;
                // The first words for the target come right behind the request.
                app.write_all(&[says, b"early words"].concat()).await.unwrap();
                let (target, origin) = inbound.target().await.unwrap();
                assert_eq!(target, Target::Tcp { host: host.to_owned(), port });
                assert_eq!((origin, app.waiting()), (Origin::Unix, before.len()));
                let mut stream = inbound.accept().await.unwrap();
                let mut heard = vec![0; before.len() + after.len()];
                app.read_exact(&mut heard).await.unwrap();
                assert_eq!(heard, [before, after].concat());
                app.shutdown().await.unwrap();
                let mut carried = Vec::new();
                stream.read_to_end(&mut carried).await.unwrap();
                assert_eq!(carried, b"early words", "{chunk}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_cut_off_anywhere_is_none() {
        for (says, ..) in DIALOGUES {
            for len in 0..says.len() {
                let (mut app, mut inbound) = connect(Access::Open, ROOM).await;
                app.write_all(&says[..len]).await.unwrap();
                app.shutdown().await.unwrap();
                let error = inbound.target().await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{len} of {says:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_told_and_can_be_read() {
        let http = |status: &str, error: &str, text: &str| {
            let len = text.len();
            format!(
                "HTTP/1.1 {status}\r\nProxy-Status: adit; error={error}\r\n\
                 Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len}\r\n\
                 Connection: close\r\n\r\n{text}"
            )
        };
        let cases = [
            (
                Refusal::Refused,
                5,
                http("502 Bad Gateway", "connection_refused", "connection refused\n"),
            ),
            (Refusal::NotAllowed, 2, http("403 Forbidden", "http_request_denied", "not allowed\n")),
            (
                Refusal::TimedOut,
                6,
                http("504 Gateway Timeout", "connection_timeout", "no answer in time\n"),
            ),
        ];
        for (refusal, code, http) in cases {
            let socks5 = [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
            for (says, before, ..) in DIALOGUES {
                let after = match says[0] {
                    4 => &b"\0\x5b\0\0\0\0\0\0"[..],
                    5 => &socks5,
                    _ => http.as_bytes(),
                };
                let (mut app, mut inbound) = connect(Access::Open, 7).await;
                app.write_all(&[says, b"early words"].concat()).await.unwrap();
                inbound.target().await.unwrap();
                let refusing = tokio::spawn(inbound.refuse(refusal.clone()));
                let mut heard = Vec::new();
                app.read_to_end(&mut heard).await.unwrap();
                assert_eq!(heard, [before, after].concat(), "{refusal}");
                app.shutdown().await.unwrap();
                refusing.await.unwrap();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_understood_is_told_and_can_be_read() {
        let cases: [(&[u8], &[u8], &str); 9] = [
            (b"\x04\x02\x00\x50\x0a\0\0\x01\0", b"\0\x5b\0\0\0\0\0\0", "not awaited"),
            (b"\x04\x01\x00\x50\0\0\0\x01\0a b\0", b"\0\x5b\0\0\0\0\0\0", "names no host"),
            (b"\x05\x01\x01", b"\x05\xff", "no login by user and password"),
            (b"\x05\x01\0\x05\x02\0\x01\0\0\0\0\0\0", b"\x05\0\x05\x07\0\x01\0\0\0\0\0\0", "await"),
            (b"\x05\x01\0\x05\x03\0\x01\0\0\0\0\0\0", b"\x05\0\x05\x07\0\x01\0\0\0\0\0\0", "await"),
            (b"\x05\x01\0\x05\x09\0", b"\x05\0\x05\x07\0\x01\0\0\0\0\0\0", "no SOCKS5 command 9"),
            (b"\x05\x01\0\x05\x01\0\x05", b"\x05\0\x05\x08\0\x01\0\0\0\0\0\0", "address type 5"),
            (b"\x05\x01\0\x05\x01\0\x03\0", b"\x05\0\x05\x04\0\x01\0\0\0\0\0\0", "names no host"),
            (b"\x05\x01\0\x04", b"\x05\0\x05\x01\0\x01\0\0\0\0\0\0", "not SOCKS5"),
        ];
        for (says, hears, cause) in cases {
            let (heard, target) = converse(Access::Open, says).await;
            let error = target.unwrap_err();
            assert_eq!(heard.unwrap(), hears, "{error}");
            assert!(error.to_string().contains(cause), "{error}");
        }
        let cases: [(&[u8], &str); 6] = [
            (
                b"GET http://h/ HTTP/1.1\r\n\r\n",
                "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n",
            ),
            (b"CONNECT h HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
            (b"CONNECT h:0 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
            (b"SSH-2.0-x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"),
            (&[b'C'; 20_000], "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
        ];
        for (says, hears) in cases {
            let (heard, target) = converse(Access::Open, says).await;
            let (heard, error) = (String::from_utf8(heard.unwrap()).unwrap(), target.unwrap_err());
            assert!(heard.starts_with(hears), "{heard}");
            assert!(heard.ends_with(&format!("\r\n\r\n{error}\n")), "{heard}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_speaks_no_protocol_is_reset() {
        for says in [&b"\x16\x03\x01"[..], b"\0", b"\r\n"] {
            let (heard, target) = converse(Access::Open, says).await;
            assert_eq!(heard.unwrap_err().kind(), ErrorKind::ConnectionReset);
            assert!(target.unwrap_err().to_string().contains("neither SOCKS nor HTTP"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_a_login_is_needed_nothing_else_leads_on() {
        let wrong = b"\x05\x02\x01\x01";
        let cases: [(&[u8], &[u8]); 5] = [
            (b"\x04\x01\x00\x50\x0a\0\0\x01ada\0", b"\0\x5b\0\0\0\0\0\0"),
            (b"\x05\x01\x00\x05\x01\0\x03\x01h\0\x16", b"\x05\xff"),
            (b"\x05\x01\x02\x01\x03ada\x02pW\x05\x01\0\x03\x01h\0\x16", wrong),
            (b"\x05\x01\x02\x01\0\0", wrong),
            (b"\x05\x01\x02\x05\x01\0", wrong),
        ];
        for (says, hears) in cases {
            let (heard, target) = converse(login(), says).await;
            assert_eq!(heard.unwrap(), hears, "{says:?}");
            assert_eq!(target.unwrap_err().kind(), ErrorKind::InvalidData);
        }
        for value in
            ["", "Proxy-Authorization: Basic YWRhOnB4\r\n", "Authorization: Basic YWRhOnB3\r\n"]
        {
            let says = format!("CONNECT h:22 HTTP/1.1\r\n{value}\r\n");
            let (heard, target) = converse(login(), says.as_bytes()).await;
            let heard = String::from_utf8(heard.unwrap()).unwrap();
            assert!(heard.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Auth"));
            assert!(target.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_right_login_leads_on() {
        let cases: [&[u8]; 2] = [
            b"\x05\x02\x00\x02\x01\x03ada\x02pw\x05\x01\0\x03\x01h\0\x16",
            b"CONNECT h:22 HTTP/1.1\r\nProxy-Authorization: Basic YWRhOnB3\r\n\r\n",
        ];
        for says in cases {
            let (mut app, mut inbound) = connect(login(), 1).await;
            app.write_all(says).await.unwrap();
            let target = Target::Tcp { host: "h".to_owned(), port: 22 };
            assert_eq!(inbound.target().await.unwrap().0, target);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_drips_is_given_up_whatever_drips() {
        for says in [&b"\x05"[..], b"\x04\x01\0\x50\0\0\0\x01", b"CONNECT "] {
            let (mut app, mut inbound) = connect(Access::Open, ROOM).await;
            let start = Instant::now();
            let dripping = tokio::spawn(async move {
                app.write_all(says).await.unwrap();
                loop {
                    sleep(Duration::from_secs(1)).await;
                    if let Err(error) = app.write_all(b"x").await {
                        return error;
                    }
                }
            });
            let error = inbound.target().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(start.elapsed(), Duration::from_secs(30));
            drop(inbound);
            assert_eq!(dripping.await.unwrap().kind(), ErrorKind::ConnectionReset);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_go_after_a_refusal_is_cut_off() {
        let (mut app, mut inbound) = connect(Access::Open, ROOM).await;
        app.write_all(DIALOGUES[0].0).await.unwrap();
        inbound.target().await.unwrap();
        let start = Instant::now();
        inbound.refuse(Refusal::Refused).await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        let mut heard = Vec::new();
        app.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard.len(), 8);
        assert!(app.write_all(b"x").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn who_talks_on_after_a_refusal_is_not_listened_to_for_ever() {
        let (mut app, mut inbound) = connect(Access::Open, ROOM).await;
        app.write_all(DIALOGUES[0].0).await.unwrap();
        inbound.target().await.unwrap();
        let talking = tokio::spawn(async move {
            let mut said = 0;
            while app.write_all(&[0; 1_000]).await.is_ok() {
                said += 1_000;
            }
            said
        });
        inbound.refuse(Refusal::Refused).await;
        let said = talking.await.unwrap();
        assert!((250_000..400_000).contains(&said), "{said}");
    }

    /// A proxy that runs, to be connected to.
    struct Rig(mpsc::Sender<sim::Stream>, JoinHandle<io::Result<()>>);

    impl Rig {
        fn start() -> Self {
            let (come, coming) = mpsc::channel(1);
            let relay = Relay::new(Proxy::new(Socket(coming)), Echo(Refusal::Refused));
            Self(come, tokio::spawn(relay.run()))
        }

        async fn connect(&self) -> sim::Stream {
            let (app, stream) = sim::pair(ROOM, ROOM);
            self.0.send(stream).await.unwrap();
            app
        }
    }

    impl Drop for Rig {
        fn drop(&mut self) {
            self.1.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_holds_up_nobody() {
        let rig = Rig::start();
        let mut slow = Vec::new();
        for _ in 0..100 {
            let mut app = rig.connect().await;
            app.write_all(b"\x05\x01").await.unwrap();
            slow.push(app);
        }
        let start = Instant::now();
        let mut app = rig.connect().await;
        app.write_all(b"\x04\x01\x00\x07\x0a\0\0\x01\0hello").await.unwrap();
        let mut heard = [0; 13];
        app.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"\0\x5a\0\0\0\0\0\0hello");
        assert_eq!(start.elapsed(), Duration::ZERO);
        drop(slow);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_ends_for_each_direction_by_itself() {
        let rig = Rig::start();
        let mut app = rig.connect().await;
        app.write_all(b"CONNECT h:7 HTTP/1.1\r\n\r\nlast words").await.unwrap();
        app.shutdown().await.unwrap();
        let mut heard = Vec::new();
        app.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, [CONNECTED, b"last words"].concat());
    }
}
