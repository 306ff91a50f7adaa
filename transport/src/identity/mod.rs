//! Who a side is: private keys, in files and in agents.

mod armor;
mod encryption;
mod key_file;
pub mod private_key;
pub mod problem;
mod rsa;
mod signing_key;
