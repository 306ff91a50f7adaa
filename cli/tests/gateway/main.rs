//! `adit serve` with a configuration, as administrators have it: a process, signals, and the
//! machine's own `ssh`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod certificates;
mod crowd;
mod guest;
mod host_keys;
mod hostile;
mod house;
mod reload;
mod security_keys;
#[cfg(feature = "sessions")]
mod sessions;
mod stop;
mod words;
