//! Kinds of tunnels.

/// Which end listens, and who says where a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `-L`
    Local,
    /// `-R`
    Remote,
    /// `-D`
    Dynamic,
}
