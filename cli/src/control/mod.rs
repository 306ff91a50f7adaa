//! One connection for many calls: `ControlMaster`, `ControlPath`, `ControlPersist` and `-O`.
//!
//! ```text
//!  adit ssh            the master                                  server
//!  Client -- messages, descriptors --> Visitor -- session::run ---> session channel
//!    |        (frames over a Unix      Visitor -- Tunnels::add ---> listeners
//!    |         socket)                    |
//!    '-- the terminal: its modes,      Service: the connection, its tunnels, what is told of it
//!        size, signals and escapes
//! ```
//!
//! The protocol is adit's own, see [`message`]; the sockets of other programs are known by their
//! greeting, or by that they do not greet, and left alone.

pub(crate) mod client;
pub(crate) mod consent;
pub(crate) mod facts;
mod field;
mod frame;
mod hello;
mod malformed;
pub(crate) mod master;
mod message;
pub(crate) mod order;
mod program;
mod report;
mod run;
pub(crate) mod service;
pub(crate) mod sharing;
mod socket;
mod spec;
mod visitor;
mod wire;
