//! How many files a process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Has this process, and those that it starts, open so many files, sockets among them.
///
/// # Errors
/// Where it may not, with what is to be done about it.
pub fn allow(count: u64) -> Result<(), String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|it| it >= count) {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum }).map_err(|error| {
        let allowed = maximum.or(current).unwrap_or_default();
        format!("{count} open files are needed, {allowed} are allowed ({error}): ulimit -n {count}")
    })
}
