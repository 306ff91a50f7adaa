//! How a program ended.

use std::fmt;

use rustix::process::WaitIdStatus;

use crate::signal;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status, 0 to 255.
    Status(u32),
    /// By a signal.
    Signal {
        /// The signal's name, without `SIG`, as it goes over the wire.
        name: String,
        /// Whether a core file was written.
        core_dumped: bool,
    },
}

impl Exit {
    /// What the system tells of a process that has ended.
    pub(crate) fn of(status: &WaitIdStatus) -> Self {
        if let Some(signal) = status.terminating_signal() {
            return Self::Signal { name: signal::name(signal), core_dumped: status.dumped() };
        }
        let code = status.exit_status().and_then(|code| u32::try_from(code & 0xff).ok());
        Self::Status(code.unwrap_or(255))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Signal { name, .. } => write!(f, "signal {name}"),
        }
    }
}
