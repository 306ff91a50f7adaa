//! The threads that connections are spread over.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How long what still runs may take to be dropped at the end.
const LAST: Duration = Duration::from_millis(200);

/// The threads that connections are spread over. All that is done for a connection is done on one of
/// them: its parts wake one another thousands of times a second, which between threads costs more
/// than all that they do.
///
/// Dropping them cuts off what still runs.
#[derive(Debug)]
pub(crate) struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// Held by each connection on it.
    seat: Arc<()>,
    /// Dropped, it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A place on a thread, for one connection. It is free again when this is dropped.
#[derive(Debug)]
struct Seat {
    /// Where the connection is to be run.
    runtime: Handle,
    _taken: Arc<()>,
}

impl Workers {
    /// Starts as many threads as the machine has cores.
    ///
    /// # Errors
    /// Where the system gives none.
    pub(crate) fn start() -> io::Result<Self> {
        Self::start_some(cores())
    }

    /// Starts threads for so many connections beside the thread that this runs on; none where the
    /// machine has one core.
    ///
    /// # Errors
    /// Where the system gives none.
    pub(crate) fn start_beside(connections: usize) -> io::Result<Self> {
        Self::start_some(connections.min(cores().saturating_sub(1)))
    }

    fn start_some(count: usize) -> io::Result<Self> {
        (0..count).map(Worker::start).collect::<Result<_, _>>().map(Self)
    }

    /// Serves a connection, as one of several tasks, on the thread that has the fewest; on this one
    /// where there is no other.
    pub(crate) fn spawn(
        &self,
        tasks: &mut JoinSet<()>,
        serving: impl Future<Output = ()> + Send + 'static,
    ) {
        let Some(seat) = self.seat() else {
            tasks.spawn(serving);
            return;
        };
        let runtime = seat.runtime.clone();
        let seated = async move {
            serving.await;
            drop(seat);
        };
        tasks.spawn_on(seated, &runtime);
    }

    /// A place on the thread that has the fewest connections.
    fn seat(&self) -> Option<Seat> {
        let worker = self.0.iter().min_by_key(|worker| Arc::strong_count(&worker.seat))?;
        Some(Seat { runtime: worker.runtime.clone(), _taken: Arc::clone(&worker.seat) })
    }
}

/// How many the machine has for this program.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            // It is only ever dropped.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(LAST);
        })?;
        let (stop, thread) = (Some(stop), Some(thread));
        Ok(Self { runtime: handle, seat: Arc::new(()), stop, thread })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread of connections died of a defect");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn connections_are_spread_evenly_and_places_come_back() {
        let workers = Workers::start().unwrap();
        let count = workers.0.len();
        let seats: Vec<Seat> = (0..3 * count).map(|_| workers.seat().unwrap()).collect();
        for worker in &workers.0 {
            assert_eq!(Arc::strong_count(&worker.seat), 4);
        }
        drop(seats);
        assert!(workers.0.iter().all(|worker| Arc::strong_count(&worker.seat) == 1));
    }

    #[test]
    fn what_still_runs_is_cut_off_at_the_end() {
        let workers = Workers::start().unwrap();
        let (began, mut begun) = mpsc::channel::<()>(1);
        workers.seat().unwrap().runtime.spawn(async move {
            began.send(()).await.unwrap();
            std::future::pending::<()>().await;
        });
        assert_eq!(begun.blocking_recv(), Some(()));
        drop(workers);
        assert_eq!(begun.blocking_recv(), None, "the sender was dropped with the task");
    }
}
