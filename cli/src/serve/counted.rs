//! A connection to a target, as it is counted.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use adit_forward::pipe::Appetite;
use adit_forward::stream::Stream;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::serve::account::Account;

/// A connection to a target, whose bytes are counted for the flow log.
#[derive(Debug)]
pub(crate) struct Counted<S> {
    stream: S,
    account: Account,
}

impl<S> Counted<S> {
    /// A connection on this account.
    pub(crate) fn new(stream: S, account: Account) -> Self {
        Self { stream, account }
    }
}

fn octets(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

impl<S: Stream> Stream for Counted<S> {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        appetite: Appetite,
    ) -> Poll<io::Result<Option<Bytes>>> {
        let chunk = ready!(self.stream.poll_chunk(cx, appetite))?;
        self.account.to_client += chunk.as_ref().map_or(0, |chunk| octets(chunk.len()));
        Poll::Ready(Ok(chunk))
    }

    fn next_chunk(&mut self) -> Option<Bytes> {
        let chunk = self.stream.next_chunk()?;
        self.account.to_client += octets(chunk.len());
        Some(chunk)
    }

    fn poll_write_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream.poll_write_chunk(cx, chunk))?;
        self.account.from_client += octets(written);
        Poll::Ready(Ok(written))
    }

    fn poll_deaf(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_deaf(cx)
    }

    fn forgo(&mut self) {
        self.stream.forgo();
    }
}

impl<S: Stream> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        let read = into.filled().len() - before;
        self.account.to_client += octets(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.account.from_client += octets(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.account.from_client += octets(written);
        Poll::Ready(Ok(written))
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
