//! A connection on a byte stream: the driver of the core.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use adit_proto::error::Identification;
use adit_proto::event::SignRequest;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::disconnect::Reason;
use adit_proto::{Connection, Event};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tokio_util::io::poll_read_buf;

use crate::buffer;
use crate::certificate::{Certificate, algorithm};
use crate::identity::private_key::PrivateKey;

/// Beyond so many bytes not yet written nothing is read. Data wait in front of the link, so
/// that only answers can come to this, to a peer that asks without end and reads nothing.
const MAX_BACKLOG: usize = 4 * 1024 * 1024;

/// How many turns one poll may take before it gives way to other tasks.
const BUDGET: usize = 64;

/// How long the last words may take to be written.
const FAREWELL: Duration = Duration::from_secs(1);

/// An authenticated pipe of connection-protocol messages over a byte stream.
///
/// [`connect`](crate::connect::connect) and [`accept`](crate::accept::accept) make one. It is
/// the whole driver: [`poll_message`](Self::poll_message) runs the deadline, writes what is
/// sealed, yields a message, and else reads. It writes while it waits to read, so two full
/// peers cannot deadlock.
pub struct Link<S> {
    stream: S,
    connection: Connection,
    /// What was read and not yet taken.
    input: BytesMut,
    /// What was sealed and not yet written.
    output: BytesMut,
    timer: Pin<Box<Sleep>>,
    /// Why nothing can be written any more. It is told when nothing is left to be read, since
    /// what the peer said last explains more.
    broken: Option<io::Error>,
    /// The private halves of a server's host keys; none at a client.
    host_keys: Arc<[PrivateKey]>,
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The protocol came to an end: by an error, by the peer, or by this side.
    #[error(transparent)]
    Protocol(#[from] adit_proto::Error),
    /// The byte stream failed.
    #[error("the connection was lost: {0}")]
    Io(#[from] io::Error),
    /// The byte stream ended without a word of the peer.
    #[error("the peer closed the connection")]
    Closed,
    /// A host key could not sign.
    #[error("the host key cannot sign by {0}")]
    HostKey(String),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// A link that runs `connection` on `stream`.
    pub(crate) fn new(stream: S, connection: Connection, host_keys: Arc<[PrivateKey]>) -> Self {
        Self {
            stream,
            connection,
            input: BytesMut::new(),
            output: BytesMut::new(),
            timer: Box::pin(tokio::time::sleep_until(Instant::now())),
            broken: None,
            host_keys,
        }
    }

    /// The protocol's state, to ask what is known or to answer what it asks.
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// The identifier of the session, which is the same on both sides and on no other
    /// connection ([RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2)).
    pub fn session_id(&self) -> Option<&[u8]> {
        self.connection.session_id().map(AsRef::as_ref)
    }

    /// Who the peer says it is: its identification string.
    pub fn peer_identification(&self) -> Option<String> {
        self.connection.peer_identification().map(ToString::to_string)
    }

    /// Whether the peer says that it is OpenSSH, which some of its extensions go by.
    pub fn peer_is_openssh(&self) -> bool {
        self.connection.peer_identification().is_some_and(|it| it.is_openssh())
    }

    /// Whether the peer says that it is adit, which never holds small segments back.
    pub fn peer_is_adit(&self) -> bool {
        self.connection.peer_identification().is_some_and(|it| it.is_adit())
    }

    /// Whether the peer is the server.
    pub fn peer_is_server(&self) -> bool {
        self.host_keys.is_empty()
    }

    /// The byte stream, to be told something. What is read from it or written to it here would
    /// be missing in the connection.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The next message of the connection protocol.
    ///
    /// Cancel safe: what was read stays in the link.
    ///
    /// # Errors
    /// Where the connection has ended, every time from then on.
    pub fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<ConnectionMessage, Error>> {
        loop {
            match ready!(self.poll_event(cx))? {
                Event::Message(message) => return Poll::Ready(Ok(message)),
                Event::Sign(request) => self.sign(&request)?,
                event => tracing::debug!(?event, "nothing to do"),
            }
        }
    }

    /// The next event of the protocol.
    ///
    /// # Errors
    /// Where the connection has ended, every time from then on.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        for _ in 0..BUDGET {
            self.run_deadline(cx)?;
            let _ = self.poll_flush(cx);
            if let Some(event) = self.connection.poll_event() {
                return Poll::Ready(Ok(event));
            }
            let handled = self.connection.handle_input(now(), &mut self.input);
            if let Err(error) = handled {
                return Poll::Ready(Err(self.end(cx, error)));
            }
            if let Some(event) = self.connection.poll_event() {
                return Poll::Ready(Ok(event));
            }
            // Taking input may have made answers, which go out before more is read.
            if self.connection.poll_transmit(&mut self.output) {
                continue;
            }
            if self.backlog() > MAX_BACKLOG {
                return Poll::Pending;
            }
            ready!(self.poll_read(cx))?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Seals a message behind what waits to be written. It is written by
    /// [`poll_message`](Self::poll_message) and [`poll_flush`](Self::poll_flush). Whoever sends
    /// must stop at some [`backlog`](Self::backlog).
    ///
    /// Where the connection has ended, the message is dropped, and the next poll says why.
    pub fn send(&mut self, message: &ConnectionMessage) {
        if let Err(error) = self.connection.send(message) {
            tracing::debug!(%error, "a message cannot be sent");
        }
    }

    /// Exchanges keys again, unless that is under way.
    pub fn rekey(&mut self) {
        if let Err(error) = self.connection.rekey(Instant::now().into_std()) {
            tracing::debug!(%error, "keys cannot be exchanged again");
        }
    }

    /// How many bytes were sealed, or wait for a key exchange, and were not yet written.
    pub fn backlog(&self) -> usize {
        self.output.len() + self.connection.backlog()
    }

    /// Writes what was sealed, until all is written or the byte stream takes nothing any more,
    /// which [`poll_message`](Self::poll_message) tells.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.connection.poll_transmit(&mut self.output) || self.output.has_remaining() {
            if let Err(error) = ready!(self.poll_write(cx)) {
                self.broken.get_or_insert(error);
                self.output.clear();
            }
        }
        Poll::Ready(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.output.has_remaining() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, self.output.chunk()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.advance(written);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends the connection. The peer is told why by what [`poll_flush`](Self::poll_flush) still
    /// writes; all other polls yield the end.
    pub fn disconnect(&mut self, reason: Reason, description: &str) {
        self.connection.disconnect(reason, description);
    }

    /// Writes the last words. A peer that does not take them is not waited for.
    pub(crate) async fn farewell(&mut self) {
        let _ = tokio::time::timeout(FAREWELL, poll_fn(|cx| self.poll_flush(cx))).await;
    }

    /// Signs by a host key, when keys are exchanged.
    pub(crate) fn sign(&mut self, request: &SignRequest) -> Result<(), Error> {
        let certificate = Certificate::from_wire(request.key.clone()).ok();
        let plain = certificate.as_ref().map_or(&request.key, |it| it.key().wire());
        let algorithm = algorithm::named(&request.algorithm)
            .map_or(request.algorithm.as_str(), |it| it.signature);
        let signature = self
            .host_keys
            .iter()
            .find(|key| key.public_key().wire() == plain)
            .and_then(|key| key.sign(algorithm, &request.data))
            .ok_or_else(|| Error::HostKey(request.algorithm.clone()))?;
        Ok(self.connection.provide_signature(now(), signature)?)
    }

    /// Tells the peer, if it still listens, and yields the error.
    fn end(&mut self, cx: &mut Context<'_>, error: adit_proto::Error) -> Error {
        // The peer may have gone, or take nothing more: it was worth the attempt.
        let _ = self.poll_flush(cx);
        error.into()
    }

    fn run_deadline(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while let Some(deadline) = self.connection.poll_timeout() {
            let deadline = Instant::from_std(deadline);
            if self.timer.deadline() != deadline {
                self.timer.as_mut().reset(deadline);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                break;
            }
            let handled = self.connection.handle_timeout(now());
            handled.map_err(|error| self.end(cx, error))?;
        }
        Ok(())
    }

    /// That the other side has said something else than who it is, before it went.
    fn said_before(&self) -> Option<Error> {
        let line = self.connection.preamble()?.to_owned();
        Some(adit_proto::Error::Identification(Identification::NotSsh(line)).into())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        buffer::make_room(&mut self.input);
        let read = poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.input);
        if read.is_pending() && self.input.is_empty() {
            buffer::give(std::mem::take(&mut self.input));
        }
        match (ready!(read), self.broken.take()) {
            // A broken pipe says no more than that the peer has closed.
            (Ok(0), broken)
                if broken.as_ref().is_none_or(|it| it.kind() == io::ErrorKind::BrokenPipe) =>
            {
                Poll::Ready(Err(self.said_before().unwrap_or(Error::Closed)))
            }
            (Ok(0) | Err(_), Some(error)) => Poll::Ready(Err(error.into())),
            (Err(error), None) => Poll::Ready(Err(self.said_before().unwrap_or(error.into()))),
            (read, broken) => {
                self.broken = broken;
                read?;
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// The time by the runtime's clock, which tests can stop.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

impl<S> std::fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("connection", &self.connection).finish_non_exhaustive()
    }
}
