//! The runtime that all commands run on.

use tokio::runtime::{Builder, Runtime};

use crate::failure::{Exit, Failure};

/// A runtime with as many threads as the machine has cores.
///
/// # Errors
/// Where the system gives no threads.
pub(crate) fn start() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Other, format!("the runtime cannot start: {error}")))
}
