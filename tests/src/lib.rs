//! What the tests of whole stacks need: peers that are started and ended, and simulated ones.

pub mod descriptors;
pub mod echo;
pub mod footprint;
pub mod keys;
pub mod pair;
pub mod policy;
pub mod raw;
pub mod security_key;
pub mod sshd;
pub mod tamper;
pub mod uninvited;
pub mod visitor;

pub use adit_proto::message;
pub use adit_proto::wire;
