//! Proxies that stand between this side and its targets.

mod dialer;
mod error;
mod http;
mod socks;
mod url;

use std::fmt;

use crate::conversation::Conversation;
use crate::credentials::Credentials;
use crate::early::Early;
use crate::escape::Host;
use crate::stream::Stream;
use crate::target::Target;

pub use crate::upstream::dialer::Dialer;
pub use crate::upstream::error::{Error, Fault};
pub use crate::upstream::url::{Invalid, Mistake};

/// A proxy that stands between this side and its targets.
///
/// [`FromStr`](std::str::FromStr) reads it from a URL. [`Display`](fmt::Display) shows it as
/// one, without user and password.
///
/// ```text
///  socks5://[user[:password]@]host[:port]     names are resolved here; port 1080
///  socks5h://[user[:password]@]host[:port]    the proxy resolves names; port 1080
///  http://[user[:password]@]host[:port]       by CONNECT; the proxy resolves names; port 80
/// ```
///
/// What has a meaning in a URL is written as a percent sign and two hexadecimal digits in user
/// and password. They travel in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// What it speaks.
    pub protocol: Protocol,
    /// A name or an address; an IPv6 address has no brackets here.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who asks, for proxies that want to know.
    pub credentials: Option<Credentials>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SOCKS5.
    Socks5(Names),
    /// HTTP's CONNECT. The proxy resolves names.
    Http,
}

/// Who resolves the names of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// This side.
    Here,
    /// The proxy.
    There,
}

impl Upstream {
    /// Where it listens.
    pub fn place(&self) -> Target {
        Target::Tcp { host: self.host.clone(), port: self.port }
    }

    /// Asks it, on a stream that leads to it, for a target. A name is given to it as it is.
    ///
    /// What it answers is bounded in bytes. It decides how long it takes; put a limit around
    /// it. What the target says right behind the answer is not lost.
    ///
    /// # Errors
    /// [`Error`], with the proxy and the cause.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the try.
    pub async fn connect<S: Stream>(&self, stream: S, target: &Target) -> Result<Early<S>, Error> {
        let mut talk = Conversation::new(stream);
        let credentials = self.credentials.as_ref();
        let asked = match (target, self.protocol) {
            (Target::Tcp { host, port }, Protocol::Socks5(_)) => {
                socks::ask(&mut talk, host, *port, credentials).await
            }
            (Target::Tcp { host, port }, Protocol::Http) => {
                http::ask(&mut talk, host, *port, credentials).await
            }
            (Target::Unix(_), _) => Err(Fault::Target),
        };
        asked.map_err(|fault| Error { proxy: self.to_string(), fault })?;
        Ok(talk.into_stream())
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.protocol, Host(&self.host), self.port)
    }
}

