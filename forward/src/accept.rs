//! Listening sockets, as those see them who make tunnels of them.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::sleep;

use crate::origin::Origin;
use crate::stream::Stream;

/// A listening socket.
pub trait Accept: Send + 'static {
    /// What it accepts.
    type Stream: Stream;

    /// The next connection, and who made it.
    ///
    /// What passes, such as a lack of file descriptors, is waited out here.
    ///
    /// # Errors
    /// Where no connection can come any more.
    ///
    /// # Cancel safety
    /// A connection is not lost by dropping the future.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Origin)>> + Send;
}

/// First wait after a failure that a retry at once would only repeat.
const SHORTEST: Duration = Duration::from_millis(5);
/// Longest such wait.
const LONGEST: Duration = Duration::from_secs(1);

/// What to do when accepting fails: go on, wait, or give up.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    wait: Option<Duration>,
}

impl Backoff {
    /// Takes note that a connection came.
    pub(crate) fn handle_success(&mut self, place: &(impl Display + Sync)) {
        if self.wait.take().is_some() {
            tracing::info!(%place, "accepting connections again");
        }
    }

    /// Takes note of a failure; returns when it is time to try again.
    ///
    /// # Errors
    /// The failure itself, if no further try can succeed.
    pub(crate) async fn handle_failure(
        &mut self,
        error: io::Error,
        place: &(impl Display + Sync),
    ) -> io::Result<()> {
        match Verdict::of(&error) {
            Verdict::Hopeless => return Err(error),
            Verdict::Gone => tracing::debug!(%place, %error, "a connection went before it came"),
            Verdict::Wait => {
                if self.wait.is_none() {
                    tracing::warn!(%place, %error, "cannot accept connections for now");
                }
                let wait = self.wait.map_or(SHORTEST, |wait| wait.saturating_mul(2).min(LONGEST));
                self.wait = Some(wait);
                sleep(wait).await;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The socket is none, or no longer listens.
    Hopeless,
    /// One connection failed, which says nothing of the next.
    Gone,
    /// The next would fail as well.
    Wait,
}

impl Verdict {
    fn of(error: &io::Error) -> Self {
        let hopeless = [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::FAULT];
        match error.kind() {
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {
                Self::Gone
            }
            _ if Errno::from_io_error(error).is_some_and(|it| hopeless.contains(&it)) => {
                Self::Hopeless
            }
            _ => Self::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lasting_failure_is_met_with_growing_patience() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        for _ in 0..20 {
            backoff.handle_failure(Errno::MFILE.into(), &"here").await.unwrap();
        }
        let waited = start.elapsed();
        assert!(waited > Duration::from_secs(10) && waited < Duration::from_secs(20), "{waited:?}");
        backoff.handle_success(&"here");
        let start = Instant::now();
        backoff.handle_failure(Errno::MFILE.into(), &"here").await.unwrap();
        assert_eq!(start.elapsed(), SHORTEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_went_away_costs_no_time() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        backoff.handle_failure(Errno::CONNABORTED.into(), &"here").await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_socket_that_is_none_is_given_up() {
        for errno in [Errno::BADF, Errno::INVAL] {
            assert!(Backoff::default().handle_failure(errno.into(), &"here").await.is_err());
        }
    }
}
