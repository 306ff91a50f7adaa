//! Many byte streams over one pipe of Secure Shell connection-protocol messages.
//!
//! [`mux`] is the protocol and nothing else: messages and time in, messages and events out;
//! it reads no clock, knows no socket and no runtime. [`session`] drives a mux over a
//! [`Pipe`](pipe::Pipe) and gives each channel the face of a byte stream,
//! [`AsyncRead`](tokio::io::AsyncRead) and [`AsyncWrite`](tokio::io::AsyncWrite).
//! Neither knows which side is the client.
//!
//! ```text
//!   Channel, Handle, Openings, GlobalRequests    many tasks, each waits for its own only
//!          | ^     take, write, accept ...
//!          v |     (a short lock)
//!         Mux      windows, states, turns
//!          | ^     ConnectionMessage
//!          v |
//!        Driver    one future, moves messages while the pipe takes and yields them
//!          | ^
//!          v |
//!         Pipe     seals and opens messages
//! ```
//!
//! No queue lies between the layers. What a channel sends waits in its outbox until the pipe
//! has room, so whose turn it is gets decided as late as possible; what it receives waits in
//! its inbox until the application reads, and only that gives the peer window back.

mod link;
pub mod memory;
pub mod mux;
pub mod pipe;
pub mod session;

pub use adit_proto::message::{channel_open, channel_request, global_request, terminal_modes};
