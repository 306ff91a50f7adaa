//! Many byte streams over one pipe of Secure Shell connection-protocol messages.
//!
//! [`mux`] is the protocol and nothing else: messages and time in, messages and events out;
//! it reads no clock, knows no socket and no runtime.

pub mod mux;
pub mod pipe;
