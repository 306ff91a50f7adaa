//! The Secure Shell protocol as a pure state machine: bytes and time in, bytes and events out.

pub mod message;
pub mod name;
pub mod provider;
pub mod secret;
pub mod wire;
