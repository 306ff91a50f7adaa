//! What is carried: byte streams in both directions.

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream in both directions, each of which ends for itself.
///
/// Who implements it promises, beyond [`AsyncRead`] and [`AsyncWrite`]:
/// - `poll_shutdown` ends the direction that is written, and leaves the other open.
/// - A read of nothing is the clean end of the other side's words. A connection that broke
///   is an error, after what had arrived before was read.
/// - Dropping a stream before both directions have ended is a reset: where its protocol can
///   say so, the other side gets an error and never a clean end that did not happen.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
