//! The master of a connection, which does for its clients what they would do by connections of
//! their own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adit_forward::accept::Accept;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::control::service::Service;
use crate::control::socket::{Made, Socket};
use crate::control::visitor::Visitor;
use crate::failure::Failure;

/// The most clients at once. Further ones are left waiting.
const CLIENTS: usize = 1000;

/// How long the last words to clients may take.
const LAST: Duration = Duration::from_secs(1);

/// The master of a connection.
///
/// ```text
///  listening -- a client: stop --> no new clients -- nothing left --> the end
///      '---------- a client: exit; the connection ends ------------------^
/// ```
#[derive(Debug)]
pub(crate) struct Master {
    /// None where no more clients are taken.
    socket: Option<Socket>,
    clients: JoinSet<()>,
}

impl Master {
    /// A master at a path; nothing where something else is there.
    ///
    /// # Errors
    /// Where there cannot be a socket.
    pub(crate) fn at(path: &Path) -> Result<Option<Self>, Failure> {
        Ok(match Socket::make(path)? {
            Made::Socket(socket) => Some(Self { socket: Some(socket), clients: JoinSet::new() }),
            Made::Taken => None,
        })
    }

    /// Serves clients, until one of them says that it is the end. Cancel safe.
    pub(crate) async fn serve(&mut self, service: &Arc<Service>) {
        loop {
            let Self { socket, clients } = self;
            tokio::select! {
                biased;
                () = service.exit_asked() => return,
                () = service.stop_asked(), if socket.is_some() => *socket = None,
                Some(_) = clients.join_next() => {}
                client = next(socket.as_mut()), if clients.len() < CLIENTS => match client {
                    Some(client) => {
                        let visitor = Visitor::new(client, Arc::clone(service));
                        clients.spawn(visitor.serve());
                    }
                    None => *socket = None,
                },
            }
        }
    }

    /// Takes no new clients, and waits a moment for what those that there are are told last.
    pub(crate) async fn end(mut self) {
        self.socket = None;
        let last = async { while self.clients.join_next().await.is_some() {} };
        // Who does not listen does without.
        let _ = timeout(LAST, last).await;
    }
}

/// Waits until nobody uses a connection for so long.
pub(crate) async fn idle(service: &Service, patience: Duration) {
    loop {
        service.unused().await;
        let before = service.used();
        sleep(patience).await;
        if service.used() == before && service.is_unused() {
            return;
        }
    }
}

/// The next client; nothing where there will be none.
async fn next(socket: Option<&mut Socket>) -> Option<UnixStream> {
    let Some(socket) = socket else { return std::future::pending().await };
    let client = socket.listener.accept().await;
    client
        .inspect_err(|error| tracing::warn!(%error, "no more clients are taken"))
        .ok()
        .map(|it| it.0)
}
