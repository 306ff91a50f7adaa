//! Unix sockets: listening ones, and the way to one.
//!
//! A Unix socket has no reset. Dropped before both directions have ended, a connection gives
//! its other side an error only where that side had sent what was not read; else it sees a
//! clean end. This is as near as the system lets one come.

mod dialer;
mod listener;

use std::io;

use tokio::net::UnixStream;

use crate::stream;

pub use crate::unix::dialer::connect;
pub use crate::unix::listener::{Existing, Listener, Mode};

impl stream::Stream for UnixStream {
    fn settle(self) -> io::Result<Self> {
        Self::from_std(self.into_std()?)
    }
}
