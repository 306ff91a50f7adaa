//! When a certificate holds.

/// When a certificate holds: from `after` on and until `before`, in seconds since 1970 in UTC,
/// [PROTOCOL.certkeys](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys),
/// `valid after` and `valid before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub after: u64,
    /// The second after the last one. [`u64::MAX`] is for ever.
    pub before: u64,
}
