//! A channel that carries a connection to the next server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use adit_channels::session::Channel;
use adit_forward::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// A channel that carries a connection to the next server. How that ends is said in its own
/// messages, which must not be cut off: dropped, the channel is finished behind all that was
/// written, and given back to whoever waits for the server to have passed all of it on.
#[derive(Debug)]
pub(super) struct Stream {
    /// None once it is given back.
    channel: Option<Channel>,
    back: Option<oneshot::Sender<Channel>>,
}

impl Stream {
    /// A stream, and where the channel comes when it is over.
    pub(super) fn new(channel: Channel) -> (Self, oneshot::Receiver<Channel>) {
        let (back, returned) = oneshot::channel();
        (Self { channel: Some(channel), back: Some(back) }, returned)
    }

    fn channel(&mut self) -> io::Result<Pin<&mut Channel>> {
        self.channel.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

impl stream::Stream for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        let Some(mut channel) = self.channel.take() else { return };
        // A channel says that it ends without waiting; one that is closed need not.
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut channel).poll_shutdown(&mut context);
        if let Some(back) = self.back.take() {
            // Nobody may wait for it any more.
            let _ = back.send(channel);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.channel()?.poll_read(cx, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.channel()?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.channel()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.channel()?.poll_shutdown(cx)
    }
}
