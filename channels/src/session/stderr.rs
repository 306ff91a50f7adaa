//! The standard error stream of a channel.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::mux::id::Id;
use crate::mux::stream::Stream;
use crate::session::port::Port;
use crate::session::shared::Member;

/// The standard error stream of a channel, extended data of type 1 of
/// [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).
///
/// It ends with the channel: EOF and CLOSE are said of both streams, and dropping the
/// [`Channel`](crate::session::Channel) closes it. Dropping this drops what comes from then
/// on. All methods are cancel safe.
#[derive(Debug)]
pub struct Stderr {
    port: Port,
}

impl Stderr {
    pub(super) fn new(member: Member, id: Id) -> Self {
        member.act(|state| state.mux.collect_stderr(id));
        Self { port: Port::new(member, id, Stream::Stderr) }
    }
}

impl AsyncRead for Stderr {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().port.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stderr {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().port.poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does nothing: only both streams together have an end.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        self.port.member.act(|state| state.mux.discard_stderr(self.port.id));
    }
}
