//! The channels of an SSH session as an end of tunnels.
//!
//! ```text
//!   this side opened the tunnel
//!     local     listener here    -> Dialer -> channel           -> the peer connects
//!     remote    the peer listens -> channel -> Router, a Route  -> dialer here
//!     X11, agent: as remote
//!   the peer opened the tunnel
//!     local     the peer listens -> channel -> Direct           -> dialer here
//!     remote    listener here    -> Forwarded -> channel        -> the peer connects
//!     X11       listener here    -> X11 -> channel              -> the peer connects
//!     agent     listener here    -> Agent -> channel            -> the peer connects
//! ```

mod agent;
mod dialer;
mod direct;
mod forwarded;
mod reason;
pub(crate) mod routes;
mod x11;

use std::io;
use std::task::{Context, Poll};

use adit_channels::session::Channel;
use bytes::Bytes;
use tokio::runtime::Handle as Runtime;

use crate::buffer::Appetite;
use crate::stream::Stream;

pub use crate::channel::agent::Agent;
pub use crate::channel::dialer::Dialer;
pub use crate::channel::direct::{Direct, Inbound};
pub use crate::channel::forwarded::Forwarded;
pub use crate::channel::routes::{Router, Routes};
pub use crate::channel::x11::X11;

/// A channel that is dropped before both directions have ended is closed without EOF, which
/// its peer sees as a reset.
impl Stream for Channel {
    fn poll_chunk(&mut self, cx: &mut Context<'_>, _: Appetite) -> Poll<io::Result<Option<Bytes>>> {
        Self::poll_chunk(self, cx)
    }

    fn next_chunk(&mut self) -> Option<Bytes> {
        Self::next_chunk(self)
    }

    fn poll_write_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        Self::poll_write_chunk(self, cx, chunk)
    }

    /// OpenSSH closes a channel that it cannot write to any more; so do others that were done
    /// before they were told that this side is.
    fn poll_deaf(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_closed(cx)
    }

    fn home(&self) -> Option<&Runtime> {
        Self::home(self)
    }
}
