//! A channel as a byte stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use adit_proto::message::channel_request::Kind;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle as Runtime;
use tokio::sync::oneshot;

use crate::mux::class::Class;
use crate::mux::id::Id;
use crate::mux::request::{Reply, Verdict};
use crate::mux::stream::{Broken, Stream};
use crate::session::channel_request::ChannelRequest;
use crate::session::port::{self, Port};
use crate::session::shared::Member;
use crate::session::stderr::Stderr;

/// A channel as a byte stream, with half-close; the [module](crate::session) says what its
/// states are in the protocol.
///
/// Reading and writing may wait in two tasks at once, for instance after
/// [`tokio::io::split`]. Data are on their way as soon as they are accepted, so flushing
/// does nothing, as with a TCP socket. All methods are cancel safe.
///
/// Dropping it closes the channel: after `shutdown` behind all that was written, else at
/// once.
#[derive(Debug)]
pub struct Channel {
    port: Port,
}

impl Channel {
    /// A channel that the user holds from now on.
    pub(super) fn new(member: Member, id: Id) -> Self {
        Self { port: Port::new(member, id, Stream::Main) }
    }

    /// The name of the channel, for logs.
    pub fn id(&self) -> Id {
        self.port.id
    }

    /// The runtime that the session's driver runs on, once it does: whoever moves much through the
    /// channel does so best from there, as threads that wake one another cost more than all that
    /// they do.
    pub fn home(&self) -> Option<&Runtime> {
        self.port.member.home()
    }

    /// Says what the channel is for, as far as the turns of what it sends go.
    pub fn set_class(&self, class: Class) {
        self.port.member.act(|state| state.mux.set_class(self.port.id, class));
    }

    /// The next bytes, as many as there are in one piece, without a copy; `None` is the end
    /// of the file. To take them lets the peer send as many more.
    ///
    /// # Errors
    /// As for reading.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        self.port.poll_chunk(cx)
    }

    /// As [`poll_chunk`](Self::poll_chunk).
    ///
    /// # Errors
    /// As for reading.
    pub async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Another piece, where one has come already; `None` tells nothing of those to come.
    pub fn next_chunk(&mut self) -> Option<Bytes> {
        self.port.next_chunk()
    }

    /// Writes from `chunk` without a copy, as far as there is room, takes what was written
    /// off it, and says how much that was. The memory that the chunk is a part of is pinned
    /// until it has been sent.
    ///
    /// # Errors
    /// As for writing.
    pub fn poll_write_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        self.port.poll_write_chunk(cx, chunk)
    }

    /// Ready when the peer has closed the channel, or the session has ended: nothing can be
    /// written any more, and nothing comes beside what came already. An end of file is no
    /// close.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.port.member.lock();
        if state.mux.is_closed(self.port.id) {
            return Poll::Ready(());
        }
        state.wait(self.port.id, |it| &mut it.close, cx);
        Poll::Pending
    }

    /// As [`poll_closed`](Self::poll_closed).
    pub async fn closed(&mut self) {
        std::future::poll_fn(|cx| self.poll_closed(cx)).await;
    }

    /// The standard error stream. What comes before this is asked for is dropped, so ask
    /// before the program is started. Unread, it holds up the main stream: both share a
    /// window.
    pub fn stderr(&mut self) -> Stderr {
        Stderr::new(self.port.member.clone(), self.port.id)
    }

    /// Asks something of the peer, and waits for the verdict. The request is on its way when
    /// this returns; dropping the future changes nothing about that.
    ///
    /// # Errors
    /// Where the channel is closed before the peer has answered.
    pub fn request(&self, kind: Kind) -> impl Future<Output = io::Result<Verdict>> + Send + use<> {
        let asked = self.port.member.act(|state| {
            let (tell, told) = oneshot::channel();
            state.mux.request(self.port.id, kind, Reply::Wanted)?;
            if let Some(waiter) = state.waiters.of(self.port.id) {
                waiter.answers.push_back(tell);
            }
            Ok(told)
        });
        let member = self.port.member.clone();
        async move {
            let verdict = match asked {
                Ok(told) => told.await.map_err(|_| Broken::Closed),
                Err(broken) => Err(broken),
            };
            verdict.map_err(|broken| port::broken_pipe(&member.lock(), broken))
        }
    }

    /// Asks something of the peer that wants no answer.
    ///
    /// # Errors
    /// Where the channel is closed.
    pub fn notify(&self, kind: Kind) -> io::Result<()> {
        self.port.member.act(|state| {
            let result = state.mux.request(self.port.id, kind, Reply::Unwanted);
            result.map_err(|broken| port::broken_pipe(state, broken))
        })
    }

    /// What the peer asks; `None` when it will ask no more. Only what a session channel is
    /// asked comes here, from the side that may ask it: `exit-status` at the side that opened
    /// it, `exec` at the other. All else is refused without a question.
    pub fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<ChannelRequest>> {
        let Port { member, id, .. } = &self.port;
        let mut state = member.lock();
        if let Some(request) = state.mux.next_request(*id) {
            drop(state);
            return Poll::Ready(Some(ChannelRequest::new(member.clone(), *id, request)));
        }
        if state.mux.is_closed(*id) {
            return Poll::Ready(None);
        }
        state.wait(*id, |it| &mut it.request, cx);
        Poll::Pending
    }

    /// As [`poll_request`](Self::poll_request).
    pub async fn next_request(&mut self) -> Option<ChannelRequest> {
        std::future::poll_fn(|cx| self.poll_request(cx)).await
    }

    /// Closes the channel at once, whatever was written.
    pub fn abort(self) {
        self.port.member.act(|state| {
            state.waiters.remove(self.port.id);
            state.mux.abort(self.port.id);
        });
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().port.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Channel {
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

    /// Says EOF behind all that was written. A second time does nothing.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.port.id;
        Poll::Ready(self.port.member.act(|state| match state.mux.room(id) {
            Err(Broken::Closed) => Err(port::broken_pipe(state, Broken::Closed)),
            Ok(_) | Err(Broken::Finished | Broken::NotRead) => {
                state.mux.finish(id);
                Ok(())
            }
        }))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.port.member.act(|state| state.release(self.port.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_can_go_to_any_task() {
        fn goes<T: Send + Sync + Unpin + 'static>() {}
        goes::<Channel>();
        goes::<Stderr>();
        goes::<ChannelRequest>();
    }
}
