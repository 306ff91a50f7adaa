//! The runtime that commands run on.

use std::time::Duration;

use tokio::runtime::Builder;

use crate::failure::{Exit, Failure};

/// How long what still runs may take to be dropped at the end.
const LAST: Duration = Duration::from_millis(200);

/// Runs a command to its end, on one thread: the parts of a connection wake one another thousands
/// of times a second, which between threads costs more than all that they do. Threads that still
/// wait for a name, or for the user, are left behind then.
///
/// # Errors
/// Those of the command, or where the system gives no threads.
pub(crate) fn run<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Other, format!("the runtime cannot start: {error}")))?;
    let done = runtime.block_on(command);
    runtime.shutdown_timeout(LAST);
    done
}
