//! Agent forwarding
//! ([PROTOCOL.agent](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.agent)):
//! programs at the server have keys used that an agent at the client holds.
//!
//! ```text
//!  server                                          client
//!    program -> Socket -> channel::Agent === channel -> Listener -> Dialer -> agent
//! ```

mod dialer;
mod listener;
mod socket;

pub use crate::agent::dialer::Dialer;
pub use crate::agent::listener::{Admission, Door, Listener};
pub use crate::agent::socket::{Owner, Socket};
