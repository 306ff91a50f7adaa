//! Remote tunnels: what one side of a session listens on for the other.
//!
//! ```text
//!   the peer asks     GlobalRequests -> Server -> Permit: may it, and where exactly
//!                                         |
//!                                      Registry: who holds it, and do they live
//!                                         |
//!   a program here -> socket -------> relay -> channel::Forwarded -> the peer
//! ```
//!
//! ```text
//!   this side asks    Listener::bind -> the peer listens, and tells of each connection
//!                                         |
//!                     Openings -> channel::Router -> Listener, or Fixed -> relay -> socket
//! ```
//!
//! The requests are those of
//! [RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1) and
//! [PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).

mod listener;
mod listening;
mod permit;
mod refused;
mod registry;
mod request;
mod server;

pub use crate::remote::listener::{Fixed, Listener};
pub use crate::remote::permit::{Denied, Grant, Permit, Place};
pub use crate::remote::refused::{Cause, Refused};
pub use crate::remote::registry::{Owner, Registry, Taken, Tenant};
pub use crate::remote::server::{Limits, Server};
