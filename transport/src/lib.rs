//! An authenticated pipe of Secure Shell connection-protocol messages over any byte stream.
//!
//! `adit-proto` knows the protocol and neither cryptography, clocks nor files; this crate brings
//! them.
//!
//! | module | holds |
//! |---|---|
//! | [`link`] | a connection on a byte stream: the driver of the core |
//! | [`connect`], [`accept`] | its beginning: who is asked, at the client and at the server |
//! | [`client`] | a client that answers by [`trust`], [`login`] and a [`prompt`] |
//! | [`identity`], [`public_key`] | who a side is: keys in files and agents |
//! | [`known_hosts`], [`authorized_keys`] | which keys servers and users are known by |
//! | [`host_keys`] | proofs that a server has what it announces |
//! | [`certificate`] | keys that an authority vouches for |
//! | [`revocation`] | keys and certificates that are good for nothing any more |
//! | [`provider`] | the core's cryptography, by ring and well-kept crates |

pub mod accept;
pub mod authorized_keys;
mod buffer;
pub mod certificate;
pub mod client;
pub mod connect;
pub mod host_keys;
pub mod identity;
pub mod known_hosts;
pub mod link;
pub mod login;
pub mod prompt;
pub mod provider;
pub mod public_key;
pub mod revocation;
mod text_file;
pub mod trust;

pub use adit_proto::{config, error, event, ident, name, secret};
