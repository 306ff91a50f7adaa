//! TCP: streams, listening ports and the ways to a target.

mod debt;
mod dialer;
mod gather;
mod listener;
mod option;
mod packets;
mod race;
mod stream;
mod unsent;

pub use crate::tcp::dialer::{connect, connect_telling, resolve};
pub use crate::tcp::listener::Listener;
pub use crate::tcp::stream::Stream;
