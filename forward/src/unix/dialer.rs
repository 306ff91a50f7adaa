//! The way to a Unix socket.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::sleep;

use crate::refusal::Refusal;

/// First wait where the socket's queue is full.
const SHORTEST: Duration = Duration::from_millis(1);
/// Longest such wait.
const LONGEST: Duration = Duration::from_millis(100);

/// Connects to a Unix socket.
///
/// Where the queue of its listener is full, it waits for as long as that lasts; put a limit
/// around it.
///
/// # Errors
/// The cause that `connect` gave: [`Refusal::NameNotFound`] where there is no such file,
/// [`Refusal::Refused`] where nobody listens on it.
///
/// # Cancel safety
/// Dropping the future gives up the try.
pub async fn connect(path: &Path) -> Result<UnixStream, Refusal> {
    let mut wait = SHORTEST;
    loop {
        match UnixStream::connect(path).await {
            // Unlike TCP, a full queue is an error at once and tells nobody when it is not.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                sleep(wait).await;
                wait = wait.saturating_mul(2).min(LONGEST);
            }
            result => return result.map_err(Refusal::from),
        }
    }
}
