//! A channel whose sides are waited for one beside the other.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::ready;

use adit_channels::channel_request::Kind;
use adit_channels::session::{Channel, ChannelRequest, Stderr};
use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// A channel whose sides, data in, data out and requests, are waited for one beside the other, all
/// by one task. It is locked for no longer than it is asked.
#[derive(Debug)]
pub(crate) struct Line(Mutex<Channel>);

impl Line {
    /// A line, and the error stream that goes to the client.
    pub(crate) fn new(mut channel: Channel) -> (Self, Stderr) {
        let errors = channel.stderr();
        (Self(Mutex::new(channel)), errors)
    }

    fn lock(&self) -> MutexGuard<'_, Channel> {
        // A channel is whole whoever died beside it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece that the client sends; `None` is the end of the file.
    pub(crate) async fn chunk(&self) -> io::Result<Option<Bytes>> {
        poll_fn(|cx| self.lock().poll_chunk(cx)).await
    }

    /// Writes all of this to the client.
    pub(crate) async fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        poll_fn(|cx| {
            while !data.is_empty() {
                let written = ready!(Pin::new(&mut *self.lock()).poll_write(cx, data))?;
                data = data.get(written..).unwrap_or_default();
            }
            Ok(()).into()
        })
        .await
    }

    /// What the client asks next; `None` when it will ask no more.
    pub(crate) async fn next_request(&self) -> Option<ChannelRequest> {
        poll_fn(|cx| self.lock().poll_request(cx)).await
    }

    /// Returns when the client has closed the channel, or the connection has ended.
    pub(crate) async fn closed(&self) {
        poll_fn(|cx| self.lock().poll_closed(cx)).await;
    }

    /// Tells the client something. Where it has closed the channel, it does not want to know.
    pub(crate) fn tell(&self, kind: Kind) {
        let _ = self.lock().notify(kind);
    }

    /// There are no more data for the client. The channel is closed behind them when it is dropped.
    pub(crate) async fn finish(&self) {
        // Where the client has closed the channel, there is nobody to be told.
        let _ = poll_fn(|cx| Pin::new(&mut *self.lock()).poll_shutdown(cx)).await;
    }
}

/// Tells the user something where errors are read. Lines end as a terminal in raw mode wants it.
pub(crate) async fn say(errors: &mut Stderr, words: &str) {
    let text = format!("{}\r\n", words.replace('\n', "\r\n"));
    // A client that does not read it does without.
    let _ = errors.write_all(text.as_bytes()).await;
}
