//! A mux driven over a pipe, and byte streams for its channels.
//!
//! [`Session::new`] makes four things of a pipe. The [`Driver`] is a future that somebody
//! has to run; it moves messages, never waits for anything but the pipe and the clock, and
//! yields why the connection ended. The [`Handle`] opens channels and asks the peer things.
//! [`Openings`] and [`GlobalRequests`] are what the peer asks of this side; whoever drops
//! one refuses all that it would yield.
//!
//! A [`Channel`] is a byte stream with half-close. What it means in the protocol:
//!
//! | done here | said to the peer |
//! |---|---|
//! | [`shutdown`](tokio::io::AsyncWriteExt::shutdown) | EOF, behind all data |
//! | dropped after `shutdown` | CLOSE, behind all data and EOF |
//! | dropped without | CLOSE at once; what was not sent is dropped |
//! | [`abort`](Channel::abort) | the same, also after `shutdown` |
//!
//! | said by the peer | seen here, behind all data |
//! |---|---|
//! | EOF | the end of the file: a read of 0 bytes |
//! | EOF and CLOSE | the same; a write is [`BrokenPipe`](std::io::ErrorKind::BrokenPipe) |
//! | CLOSE without EOF | a read is [`ConnectionReset`](std::io::ErrorKind::ConnectionReset), a write `BrokenPipe` |
//! | nothing, the connection ended | both are [`ConnectionAborted`](std::io::ErrorKind::ConnectionAborted), with the [`Cause`] inside |
//!
//! OpenSSH and Dropbear send EOF whenever the reading of their socket ends, with an error
//! too, and CLOSE when the other direction has ended as well; so with them CLOSE without EOF
//! does not happen in a transfer that went well. Peers built on Go's `x/crypto/ssh` may well
//! close without EOF; that the data were complete cannot be known then, and is not claimed.
//!
//! The session ends by itself when everything that was made of it is dropped.

mod cause;
mod channel;
mod channel_request;
mod config;
mod driver;
mod global_request;
mod handle;
mod opening;
mod parking;
mod port;
mod refusal;
#[expect(clippy::module_inception, reason = "the module is about this type, its file too")]
mod session;
mod shared;
mod state;
mod stderr;
mod waiters;

pub use cause::Cause;
pub use channel::Channel;
pub use channel_request::ChannelRequest;
pub use config::Config;
pub use driver::Driver;
pub use global_request::{GlobalRequest, GlobalRequests};
pub use handle::{Handle, OpenError};
pub use opening::{Opening, Openings};
pub use refusal::Refusal;
pub use session::Session;
pub use stderr::Stderr;
