//! A stream that is counted, and waits where its connection has carried too many bytes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use adit_forward::pipe::Appetite;
use adit_forward::stream::Stream;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::serve::account::Account;
use crate::serve::place::Place;

/// A stream that waits where its SSH connection has carried too many bytes. It holds its place
/// among the channels until it ends. What is written to it comes from the client.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    stream: S,
    place: Place,
    account: Option<Account>,
    read: Pace,
    write: Pace,
}

/// When one direction may go on; at once where none.
#[derive(Debug, Default)]
struct Pace(Option<Pin<Box<Sleep>>>);

impl<S> Paced<S> {
    /// A stream at this place.
    pub(crate) fn new(stream: S, place: Place) -> Self {
        Self { stream, place, account: None, read: Pace::default(), write: Pace::default() }
    }

    /// The same, with its bytes on this account.
    pub(crate) fn on(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// So much was read.
    fn has_read(&mut self, bytes: usize) {
        self.read.wait(self.place.carry(bytes));
        if let Some(account) = &mut self.account {
            account.to_client += octets(bytes);
        }
    }

    /// So much was written.
    fn has_written(&mut self, bytes: usize) {
        self.write.wait(self.place.carry(bytes));
        if let Some(account) = &mut self.account {
            account.from_client += octets(bytes);
        }
    }
}

impl Pace {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.0 {
            ready!(sleep.as_mut().poll(cx));
            self.0 = None;
        }
        Poll::Ready(())
    }

    fn wait(&mut self, length: Duration) {
        if !length.is_zero() {
            self.0 = Some(Box::pin(sleep_until(Instant::now() + length)));
        }
    }
}

fn octets(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl<S: Stream> Stream for Paced<S> {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        appetite: Appetite,
    ) -> Poll<io::Result<Option<Bytes>>> {
        ready!(self.read.poll(cx));
        let chunk = ready!(self.stream.poll_chunk(cx, appetite))?;
        self.has_read(chunk.as_ref().map_or(0, Bytes::len));
        Poll::Ready(Ok(chunk))
    }

    fn next_chunk(&mut self) -> Option<Bytes> {
        if self.read.0.is_some() {
            return None;
        }
        let chunk = self.stream.next_chunk()?;
        self.has_read(chunk.len());
        Some(chunk)
    }

    fn poll_write_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        ready!(self.write.poll(cx));
        let written = ready!(self.stream.poll_write_chunk(cx, chunk))?;
        self.has_written(written);
        Poll::Ready(Ok(written))
    }

    fn poll_deaf(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_deaf(cx)
    }

    fn forgo(&mut self) {
        self.stream.forgo();
    }
}

impl<S: Stream> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.read.poll(cx));
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        let read = into.filled().len() - before;
        self.has_read(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.write.poll(cx));
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.has_written(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.write.poll(cx));
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.has_written(written);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use adit_forward::socket;
    use adit_gateway::limits::Limits;
    use adit_gateway::limits::rate::Rate;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;
    use crate::serve::place::Share;

    #[tokio::test(start_paused = true)]
    async fn both_ways_together_carry_so_many_bytes_in_so_long() {
        let rate = Rate { count: 1000, per: Duration::from_secs(1), burst: 1000 };
        let limits = Limits { bytes: Some(rate), channels: 1, ..Limits::default() };
        let share = Share::new(Arc::new(limits));
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut stream = Paced::new(socket::Stream::Unix(near), share.take().unwrap());
        assert!(share.take().is_err(), "it holds its place");
        far.write_all(&[1; 4000]).await.unwrap();
        let began = Instant::now();
        stream.write_all(&[1; 3000]).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 0, "it is owed, not held back");
        stream.write_all(&[1]).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 2);
        stream.read_exact(&mut [0; 4000]).await.unwrap();
        stream.shutdown().await.unwrap();
        let before = began.elapsed().as_secs();
        assert!(before <= 3, "the end of one direction does not wait: {before}");
        far.write_all(&[1]).await.unwrap();
        stream.read_exact(&mut [0]).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 6);
        drop(stream);
        assert!(share.take().is_ok());
    }
}
