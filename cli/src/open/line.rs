//! The connections to the server, as tunnels see them: they may be away for a while.

use adit_channels::mux::Class;
use adit_channels::session::Channel;
use adit_forward::channel;
use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::target::Target;

use crate::open::board::Board;

/// Whatever connections to the server there are. Tunnels that are entered here dial through it:
/// while there is none, they wait.
#[derive(Debug, Clone)]
pub(super) struct Line {
    board: Board,
    class: Class,
}

impl Line {
    /// A line through the connections of a board, for channels of a class.
    pub(super) fn new(board: Board, class: Class) -> Self {
        Self { board, class }
    }
}

impl Dial for Line {
    type Stream = Channel;

    async fn dial(&self, target: &Target, origin: &Origin) -> Result<Channel, Refusal> {
        loop {
            let session = self.board.place(self.class).await?;
            let dialer = channel::Dialer::new(session.clone()).class(self.class);
            let dialled = dialer.dial(target, origin).await;
            // What the loss of a connection has cut off goes by another one.
            if dialled.is_ok() || !session.is_closed() || !self.board.has_another() {
                return dialled;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use adit_channels::memory::{self, Path};
    use adit_channels::session::{Config, Handle, Session};
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::open::board::PATIENCE;
    use crate::open::placement::First;

    /// Whether the peer answers when a channel is asked for.
    #[derive(Clone, Copy, PartialEq)]
    enum Peer {
        Accepts,
        Ponders,
    }

    fn session(peer: Peer) -> Handle {
        let (here, there) = memory::pair(Path::default());
        let (here, there) =
            (Session::new(here, Config::default()), Session::new(there, Config::default()));
        tokio::spawn(here.driver);
        tokio::spawn(there.driver);
        let mut openings = there.openings;
        tokio::spawn(async move {
            while let Some(opening) = openings.next().await {
                tokio::spawn(async move {
                    if peer == Peer::Ponders {
                        std::future::pending::<()>().await;
                    }
                    opening.accept().closed().await;
                });
            }
        });
        here.handle
    }

    fn board(most: usize) -> (Board, Line) {
        let board = Board::new(most, First::ForAll);
        (board.clone(), Line::new(board, Class::Ordinary))
    }

    async fn dial(line: &Line) -> Result<Channel, Refusal> {
        let target = Target::Tcp { host: "host".to_owned(), port: 1 };
        line.dial(&target, &Origin::Unix).await
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_the_connection_is_away_waits_for_it() {
        let (board, line) = board(1);
        let waiting = tokio::spawn(async move { dial(&line).await.is_ok() });
        sleep(PATIENCE - Duration::from_secs(1)).await;
        board.add(0, session(Peer::Accepts));
        assert!(waiting.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let (board, line) = board(1);
        board.add(0, session(Peer::Accepts));
        assert!(dial(&line).await.is_ok());
        board.remove(0);
        let start = Instant::now();
        assert_eq!(dial(&line).await.unwrap_err(), Refusal::TimedOut);
        assert_eq!(start.elapsed(), PATIENCE);
        board.close();
        assert_eq!(dial(&line).await.unwrap_err(), Refusal::NetworkUnreachable);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_on_a_connection_that_is_lost_goes_by_another() {
        let (board, line) = board(2);
        let (lost, good) = (session(Peer::Ponders), session(Peer::Accepts));
        board.add(0, lost.clone());
        let dialling = tokio::spawn(async move { dial(&line).await.is_ok() });
        while lost.load().channels == 0 {
            tokio::task::yield_now().await;
        }
        board.add(1, good.clone());
        lost.disconnect();
        assert!(dialling.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_one_connection_its_loss_is_told_at_once() {
        let (board, line) = board(1);
        let only = session(Peer::Ponders);
        board.add(0, only.clone());
        let dialling = tokio::spawn(async move { dial(&line).await.is_ok() });
        while only.load().channels == 0 {
            tokio::task::yield_now().await;
        }
        only.disconnect();
        assert!(!dialling.await.unwrap());
    }
}
