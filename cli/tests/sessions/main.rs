//! `adit ssh` beside the machine's own `ssh`: both are called alike, at the same `sshd`, and what
//! comes of it is compared.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it cannot go on"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../ways/adit.rs"]
mod adit;
mod background;
mod caller;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../ways/server.rs"]
mod server;
mod streams;
mod table;
mod terminal;
