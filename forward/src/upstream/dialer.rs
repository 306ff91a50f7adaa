//! The way to targets through a proxy.

use std::time::Duration;

use tokio::time::timeout;

use crate::dial::Dial;
use crate::early::Early;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;
use crate::tcp;
use crate::upstream::error::{Error, Fault};
use crate::upstream::{Names, Protocol, Upstream};

/// Most addresses of a name that are tried. Each costs a connection to the proxy.
const MOST: usize = 8;

/// Dials targets through a proxy, which is itself dialled by another dialer: from this
/// machine, through a further proxy, or through a tunnel.
#[derive(Debug, Clone)]
pub struct Dialer<D> {
    upstream: Upstream,
    dial: D,
    patience: Duration,
}

impl<D: Dial> Dialer<D> {
    /// Dials through a proxy that `dial` leads to, and has half a minute of patience.
    pub fn new(upstream: Upstream, dial: D) -> Self {
        Self { upstream, dial, patience: Duration::from_secs(30) }
    }

    /// Sets how long a target may take to be reached, the way to the proxy included.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects to a target for somebody; as [`Dial::dial`], but tells more where it fails.
    ///
    /// Where names are to be resolved here, the addresses of a name are tried one after the
    /// other, as far as the proxy says that they are not reached.
    ///
    /// # Errors
    /// [`Error`], with the proxy and the cause.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the try.
    pub async fn reach(&self, target: &Target, origin: &Origin) -> Result<Early<D::Stream>, Error> {
        let reached = timeout(self.patience, self.try_all(target, origin)).await;
        reached.unwrap_or_else(|_| Err(self.error(Fault::TimedOut)))
    }

    async fn try_all(&self, target: &Target, origin: &Origin) -> Result<Early<D::Stream>, Error> {
        let mut last = self.error(Fault::Name(Refusal::NameNotFound));
        for target in self.addresses(target).await? {
            match self.try_one(&target, origin).await {
                Err(error) if matches!(error.fault, Fault::Socks(_)) => last = error,
                result => return result,
            }
        }
        Err(last)
    }

    async fn try_one(&self, target: &Target, origin: &Origin) -> Result<Early<D::Stream>, Error> {
        let way = self.dial.dial(&self.upstream.place(), origin).await;
        let stream = way.map_err(|refusal| self.error(Fault::Unreachable(refusal)))?;
        self.upstream.connect(stream, target).await
    }

    /// What the proxy is to be asked for, one after the other.
    async fn addresses(&self, target: &Target) -> Result<Vec<Target>, Error> {
        match (target, self.upstream.protocol) {
            (Target::Tcp { host, port }, Protocol::Socks5(Names::Here)) => {
                let found = tcp::resolve(host, *port).await;
                let found = found.map_err(|refusal| self.error(Fault::Name(refusal)))?;
                let target = |host: String| Target::Tcp { host, port: *port };
                Ok(found.iter().take(MOST).map(|it| target(it.ip().to_string())).collect())
            }
            _ => Ok(vec![target.clone()]),
        }
    }

    fn error(&self, fault: Fault) -> Error {
        Error { proxy: self.upstream.to_string(), fault }
    }
}

