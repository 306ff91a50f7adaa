//! What the process takes from itself, and what it takes for itself, before it begins.

use std::sync::OnceLock;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// The limits of open files and of core files as they were.
static BEFORE: OnceLock<(Option<u64>, Option<u64>)> = OnceLock::new();

/// Keeps keys and passwords out of core files and other processes' debuggers, and allows as
/// many open files as the system grants.
pub(crate) fn process() {
    // Where the system refuses, the rest still works, and the user can see it in the log.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::debug!(%error, "core files cannot be forbidden");
    }
    let core = getrlimit(Resource::Core);
    let files = getrlimit(Resource::Nofile);
    // Programs that are run for others have them as they were.
    let _ = BEFORE.set((files.current, core.current));
    let none = Rlimit { current: Some(0), ..core };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::debug!(%error, "core files cannot be forbidden");
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        tracing::debug!(%error, "the limit of open files cannot be raised");
    }
}

/// The limits that were changed, as they were.
#[cfg(feature = "sessions")]
pub(crate) fn before() -> adit_programs::launcher::Limits {
    let now = || (getrlimit(Resource::Nofile).current, getrlimit(Resource::Core).current);
    let (files, core) = BEFORE.get().copied().unwrap_or_else(now);
    adit_programs::launcher::Limits { files, core }
}
