//! The core proved from outside: two connections joined in memory, and one joined with a
//! peer that does what no connection would.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails by a panic has done its work"
)]

mod backlog;
mod compression;
mod end;
mod failure;
mod guard;
mod handshake;
mod host_key;
mod identification;
mod kex_group;
mod login;
mod negotiation;
mod noise;
mod offset;
mod pair;
mod phase;
mod rekey;
mod request;
mod secret;
mod talk;
mod tampering;
mod terrapin;
#[path = "../examples/handshake/toy.rs"]
mod toy;
mod vector;
