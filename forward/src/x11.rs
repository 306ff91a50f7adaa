//! X11 through Secure Shell,
//! [RFC 4254 section 6.3](https://www.rfc-editor.org/rfc/rfc4254#section-6.3): programs at the
//! server show their windows on a display of the client.
//!
//! ```text
//!  server                                           client
//!    program -> Served -> channel::X11 === channel -> Listener -> Dialer -> display
//!               (announced cookie)                    announced cookie -> real cookie
//! ```
//!
//! The server is told a cookie that was made up for it. What comes by a channel has to begin with
//! a [set-up](setup::Setup) that shows that one, in whose place the display gets its own: the
//! real cookie never leaves the client, and who does not know the one that was announced gets no
//! further than here.

pub mod cookie;
mod dialer;
pub mod display;
mod displays;
mod listener;
mod served;
pub mod setup;

pub use crate::x11::dialer::Dialer;
pub use crate::x11::displays::{Connections, Displays, Permit, Shown};
pub use crate::x11::listener::{Inbound, Listener};
pub use crate::x11::served::Served;
