//! The signals that end a call of `ssh(1)`.

use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a call of `ssh(1)`, but for those that were ignored from the start: who
/// did that wants them ignored.
#[derive(Debug)]
pub(super) struct Signals {
    hangup: Option<Signal>,
    interrupt: Option<Signal>,
    quit: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    /// Begins to listen; from here on none of them ends the process by itself.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(super) fn listen() -> io::Result<Self> {
        let ignored = ignored();
        let listen = |kind: SignalKind| {
            let number = u32::try_from(kind.as_raw_value()).unwrap_or(0);
            let bit = number.checked_sub(1).and_then(|it| 1_u64.checked_shl(it)).unwrap_or(0);
            if ignored & bit != 0 { Ok(None) } else { signal(kind).map(Some) }
        };
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            quit: listen(SignalKind::quit())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for one of them. Cancel safe.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            () = came(&mut self.hangup) => {}
            () = came(&mut self.interrupt) => {}
            () = came(&mut self.quit) => {}
            () = came(&mut self.terminate) => {}
        }
    }
}

async fn came(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// A bit for each signal that is ignored, as the system tells; none where it does not.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok()).unwrap_or(0)
}
