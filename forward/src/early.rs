//! A stream whose first bytes were read before anybody wanted them.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle as Runtime;

use crate::buffer::Appetite;
use crate::stream::Stream;

/// A stream whose first bytes were read before anybody wanted them, as happens where a
/// protocol comes before what is carried. They are read again here before all others.
pub struct Early<S> {
    early: Bytes,
    stream: S,
}

impl<S> Early<S> {
    /// Puts bytes back before a stream.
    pub(crate) fn new(early: Bytes, stream: S) -> Self {
        Self { early, stream }
    }

    /// The stream, behind these bytes.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: Stream> Stream for Early<S> {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        appetite: Appetite,
    ) -> Poll<io::Result<Option<Bytes>>> {
        if self.early.is_empty() {
            return self.stream.poll_chunk(cx, appetite);
        }
        Poll::Ready(Ok(Some(std::mem::take(&mut self.early))))
    }

    fn next_chunk(&mut self) -> Option<Bytes> {
        if self.early.is_empty() { self.stream.next_chunk() } else { None }
    }

    fn poll_write_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write_chunk(cx, chunk)
    }

    fn poll_deaf(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_deaf(cx)
    }

    fn forgo(&mut self) {
        self.stream.forgo();
    }

    fn home(&self) -> Option<&Runtime> {
        self.stream.home()
    }

    fn settle(self) -> io::Result<Self> {
        Ok(Self { early: self.early, stream: self.stream.settle()? })
    }

    fn is_sent_at_once(&mut self) {
        self.stream.is_sent_at_once();
    }
}

impl<S> fmt::Debug for Early<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Early({} bytes, ..)", self.early.len())
    }
}

impl<S: Stream> AsyncRead for Early<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.early.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, into);
        }
        let len = this.early.len().min(into.remaining());
        into.put_slice(&this.early.split_to(len));
        if this.early.is_empty() {
            // An empty rest would still hold the memory of the whole.
            this.early = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Early<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::sim;

    #[tokio::test(start_paused = true)]
    async fn early_bytes_come_before_the_others_in_whatever_pieces() {
        let (mut app, stream) = sim::pair(64, 64);
        let mut early = Early::new(Bytes::from_static(b"early "), stream);
        app.write_all(b"late").await.unwrap();
        app.shutdown().await.unwrap();
        let mut heard = vec![early.read_u8().await.unwrap()];
        early.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"early late");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_goes_through() {
        let (mut app, stream) = sim::pair(64, 64);
        let mut early = Early::new(Bytes::from_static(b"early"), stream);
        early.write_all(b"answer").await.unwrap();
        early.shutdown().await.unwrap();
        let mut heard = Vec::new();
        app.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"answer");
    }
}
