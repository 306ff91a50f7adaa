//! An authenticated pipe of Secure Shell connection-protocol messages over any byte stream.

pub mod public_key;