/// The scheme of its URL.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socks5(Names::Here) => "socks5",
            Self::Socks5(Names::There) => "socks5h",
            Self::Http => "http",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::refusal::Refusal;
    use crate::sim;

    /// More than anything here needs.
    const ROOM: usize = 100_000;
    const HTTP: &str = "http://p:9";
    const SOCKS: &str = "socks5h://p:9";

    fn to(host: &str) -> Target {
        Target::Tcp { host: host.to_owned(), port: 22 }
    }

    /// Asks a proxy that says all of this without waiting for anything, and then ends. Yields
    /// what came of it, and what the proxy heard.
    async fn ask(
        url: &str,
        target: &Target,
        says: &[u8],
    ) -> (Result<Early<sim::Stream>, Error>, Vec<u8>) {
        let (stream, mut proxy) = sim::pair(ROOM, 1);
        proxy.write_all(says).await.unwrap();
        proxy.shutdown().await.unwrap();
        let upstream: Upstream = url.parse().unwrap();
        let result = upstream.connect(stream, target).await;
        let mut heard = vec![0; proxy.waiting()];
        proxy.read_exact(&mut heard).await.unwrap();
        (result, heard)
    }

    /// How a proxy is asked: its URL, the host, what it says, what it hears.
    type Dialogue = (&'static str, &'static str, &'static [u8], &'static [u8]);

    const DIALOGUES: [Dialogue; 7] = [
        (
            SOCKS,
            "db.test",
            b"\x05\0\x05\0\0\x01\x0a\0\0\x01\x12\x34",
            b"\x05\x01\0\x05\x01\0\x03\x07db.test\0\x16",
        ),
        (
            SOCKS,
            "::1",
            b"\x05\0\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34",
            b"\x05\x01\0\x05\x01\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x16",
        ),
        (
            "socks5h://ada:pw@p:9",
            "10.0.0.1",
            b"\x05\x02\x01\0\x05\0\0\x03\x03any\0\0",
            b"\x05\x02\0\x02\x01\x03ada\x02pw\x05\x01\0\x01\x0a\0\0\x01\0\x16",
        ),
        (
            "socks5h://ada:pw@p:9",
            "h",
            b"\x05\0\x05\0\0\x01\0\0\0\0\0\0",
            b"\x05\x02\0\x02\x05\x01\0\x03\x01h\0\x16",
        ),
        (
            HTTP,
            "db.test",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            b"CONNECT db.test:22 HTTP/1.1\r\nHost: db.test:22\r\n\r\n",
        ),
        (HTTP, "::1", b"HTTP/1.0 200\n\n", b"CONNECT [::1]:22 HTTP/1.1\r\nHost: [::1]:22\r\n\r\n"),
        (
            "http://ada:pw@p:9",
            "h",
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 299 Fine\r\n\r\n",
            b"CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\nProxy-Authorization: Basic YWRhOnB3\r\n\r\n",
        ),
    ];

    #[tokio::test(start_paused = true)]
    async fn what_follows_the_answer_is_the_tunnels() {
        for (url, host, says, hears) in DIALOGUES {
            let says = [says, b"220 mail.test ready\r\n"].concat();
            let (result, heard) = ask(url, &to(host), &says).await;
            let mut carried = Vec::new();
            result.unwrap().read_to_end(&mut carried).await.unwrap();
            assert_eq!(heard.escape_ascii().to_string(), hears.escape_ascii().to_string());
            assert_eq!(carried, b"220 mail.test ready\r\n", "{url}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_cut_off_anywhere_is_none() {
        for (url, host, says, _) in DIALOGUES {
            for len in 0..says.len() {
                let (result, _) = ask(url, &to(host), &says[..len]).await;
                let error = result.unwrap_err();
                assert!(matches!(error.fault, Fault::Closed), "{len} of {url}: {error}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_answer_is_told_with_the_proxy_and_its_cause() {
        let cases: [(&str, &[u8], &str, &str); 15] = [
            (SOCKS, b"\x05\xff", SOCKS, "it wants a user and a password"),
            (SOCKS, b"\x05\x02", SOCKS, "it wants a user and a password"),
            ("socks5h://a:b@p:9", b"\x05\x01", SOCKS, "it wants a user and a password"),
            (
                "socks5h://a:b@p:9",
                b"\x05\x02\x01\x05",
                SOCKS,
                "it does not take this user and password",
            ),
            (SOCKS, b"\x05\0\x05\x05", SOCKS, "it answered: connection refused (SOCKS5 reply 5)"),
            (
                SOCKS,
                b"\x05\0\x05\x63",
                SOCKS,
                "it answered: a failure without a name (SOCKS5 reply 99)",
            ),
            (
                SOCKS,
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                SOCKS,
                "its answer is not understood: this is not SOCKS5",
            ),
            (SOCKS, b"\x05\0\x04", SOCKS, "its answer is not understood: this is not SOCKS5"),
            (HTTP, b"HTTP/1.1 407 No\r\n\r\n", HTTP, "it wants a user and a password"),
            (
                "http://a:b@p:9",
                b"HTTP/1.1 407 No\r\n\r\n",
                HTTP,
                "it does not take this user and password",
            ),
            (
                HTTP,
                b"HTTP/1.1 502 \x1b[2J\r\n\r\n",
                HTTP,
                "its answer is not understood: this is not HTTP",
            ),
            (HTTP, b"HTTP/1.1 403 Forbidden\r\n\r\nwhy", HTTP, "it answered: 403 Forbidden"),
            (
                HTTP,
                b"HTTP/2.0 200 OK\r\n\r\n",
                HTTP,
                "its answer is not understood: this HTTP version is not 1.0 or 1.1",
            ),
            (HTTP, b"\x05\xff\r\n\r\n", HTTP, "its answer is not understood: this is not HTTP"),
            (
                HTTP,
                &[b'x'; 20_000],
                HTTP,
                "its answer is not understood: the HTTP head is longer than 16384 bytes",
            ),
        ];
        for (url, says, proxy, cause) in cases {
            let (result, _) = ask(url, &to("h"), says).await;
            let shown = result.unwrap_err().to_string();
            assert_eq!(shown, format!("cannot connect through the proxy {proxy}: {cause}"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn interim_responses_have_an_end() {
        let (result, _) = ask(HTTP, &to("h"), &b"HTTP/1.1 100 Wait\r\n\r\n".repeat(100)).await;
        assert!(result.unwrap_err().to_string().ends_with("it answered: 100 Wait"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_asked_for_is_not_sent() {
        let cases = [
            (HTTP, to("fe80::1%eth0"), "it cannot be asked for this target"),
            (HTTP, to("h\r\nHost: x"), "it cannot be asked for this target"),
            (SOCKS, to(""), "it cannot be asked for this target"),
            (SOCKS, to(&"x".repeat(256)), "it cannot be asked for this target"),
            (SOCKS, Target::Unix("/s".into()), "it cannot be asked for this target"),
            ("http://a%3Ab:c@p:9", to("h"), "it cannot be given this user and password"),
        ];
        for (url, target, cause) in cases {
            let (result, heard) = ask(url, &target, b"").await;
            assert!(result.unwrap_err().to_string().ends_with(cause), "{target}");
            assert_eq!(heard, b"");
        }
        let long = format!("socks5h://{}:b@p:9", "x".repeat(256));
        let (result, _) = ask(&long, &to("h"), b"\x05\x02").await;
        assert!(matches!(result.unwrap_err().fault, Fault::Credentials));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cause_that_has_a_name_keeps_it() {
        let cases: [(&str, &[u8], Refusal); 7] = [
            (SOCKS, b"\x05\0\x05\x02", Refusal::NotAllowed),
            (SOCKS, b"\x05\0\x05\x03", Refusal::NetworkUnreachable),
            (SOCKS, b"\x05\0\x05\x04", Refusal::Unreachable),
            (SOCKS, b"\x05\0\x05\x05", Refusal::Refused),
            (SOCKS, b"\x05\0\x05\x06", Refusal::TimedOut),
            (HTTP, b"HTTP/1.1 403 x\r\n\r\n", Refusal::NotAllowed),
            (HTTP, b"HTTP/1.1 504 x\r\n\r\n", Refusal::TimedOut),
        ];
        for (url, says, refusal) in cases {
            let (result, _) = ask(url, &to("h"), says).await;
            assert_eq!(Refusal::from(result.unwrap_err()), refusal);
        }
        let (result, _) = ask(HTTP, &to("h"), b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        let refusal = Refusal::from(result.unwrap_err()).to_string();
        assert!(refusal.ends_with("p:9: it answered: 502 Bad Gateway"), "{refusal}");
    }

    proptest! {
        #[test]
        fn whatever_a_proxy_says_it_does_no_harm(
            url in prop_oneof![Just(SOCKS), Just("socks5h://a:b@p:9"), Just(HTTP)],
            head in "(HTTP/1.1 [12]00 \r\n)?",
            socks in prop_oneof![
                Just(&b""[..]), Just(&b"\x05\0"[..]), Just(&b"\x05\x02\x01\0\x05\0\0"[..])
            ],
            bytes in vec(any::<u8>(), 0..60),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let says = [socks, head.as_bytes(), &bytes].concat();
            let (result, _) = runtime.block_on(ask(url, &to("h"), &says));
            prop_assert!(result.err().is_none_or(|error| !error.to_string().is_empty()));
        }
    }
}
