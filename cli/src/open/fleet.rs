//! The connections beyond the first.

use std::sync::Arc;
use std::time::Duration;

use adit_channels::session::Session;
use adit_transport::link::Link;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client;
use crate::client::chain::Chain;
use crate::client::stream::Stream;
use crate::client::witness::Nobody;
use crate::failure::{Exit, Failure};
use crate::open::board::Board;
use crate::open::patience::Patience;
use crate::open::plan::{Loss, Plan};
use crate::open::ready::Change;
use crate::workers::Workers;

/// So many are opened at once: servers drop connections when many are not logged in yet
/// (`MaxStartups` of sshd, 10 by default, for all of its clients).
const AT_ONCE: usize = 4;

/// So often one that could not be opened is tried again where connections that are lost are not.
const TRIES: u32 = 3;

/// How often it is measured what goes through each.
const MEASURE: Duration = Duration::from_secs(1);

/// The connections beyond the first, each opened when it is wanted.
///
/// ```text
///  idle --- wanted ---> opening --- stands ---> in use
///    ^                     |                      |
///    |                   fails                  lost
///    '---- a pause, or given up for good <--------'
/// ```
///
/// They run on threads beside that of the first, and what goes through them does too.
pub(super) struct Fleet {
    board: Board,
    running: JoinSet<()>,
    workers: Workers,
}

/// Room for one of them.
struct Berth {
    /// The number of the connection that it has, or had.
    number: usize,
    plan: Arc<Plan>,
    board: Board,
    gangway: Arc<Semaphore>,
    tries: u32,
}

impl Fleet {
    /// As many as the plan wants. They have to be [ended](Self::end).
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub(super) fn new(plan: &Arc<Plan>, board: &Board) -> Result<Self, Failure> {
        let workers = Workers::start_beside(plan.connections.saturating_sub(1));
        let workers = workers.map_err(|error| Failure::new(Exit::Other, error))?;
        let gangway = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        for number in 1..plan.connections {
            let (plan, board, gangway) = (Arc::clone(plan), board.clone(), Arc::clone(&gangway));
            let keeping = Berth { number, plan, board, gangway, tries: 0 }.keep();
            workers.spawn(&mut running, keeping);
        }
        if plan.connections > 1 {
            running.spawn(measure(board.clone()));
        }
        Ok(Self { board: board.clone(), running, workers })
    }

    /// Ends them in good order.
    pub(super) async fn end(mut self) {
        self.board.close();
        while self.running.join_next().await.is_some() {}
        drop(self.workers);
    }
}

/// Measures again and again what goes through each connection, while there are several.
async fn measure(board: Board) {
    let measuring = async {
        loop {
            board.several().await;
            sleep(MEASURE).await;
            board.measure();
        }
    };
    tokio::select! {
        biased;
        () = board.closed() => {}
        () = measuring => {}
    }
}

/// Why a connection is not there.
enum Fault {
    /// It could not be opened.
    Unopened(Failure),
    /// It was lost.
    Lost(Failure),
}

impl Berth {
    /// Opens the connection whenever one is wanted, until it is given up.
    async fn keep(mut self) {
        let mut patience = Patience::new();
        while let Some(number) = self.board.wanted().await {
            self.number = number;
            let mut chain = Chain::like(self.board.keys(), self.plan.fund.clone());
            let ended = self.keep_through(&mut chain, &mut patience).await;
            chain.close().await;
            let Err(fault) = ended else { return };
            let again = self.tries_again(&fault, &patience);
            if !again && let Fault::Unopened(failure) = &fault {
                self.give_up(failure.exit);
            }
            let failure = fault.told();
            let exit = failure.exit;
            failure.at(self.name()).warn();
            if !again {
                return;
            }
            tokio::select! {
                biased;
                () = self.board.closed() => return,
                () = sleep(patience.pause(exit)) => {}
            }
        }
    }

    /// What messages call it.
    fn name(&self) -> String {
        format!("connection {} of {}", self.number.saturating_add(1), self.plan.connections)
    }

    /// It will not be opened. What one of them is refused, so are the others.
    fn give_up(&self, exit: Exit) {
        match exit {
            Exit::Lost | Exit::Unreachable | Exit::Protocol => self.board.give_up_one(),
            _ => self.board.give_up_rest(),
        }
    }

    /// Whether it is opened once more.
    fn tries_again(&mut self, fault: &Fault, patience: &Patience) -> bool {
        match (fault, self.plan.loss) {
            (Fault::Unopened(failure) | Fault::Lost(failure), Loss::Reconnect) => {
                patience.bears(failure.exit)
            }
            (Fault::Unopened(failure), Loss::End) => {
                self.tries = self.tries.saturating_add(1);
                let may_pass = [Exit::Unreachable, Exit::Protocol, Exit::Lost];
                may_pass.contains(&failure.exit) && self.tries < TRIES
            }
            (Fault::Lost(_), Loss::End) => false,
        }
    }

    /// Opens the connection and keeps it until it ends, or all are to end.
    async fn keep_through(
        &mut self,
        chain: &mut Chain,
        patience: &mut Patience,
    ) -> Result<(), Fault> {
        let link = match self.open(chain).await {
            Some(Ok(link)) => link,
            Some(Err(failure)) => {
                self.board.opened(self.number);
                self.board.despair();
                return Err(Fault::Unopened(failure));
            }
            None => return Ok(()),
        };
        let Session { handle, driver, .. } = Session::new(link, self.plan.session());
        let mut driver = tokio::spawn(driver);
        self.board.add(self.number, handle.clone());
        self.board.opened(self.number);
        patience.succeeded();
        self.tries = 0;
        self.tell(Change::Open);
        tokio::select! {
            biased;
            () = self.board.closed() => {
                handle.disconnect();
                let _ = driver.await;
                Ok(())
            }
            cause = &mut driver => {
                match self.plan.loss {
                    Loss::Reconnect => self.board.remove(self.number),
                    Loss::End => self.board.lose(self.number),
                }
                self.tell(Change::Lost);
                Err(Fault::Lost(chain.explain(cause, &self.plan.route.name()).await))
            }
        }
    }

    /// Connects and logs in. `None` where all are to end.
    async fn open(&self, chain: &mut Chain) -> Option<Result<Link<Stream>, Failure>> {
        let opening = async {
            // It is never closed.
            let _turn = self.gangway.acquire().await;
            // The keys are learned by the first connection.
            let entered = client::connect(&self.plan.route, chain, &mut Nobody).await;
            entered.map(|entered| entered.link)
        };
        tokio::select! {
            biased;
            () = self.board.closed() => None,
            link = opening => Some(link),
        }
    }

    fn tell(&self, change: Change) {
        if change == Change::Open {
            eprintln!("adit: {} is open", self.name());
        }
        if let Err(failure) = self.plan.audience.tell_connection(self.number + 1, change) {
            failure.warn();
        }
    }
}

impl Fault {
    /// As it is told.
    fn told(self) -> Failure {
        match self {
            Self::Unopened(failure) if failure.exit == Exit::Login => failure.hint(
                "connections beyond the first log in without questions: by a key that needs no \
                 passphrase, or by an agent",
            ),
            Self::Unopened(failure) | Self::Lost(failure) => failure,
        }
    }
}
