//! One connection for many calls, as users have it: `adit ssh` with `ControlMaster`,
//! `ControlPersist` and `-O`, against the machine's own `sshd`, and beside its own `ssh`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it cannot go on"
)]

#[path = "../ways/adit.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod adit;
#[path = "../ways/lent/display.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod display;
#[path = "../ways/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;
#[path = "../ways/service.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod service;

mod agent;
mod consent;
mod hostile;
mod killed;
mod orders;
mod others;
mod persist;
mod programs;
mod sessions;
mod stage;
mod terminal;
mod tunnels;
mod x11;
