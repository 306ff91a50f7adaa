//! The traffic of other programs through Secure Shell: every kind of tunnel, both of its ends.

pub mod accept;
pub mod dial;
pub mod entry;
mod escape;
pub mod fixed;
pub mod listen;
pub mod origin;
pub mod pipe;
pub mod refusal;
#[cfg(test)]
mod sim;
pub mod socket;
pub mod spec;
pub mod stream;
pub mod target;
pub mod tcp;
pub mod unix;
