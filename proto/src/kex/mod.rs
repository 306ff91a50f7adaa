//! Key exchange, [RFC 4253 sections 7 to 9](https://www.rfc-editor.org/rfc/rfc4253#section-7).
//!
//! The two roles differ in who sends which share (`client`, `server`); all else is here
//! once: the offers ([`proposal`]), the method (`method`), what is hashed (`transcript`), the keys (`schedule`),
//! and the course of exchanges through a connection's life (`exchange`).

pub(crate) mod client;
pub(crate) mod exchange;
pub(crate) mod guess;
pub(crate) mod method;
pub mod proposal;
pub(crate) mod schedule;
pub(crate) mod server;
pub(crate) mod transcript;
