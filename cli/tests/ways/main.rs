//! The ways to a server, as users have them: `adit open` with `-W`, `-J`, `ProxyCommand` and
//! proxies, against `adit serve` and the machine's own `sshd` and `ssh`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it cannot go on"
)]

mod adit;
mod agents;
mod commands;
mod connections;
mod failures;
mod files;
mod jumps;
mod lent;
mod proxies;
mod server;
mod service;
mod stdio;
mod trust;
