//! The Secure Shell protocol as a pure state machine: bytes and time in, bytes and events out.
//!
//! There is no socket here, no clock, no randomness and no cryptography: the caller owns the
//! first two, and a [`Provider`](provider::Provider) brings the others. One [`Connection`] is
//! one side of a connection, client or server.
//!
//! # The loop
//!
//! After every call that may change something, drain what it left: events until there are
//! none, bytes to the socket, and the next deadline.
//!
//! ```
//! # use adit_proto::{Connection, Error, Event};
//! # use bytes::BytesMut;
//! # use std::time::Instant;
//! fn turn(connection: &mut Connection, now: Instant, input: &mut BytesMut, output: &mut BytesMut)
//!     -> Result<Option<Event>, Error>
//! {
//!     connection.handle_input(now, input)?;
//!     let event = connection.poll_event();    // answer it, then turn again
//!     connection.poll_transmit(output);       // write it
//!     let _deadline = connection.poll_timeout();
//!     Ok(event)
//! }
//! ```
//!
//! # The course of a connection
//!
//! | event | at the client | at the server |
//! |---|---|---|
//! | [`Event::HostKey`] | [`Connection::trust`] | |
//! | [`Event::Sign`] | [`Connection::provide_signature`], by the user's key | the same, by the host key |
//! | [`Event::Authenticate`] | [`Connection::authenticate`] | |
//! | [`Event::Login`] | | [`Connection::decide`] |
//! | [`Event::Authenticated`] | [`Connection::send`] from now on | the same |
//! | [`Event::Message`] | of the connection protocol | the same |
//!
//! Key re-exchange is silent: nothing above sees it, except that
//! [`backlog`](Connection::backlog) grows while it is under way.
//!
//! # Map
//!
//! | module | holds |
//! |---|---|
//! | [`wire`], [`name`], [`message`] | what is on the wire, as values; they know no state |
//! | `packet` | payloads to packets and back |
//! | [`kex`] | key exchange; `kex::client` and `kex::server` are where the roles differ |
//! | `auth` | login; `auth::client` and `auth::server` are where the roles differ |
//! | `phase` | which message may come when, in one table |
//! | `transport` | packets, and what must wait for a key exchange |
//! | `machine`, [`connection`] | all of it as one machine, and its public face |
//! | [`provider`] | the cryptography that the machine calls on |

mod auth;
pub mod config;
pub mod connection;
pub mod error;
pub mod event;
pub mod ident;
pub mod kex;
mod machine;
pub mod message;
pub mod name;
mod packet;
mod phase;
pub mod provider;
pub mod secret;
pub mod signature;
mod timer;
mod transport;
pub mod wire;

pub use config::{ClientConfig, ServerConfig};
pub use connection::Connection;
pub use error::Error;
pub use event::Event;
