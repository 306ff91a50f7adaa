//! The traffic of other programs through Secure Shell: every kind of tunnel, both of its ends.

pub mod entry;
mod escape;
pub mod origin;
pub mod pipe;
pub mod refusal;
#[cfg(test)]
mod sim;
pub mod spec;
pub mod stream;
pub mod target;
