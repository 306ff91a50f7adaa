//! The messages of SOCKS version 5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928)) and of
//! its login by user and password ([RFC 1929](https://www.rfc-editor.org/rfc/rfc1929)), for
//! both sides.
//!
//! ```text
//!  client                                           proxy
//!    Greeting: methods  ---------------------------->
//!                       <----------------------------  Choice: one of them, or none
//!    Login: user, password  ------------------------>
//!                       <----------------------------  Verdict      (if so chosen)
//!    Request: command, host, port  ----------------->
//!                       <----------------------------  Reply
//!    =============== bytes of the tunnel ===============
//! ```
//!
//! Each `parse` reads from what has come so far, and yields the message and how many bytes it
//! took, or nothing where more has to come first.

mod fault;
mod greeting;
mod login;
mod reply;
mod request;

pub use crate::socks5::fault::Fault;
pub use crate::socks5::greeting::{Choice, Greeting, Method, VERSION};
pub use crate::socks5::login::{Login, Verdict};
pub use crate::socks5::reply::Reply;
pub use crate::socks5::request::{Command, Request};
