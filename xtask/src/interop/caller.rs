//! The programs of this machine that call ssh, or whose windows a session shows.

use std::sync::{Mutex, PoisonError};

use crate::interop::trial::Stop;
use crate::process;
use crate::tools::{self, Tool};

/// One at a time installs.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Makes sure that `tools` are there; without them the scenario has nothing to try.
pub(crate) fn need(tools: &[Tool]) -> Result<(), Stop> {
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let absent = tools::ensure(tools);
    process::check_interrupt()?;
    absent.map_err(|error| {
        let text = error.to_string();
        Stop::NotApplicable(text.lines().next().unwrap_or_default().to_owned())
    })
}
