//! A TCP connection that is never mistaken for a finished one.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::stream;
use crate::tcp::packets::Packets;

/// A TCP connection. Dropped before both directions have ended, it is reset.
///
/// The kernel is told so from the start (a linger time of zero), so that the other side gets
/// a reset and not a clean end also where this process is killed. Once both directions have
/// ended that is taken back: the kernel then delivers what is left by itself.
///
/// There is no delay for small segments (`TCP_NODELAY`): what is carried was put into
/// segments by its own program. Keep-alive is on, with the times of the system: a host that is
/// gone without a word is noticed in the end.
#[derive(Debug)]
pub struct Stream {
    inner: TcpStream,
    read: Direction,
    write: Direction,
    /// Where it carries a protocol of packets.
    packets: Option<Box<Packets>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Open,
    Ended,
}

impl From<TcpStream> for Stream {
    fn from(inner: TcpStream) -> Self {
        let socket = SockRef::from(&inner);
        if let Err(error) = set_options(&socket) {
            // Some systems refuse this on a connection that is already broken.
            tracing::debug!(%error, "cannot set socket options");
        }
        Self::with_options(inner)
    }
}

/// Sets the options that a [`Stream`] has. On Linux the connections of a listener come with those
/// of the listener.
pub(super) fn set_options(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_linger(Some(Duration::ZERO))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_keepalive(true)
}

impl Stream {
    /// A connection that came through a listener with the options of a stream.
    pub(super) fn accepted(inner: TcpStream) -> Self {
        if cfg!(target_os = "linux") { Self::with_options(inner) } else { Self::from(inner) }
    }

    fn with_options(inner: TcpStream) -> Self {
        let (read, write) = (Direction::Open, Direction::Open);
        Self { inner, read, write, packets: None }
    }

    /// Makes it fit for a protocol of packets, as SSH is, that says itself how it ends: dropped,
    /// it is closed in peace, whatever was read and written. And the system is told more of it,
    /// where it has options for that:
    /// - Whatever was read is acknowledged when nothing is left to be read and others have had
    ///   their turn (`TCP_QUICKACK`): a peer that delays small segments waits for that, up to 40 ms
    ///   each time. OpenSSH does so without a session, so that each of its key exchanges took that
    ///   long.
    /// - To another machine it takes no more than it is about to send (`TCP_NOTSENT_LOWAT`).
    /// - Of a stream that flows fast it tells when there is much (`SO_RCVLOWAT`), or after a
    ///   millisecond or two.
    #[must_use]
    pub fn for_packets(mut self) -> Self {
        (self.read, self.write) = (Direction::Ended, Direction::Ended);
        self.packets = Some(Box::new(Packets::new(&self.inner)));
        self.make_peace();
        self
    }

    /// Has the system not ask a silent peer whether it is there.
    pub fn forgo_keepalive(&self) {
        if let Err(error) = SockRef::from(&self.inner).set_keepalive(false) {
            tracing::debug!(%error, "keep-alive cannot be turned off");
        }
    }

    /// Sets the type of service of its packets: DSCP in the upper six bits
    /// ([RFC 2474 section 3](https://www.rfc-editor.org/rfc/rfc2474#section-3)).
    pub fn set_service(&self, service: u8) {
        let socket = SockRef::from(&self.inner);
        let is_v6 = self.peer_addr().is_ok_and(|peer| peer.is_ipv6());
        let set = if is_v6 {
            socket.set_tclass_v6(service.into())
        } else {
            socket.set_tos_v4(service.into())
        };
        if let Err(error) = set {
            tracing::warn!(%error, service, "the type of service cannot be set");
        }
    }

    /// To look at its options.
    #[cfg(test)]
    pub(super) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.inner)
    }

    /// To look at what it asks the system for.
    #[cfg(test)]
    pub(super) fn parts(&mut self) -> (&TcpStream, &mut Packets) {
        (&self.inner, self.packets.as_mut().unwrap())
    }

    /// The address at the other end.
    ///
    /// # Errors
    /// Where the connection is no more.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }

    fn make_peace(&self) {
        if let Err(error) = SockRef::from(&self.inner).set_linger(None) {
            tracing::debug!(%error, "cannot close a connection in peace");
        }
    }

    fn handle_write(&mut self, len: usize) {
        if let Some(packets) = &mut self.packets {
            packets.handle_write(&self.inner, len);
        }
    }
}

impl stream::Stream for Stream {
    /// What the other side sends afterwards is answered by a reset, as the system does it.
    fn forgo(&mut self) {
        self.read = Direction::Ended;
    }

    fn settle(self) -> io::Result<Self> {
        // The connection lives on in the copy, so that this one's end is not its.
        let inner = TcpStream::from_std(self.inner.as_fd().try_clone_to_owned()?.into())?;
        let packets = self.packets.as_ref().map(|it| Box::new(it.settle(&inner)));
        Ok(Self { inner, read: self.read, write: self.write, packets })
    }

    fn is_sent_at_once(&mut self) {
        if let Some(packets) = &mut self.packets {
            packets.is_sent_at_once(&self.inner);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.read == Direction::Ended && self.write == Direction::Ended {
            self.make_peace();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (space, before) = (into.remaining(), into.filled().len());
        let stream = &mut *self;
        let Poll::Ready(read) = Pin::new(&mut stream.inner).poll_read(cx, into) else {
            if let Some(packets) = &mut stream.packets {
                packets.handle_silence(&stream.inner, cx);
            }
            return Poll::Pending;
        };
        read?;
        match (into.filled().len() - before, &mut stream.packets) {
            (0, _) if space > 0 => stream.read = Direction::Ended,
            (read, Some(packets)) => packets.handle_read(&stream.inner, read),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.handle_write(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, slices))?;
        self.handle_write(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        self.write = Direction::Ended;
        Poll::Ready(Ok(()))
    }
}
