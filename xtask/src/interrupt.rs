//! SIGINT, SIGTERM and SIGHUP, as a flag that every wait looks at.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Context, Result};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The exit code of a run that a signal ended, as a shell gives it for SIGINT.
pub(crate) const EXIT_CODE: u8 = 130;

/// From now on a first signal raises the flag, and a second one ends this process at once.
pub(crate) fn install() -> Result<()> {
    let raised = FLAG.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, i32::from(EXIT_CODE), Arc::clone(raised))
            .context("install a signal handler")?;
        flag::register(signal, Arc::clone(raised)).context("install a signal handler")?;
    }
    Ok(())
}

/// Set once nothing is left to do but to put things away.
static PUTTING_AWAY: AtomicBool = AtomicBool::new(false);

/// From now on waits take no notice of a signal: what they wait for puts things away.
pub(crate) fn put_away() {
    PUTTING_AWAY.store(true, Ordering::SeqCst);
}

/// Whether a wait should end because a signal asked for that.
pub(crate) fn ends_waits() -> bool {
    requested() && !PUTTING_AWAY.load(Ordering::SeqCst)
}

/// Whether a signal asked for the end.
pub(crate) fn requested() -> bool {
    FLAG.get().is_some_and(|raised| raised.load(Ordering::SeqCst))
}