impl<D: Dial> Dial for Dialer<D> {
    type Stream = Early<D::Stream>;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Self::Stream, Refusal> {
        self.reach(target, origin).await.map_err(Refusal::from)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::*;
    use crate::sim;

    /// Leads to a proxy that says the same in each connection, and tells what it heard.
    struct Way {
        says: &'static [u8],
        book: mpsc::UnboundedSender<Heard>,
    }

    /// Where a proxy was looked for, and what it heard.
    type Heard = (Target, Vec<u8>);

    impl Way {
        fn new(says: &'static [u8]) -> (Self, mpsc::UnboundedReceiver<Heard>) {
            let (book, heard) = mpsc::unbounded_channel();
            (Self { says, book }, heard)
        }
    }

    impl Dial for Way {
        type Stream = sim::Stream;

        async fn dial(&self, target: &Target, _: &Origin) -> Result<sim::Stream, Refusal> {
            let (near, mut far) = sim::pair(1_000, 1_000);
            let (says, book, target) = (self.says, self.book.clone(), target.clone());
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                far.write_all(says).await.unwrap();
                far.read_to_end(&mut bytes).await.unwrap_err();
                book.send((target, bytes)).unwrap();
            });
            Ok(near)
        }
    }

    /// All that was heard, once whoever could say something is gone.
    async fn all(mut heard: mpsc::UnboundedReceiver<Heard>) -> Vec<Heard> {
        let mut all = Vec::new();
        while let Some(one) = heard.recv().await {
            all.push(one);
        }
        all
    }

    struct NoWay(Refusal);

    impl Dial for NoWay {
        type Stream = sim::Stream;

        async fn dial(&self, _: &Target, _: &Origin) -> Result<sim::Stream, Refusal> {
            Err(self.0.clone())
        }
    }

    fn to(host: &str) -> Target {
        Target::Tcp { host: host.to_owned(), port: 22 }
    }

    fn through<D: Dial>(url: &str, dial: D) -> Dialer<D> {
        Dialer::new(url.parse().unwrap(), dial)
    }

    #[tokio::test(start_paused = true)]
    async fn names_are_resolved_here_only_where_that_is_asked() {
        for (url, says) in [
            ("socks5h://p:9", &b"\x05\0\x05\0\0\x01\0\0\0\0\0\0"[..]),
            ("http://p:9", b"HTTP/1.1 200 OK\r\n\r\n"),
        ] {
            let (way, heard) = Way::new(says);
            drop(through(url, way).dial(&to("no.test"), &Origin::Unix).await.unwrap());
            let heard = all(heard).await;
            let Target::Tcp { host, port } = &heard[0].0 else { panic!("{heard:?}") };
            assert_eq!((host.as_str(), *port), ("p", 9));
            assert!(heard[0].1.windows(7).any(|bytes| bytes == b"no.test"), "{heard:?}");
        }
        let (way, heard) = Way::new(b"");
        let error =
            through("socks5://p:9", way).reach(&to("a b"), &Origin::Unix).await.unwrap_err();
        assert!(error.to_string().ends_with("resolved here: no such name"), "{error}");
        assert!(all(heard).await.is_empty());
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_tried() {
        let (way, heard) = Way::new(b"\x05\0\x05\x04\0\x01\0\0\0\0\0\0");
        let dialer = through("socks5://p:9", way);
        let error = dialer.reach(&to("localhost"), &Origin::Unix).await.unwrap_err();
        drop(dialer);
        assert!(matches!(error.fault, Fault::Socks(_)), "{error}");
        let addresses = tcp::resolve("localhost", 22).await.unwrap().len();
        let heard = all(heard).await;
        assert_eq!(heard.len(), addresses);
        let requests = heard.iter().map(|(_, bytes)| &bytes[3..7]);
        assert!(requests.clone().any(|bytes| bytes == b"\x05\x01\0\x01"), "{heard:?}");
        assert!(requests.clone().all(|bytes| bytes[3] != 3), "{heard:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_cannot_be_reached_is_named() {
        let dialer = through("http://p:9", NoWay(Refusal::Refused));
        let error = dialer.reach(&to("h"), &Origin::Unix).await.unwrap_err();
        let cause = "cannot connect through the proxy http://p:9: \
                     it cannot be reached: connection refused";
        assert_eq!(error.to_string(), cause);
        assert_eq!(Refusal::from(error), Refusal::Other(cause.to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_does_not_answer_is_given_up() {
        let (start, (way, _heard)) = (Instant::now(), Way::new(b"\x05"));
        let dialer = through("socks5h://p:9", way).patience(Duration::from_secs(7));
        let error = dialer.reach(&to("h"), &Origin::Unix).await.unwrap_err();
        assert!(error.to_string().ends_with("no answer in time"), "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn one_proxy_leads_to_another() {
        let (way, heard) = Way::new(b"HTTP/1.1 200 OK\r\n\r\n\x05\0\x05\0\0\x01\0\0\0\0\0\0hello");
        let chain = through("socks5h://second:2", through("http://first:1", way));
        let mut stream = chain.dial(&to("h"), &Origin::Unix).await.unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        assert_eq!(&hello, b"hello");
        drop((stream, chain));
        let heard = all(heard).await;
        let says = b"CONNECT second:2 HTTP/1.1\r\nHost: second:2\r\n\r\n\
                     \x05\x01\0\x05\x01\0\x03\x01h\0\x16";
        assert_eq!(heard[0].1.escape_ascii().to_string(), says.escape_ascii().to_string());
    }
}
