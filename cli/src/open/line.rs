//! The connection to the server, as tunnels see it: it may be away for a while.

use std::time::Duration;

use adit_channels::session::{Channel, Handle};
use adit_forward::channel;
use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::target::Target;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long what wants to go through a tunnel waits for the connection to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connection to the server, or none for the time being. Tunnels that are entered here dial
/// through it: while it is away, they wait.
#[derive(Debug, Clone)]
pub(super) struct Line {
    session: watch::Receiver<Option<Handle>>,
}

/// Says which connection there is.
#[derive(Debug)]
pub(super) struct Exchange {
    session: watch::Sender<Option<Handle>>,
}

impl Exchange {
    /// No connection yet.
    pub(super) fn new() -> Self {
        Self { session: watch::Sender::new(None) }
    }

    /// A line through whatever connection there is.
    pub(super) fn line(&self) -> Line {
        Line { session: self.session.subscribe() }
    }

    /// There is a connection.
    pub(super) fn connect(&self, session: Handle) {
        self.session.send_replace(Some(session));
    }

    /// There is none.
    pub(super) fn disconnect(&self) {
        self.session.send_replace(None);
    }
}

impl Line {
    /// The connection, when there is one; not for longer than somebody would wait.
    async fn session(&self) -> Result<Handle, Refusal> {
        let mut session = self.session.clone();
        let there = timeout(PATIENCE, session.wait_for(Option::is_some)).await;
        match there {
            Ok(Ok(session)) => session.clone().ok_or(Refusal::NetworkUnreachable),
            // It will not come any more.
            Ok(Err(_)) => Err(Refusal::NetworkUnreachable),
            Err(_) => Err(Refusal::TimedOut),
        }
    }
}

impl Dial for Line {
    type Stream = Channel;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Channel, Refusal> {
        let session = self.session().await?;
        channel::Dialer::new(session).dial(target, origin).await
    }
}

#[cfg(test)]
mod tests {
    use adit_channels::memory::{self, Path};
    use adit_channels::session::{Config, Session};
    use tokio::time::{Instant, sleep};

    use super::*;

    fn session() -> Handle {
        let (here, there) = memory::pair(Path::default());
        let (here, there) =
            (Session::new(here, Config::default()), Session::new(there, Config::default()));
        tokio::spawn(here.driver);
        tokio::spawn(there.driver);
        let mut openings = there.openings;
        tokio::spawn(async move {
            while let Some(opening) = openings.next().await {
                tokio::spawn(async move { opening.accept().closed().await });
            }
        });
        here.handle
    }

    async fn dial(line: &Line) -> Result<Channel, Refusal> {
        let target = Target::Tcp { host: "host".to_owned(), port: 1 };
        line.dial(&target, &Origin::Unix).await
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_the_connection_is_away_waits_for_it() {
        let exchange = Exchange::new();
        let line = exchange.line();
        let waiting = tokio::spawn(async move { dial(&line).await.is_ok() });
        sleep(PATIENCE - Duration::from_secs(1)).await;
        exchange.connect(session());
        assert!(waiting.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let exchange = Exchange::new();
        exchange.connect(session());
        let line = exchange.line();
        assert!(dial(&line).await.is_ok());
        exchange.disconnect();
        let start = Instant::now();
        assert_eq!(dial(&line).await.unwrap_err(), Refusal::TimedOut);
        assert_eq!(start.elapsed(), PATIENCE);
        drop(exchange);
        assert_eq!(dial(&line).await.unwrap_err(), Refusal::NetworkUnreachable);
    }
}
