//! An authenticated pipe of Secure Shell connection-protocol messages over any byte stream.
//!
//! `adit-proto` knows the protocol and neither cryptography, clocks nor files; this crate brings
//! them. [`provider`] fills the core's traits with ring and with well-kept crates where ring has no
//! such algorithm. [`identity`] holds the private keys that prove who a side is.
//! [`known_hosts`] tells which keys servers are known to have.

pub mod accept;
pub mod connect;
pub mod identity;
pub mod known_hosts;
pub mod link;
pub mod login;
pub mod prompt;
pub mod provider;
pub mod public_key;
pub mod trust;
