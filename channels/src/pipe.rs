//! The pipe under a session.

use std::error::Error;
use std::task::{Context, Poll};

use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::disconnect::Reason;

use crate::mux::EarlyCredit;

/// A pipe of messages of the connection protocol: ordered, authenticated, and polled.
///
/// A pipe has one user, which polls it from one task; the waker of the last poll is the one
/// that counts, for reading and for writing alike.
pub trait Pipe {
    /// Why the pipe broke.
    type Error: Error + Send + Sync + 'static;

    /// Writes what is under way, as far as the other end takes it, then yields the next
    /// message. `Ready(Ok(None))` is the peer's orderly end; nothing comes after it.
    ///
    /// `Pending` says that both are exhausted: a message will come, or what is under way
    /// can be written on, and the waker is told.
    ///
    /// # Errors
    /// Where the connection broke, or the peer broke the protocol under these messages.
    fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<ConnectionMessage>, Self::Error>>;

    /// Seals a message behind what is under way already. It never waits and never fails: a
    /// broken pipe says so when it is polled.
    fn send(&mut self, message: &ConnectionMessage);

    /// How many bytes are under way: sealed, or held during a key exchange, and not yet
    /// taken by the other end. Whoever sends looks here first and stops at a limit.
    fn backlog(&self) -> usize;

    /// Writes what is under way. `Ready(Ok(()))` says that the backlog is empty.
    ///
    /// # Errors
    /// As [`poll_message`](Pipe::poll_message).
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Tells the peer that the connection ends, behind what is under way. Nothing may be
    /// sent after it.
    fn disconnect(&mut self, reason: Reason, description: &str);

    /// Has keys exchanged anew, where the pipe has any, unless that is under way.
    fn rekey(&mut self) {}

    /// When the peer gives credit, where that is known.
    fn early_credit(&self) -> Option<EarlyCredit> {
        None
    }
}
