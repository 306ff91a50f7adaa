//! The connection protocol, [RFC 4254](https://www.rfc-editor.org/rfc/rfc4254), as a value:
//! messages and time in, messages and events out.
//!
//! A [`Mux`] does no input and output of its own and reads no clock. Its user
//!
//! - hands in what the peer sent, [`handle_message`](Mux::handle_message), and says when a
//!   deadline has passed, [`poll_timeout`](Mux::poll_timeout) and
//!   [`handle_timeout`](Mux::handle_timeout);
//! - sends what the mux has to say, [`poll_message`](Mux::poll_message), one message at a
//!   time and only while the pipe has room for it: the later whose turn it is gets decided,
//!   the shorter the way of a small message past the bulk of others;
//! - asks after each of these, and after each command, what there is to tell,
//!   [`poll_event`](Mux::poll_event);
//! - gives commands: [`open`](Mux::open), [`write`](Mux::write), [`take`](Mux::take) and
//!   so on. None of them waits.
//!
//! It is the same for client and server. What a peer must not do is in [`Violation`], what
//! it can use up in [`Limits`].
//!
//! ```
//! use std::time::Instant;
//!
//! use adit_channels::mux::{Limits, Mux, Stream, Taken};
//! use adit_proto::message::channel_open::Kind;
//!
//! let now = Instant::now();
//! let mut here = Mux::new(now, Limits::default());
//! let mut there = Mux::new(now, Limits::default());
//! let exchange = |here: &mut Mux, there: &mut Mux| {
//!     while here.has_message() || there.has_message() {
//!         while let Some(message) = here.poll_message() {
//!             there.handle_message(now, message)?;
//!         }
//!         while let Some(message) = there.poll_message() {
//!             here.handle_message(now, message)?;
//!         }
//!     }
//!     Ok::<(), adit_channels::mux::Violation>(())
//! };
//!
//! let channel = here.open(Kind::Session)?;
//! exchange(&mut here, &mut there)?;
//! let offer = there.next_offer().ok_or("no offer")?;
//! there.accept(offer.id);
//! exchange(&mut here, &mut there)?;
//! assert_eq!(here.write(channel, Stream::Main, b"hello")?, 5);
//! here.finish(channel);
//! exchange(&mut here, &mut there)?;
//! assert_eq!(there.take(offer.id, Stream::Main), Taken::Data("hello".into()));
//! assert_eq!(there.take(offer.id, Stream::Main), Taken::End);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod budget;
mod channel;
pub(crate) mod class;
mod commands;
mod company;
pub(crate) mod event;
mod flight;
pub(crate) mod fund;
mod globals;
pub(crate) mod id;
mod inbox;
pub(crate) mod keepalive;
mod lane;
pub(crate) mod limits;
mod line;
pub(crate) mod load;
mod looked;
#[expect(clippy::module_inception, reason = "the module is about this type, its file too")]
pub(crate) mod mux;
pub(crate) mod offer;
mod offers;
mod outbox;
pub(crate) mod owed;
#[cfg(test)]
mod pair;
mod path;
mod pool;
mod questions;
mod receiver;
pub(crate) mod request;
mod requests;
mod schedule;
mod sender;
mod state;
pub(crate) mod stream;
mod table;
pub(crate) mod traffic;
pub(crate) mod violation;
mod window;

pub use class::Class;
pub use event::Event;
pub use fund::Fund;
pub use id::Id;
pub use inbox::KEPT_SLICES;
pub use keepalive::Unresponsive;
pub use limits::{EarlyCredit, Keepalive, Limits};
pub use load::Load;
pub use mux::{Mux, Shortage};
pub use offer::Offer;
pub use owed::Ticket;
pub use request::{Answer, Reply, Request, Verdict};
pub use stream::{Broken, Stream, Taken};
pub use traffic::Traffic;
pub use violation::Violation;
