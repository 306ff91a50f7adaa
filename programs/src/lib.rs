//! Turns a session channel of Secure Shell into a program that runs here,
//! [RFC 4254 section 6](https://www.rfc-editor.org/rfc/rfc4254#section-6): the far end of `ssh`.
//!
//! What may be run, and as whom, is asked of a [`Host`](host::Host); nothing here decides it.
//!
//! ```text
//!   session channel -> session::serve -> Host: may it be? -> Job: an account and a program
//!                          |
//!                       Program  -- orders, descriptors --> launcher, a process of its own:
//!                          |                                session, terminal, user, limits,
//!            carry: input, output, errors, requests         environment, and then the program
//! ```
//!
//! A program is started by a [`launcher`]: this very binary, started anew with one hidden
//! word. So what has to be done between a fork and the program is done by a fresh process with one
//! thread, which has nothing of the gateway's memory, environment and descriptors.
//!
//! The program is the leader of a session and of a process group of the system's. That group ends
//! with the channel: SIGHUP, and where the channel was broken off, SIGKILL after a time of grace.

pub mod account;
mod carry;
pub mod environment;
pub mod exit;
pub mod host;
pub mod job;
pub mod launcher;
mod line;
mod orders;
mod program;
pub mod session;
mod setup;
mod shadow;
mod signal;
mod streams;
mod terminal;
