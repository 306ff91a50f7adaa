//! The channels of an SSH session as an end of tunnels.
//!
//! ```text
//!   this side opened the tunnel:   listener here  -> Dialer -> channel -> the peer connects
//!   the peer opened the tunnel:    the peer listens -> channel -> Direct -> dialer here
//! ```

mod dialer;
mod direct;
mod reason;

use adit_channels::session::Channel;

use crate::stream::Stream;

pub use crate::channel::dialer::Dialer;
pub use crate::channel::direct::{Direct, Inbound};

/// A channel that is dropped before both directions have ended is closed without EOF, which
/// its peer sees as a reset.
impl Stream for Channel {}
