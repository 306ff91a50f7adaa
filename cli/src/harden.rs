//! What the process takes from itself, and what it takes for itself, before it begins.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Keeps keys and passwords out of core files and other processes' debuggers, and allows as
/// many open files as the system grants.
pub(crate) fn process() {
    // Where the system refuses, the rest still works, and the user can see it in the log.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::debug!(%error, "core files cannot be forbidden");
    }
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::debug!(%error, "core files cannot be forbidden");
    }
    let files = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        tracing::debug!(%error, "the limit of open files cannot be raised");
    }
}
