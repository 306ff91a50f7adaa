//! What the tests of whole stacks need: peers that are started and ended, and simulated ones.

pub mod keys;
pub mod pair;
pub mod policy;
pub mod sshd;
pub mod tamper;
