//! TCP and Unix sockets as one kind.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::accept::Accept;
use crate::dial::Dial;
use crate::entry::{Entry, Unavailable};
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::stream;
use crate::target::Target;
use crate::{tcp, unix};

/// A connection of either kind.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(tcp::Stream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl stream::Stream for Stream {
    fn forgo(&mut self) {
        match self {
            Self::Tcp(stream) => stream.forgo(),
            Self::Unix(stream) => stream.forgo(),
        }
    }

    fn settle(self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.settle()?),
            Self::Unix(stream) => Self::Unix(stream.settle()?),
        })
    }

    fn is_sent_at_once(&mut self) {
        match self {
            Self::Tcp(stream) => stream.is_sent_at_once(),
            Self::Unix(stream) => stream.is_sent_at_once(),
        }
    }
}

/// A listening socket of either kind.
#[derive(Debug)]
pub enum Listener {
    /// A TCP port.
    Tcp(tcp::Listener),
    /// A Unix socket.
    Unix(unix::Listener),
}

impl Listener {
    /// Opens what a specification names; `existing` is for Unix sockets, which only their
    /// owner may connect to.
    ///
    /// # Errors
    /// [`Unavailable`], with the place and the cause.
    pub async fn bind(entry: &Entry, existing: unix::Existing) -> Result<Self, Unavailable> {
        Self::bind_with(entry, unix::Mode::default(), existing).await
    }

    /// Opens what a specification names; `mode` and `existing` are for Unix sockets.
    ///
    /// # Errors
    /// [`Unavailable`], with the place and the cause.
    pub async fn bind_with(
        entry: &Entry,
        mode: unix::Mode,
        existing: unix::Existing,
    ) -> Result<Self, Unavailable> {
        match entry {
            Entry::Tcp { bind, port } => tcp::Listener::bind(bind, *port).await.map(Self::Tcp),
            Entry::Unix(path) => unix::Listener::bind(path, mode, existing).map(Self::Unix),
        }
    }
}

/// The addresses or the path, as they really are.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => listener.fmt(f),
            Self::Unix(listener) => listener.fmt(f),
        }
    }
}

impl Accept for Listener {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<(Stream, Origin)> {
        match self {
            Self::Tcp(listener) => {
                listener.accept().await.map(|(stream, origin)| (Stream::Tcp(stream), origin))
            }
            Self::Unix(listener) => {
                listener.accept().await.map(|(stream, origin)| (Stream::Unix(stream), origin))
            }
        }
    }
}

/// Dials targets from this machine.
#[derive(Debug, Clone, Copy)]
pub struct Dialer {
    /// How long a target may take to answer, the search for its name included.
    pub patience: Duration,
}

/// Half a minute of patience.
impl Default for Dialer {
    fn default() -> Self {
        Self { patience: Duration::from_secs(30) }
    }
}

impl Dial for Dialer {
    type Stream = Stream;

    async fn dial(&self, target: &Target, _: &Origin) -> Result<Stream, Refusal> {
        let connection = async {
            match target {
                Target::Tcp { host, port } => {
                    let addresses = tcp::resolve(host, *port).await?;
                    tcp::connect(addresses).await.map(Stream::Tcp)
                }
                Target::Unix(path) => unix::connect(path).await.map(Stream::Unix),
            }
        };
        timeout(self.patience, connection).await.unwrap_or(Err(Refusal::TimedOut))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
