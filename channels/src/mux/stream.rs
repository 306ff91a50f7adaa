//! The two streams of a channel.

use bytes::Bytes;

/// A stream of a channel. Both share its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The channel's data.
    Main,
    /// Extended data of type 1, a program's standard error,
    /// [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).
    Stderr,
}

/// What is there to be read of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Bytes, in their order.
    Data(Bytes),
    /// None yet.
    Nothing,
    /// No more will come: the peer has said so.
    End,
    /// No more will come: the channel was closed, and the peer did not say that it had sent
    /// all. What came before may be a part of it only.
    Reset,
}

/// Why a channel takes no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is not open, or not any more.
    #[error("the channel is closed")]
    Closed,
    /// The user has finished writing.
    #[error("the channel was finished")]
    Finished,
    /// The peer has said that nobody reads there, by `eow@openssh.com`.
    #[error("the peer reads no more")]
    NotRead,
}
