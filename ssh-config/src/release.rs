//! Whose reading of the file is asked for: releases of OpenSSH differ in keywords and defaults.

/// A release of OpenSSH, as Debian ships it. The later is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Release {
    /// 9.2, of Debian 12.
    V9_2,
    /// 10.0, of Debian 13.
    V10_0,
    /// 10.6, of Debian 14, and what comes after it.
    #[default]
    V10_6,
}
