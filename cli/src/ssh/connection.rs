//! A connection to a server, and what is done at its end.

use std::future::pending;
use std::time::Duration;

use adit_channels::global_request;
use adit_channels::session::{Handle, Session};
use adit_forward::channel::{Router, Routes};
use bytes::Bytes;
use tokio::time::timeout;

use crate::background::{Front, Voice};
use crate::client;
use crate::client::chain::Chain;
use crate::client::hop::Entered;
use crate::client::witness::Nobody;
use crate::failure::{Exit, Failure, OF_SSH};
use crate::open::beside::Beside;
use crate::open::server::Server;
use crate::open::stdio;
use crate::ssh::lent::Lent;
use crate::ssh::plan::{Errand, Plan, Purpose};
use crate::ssh::signals::Signals;
use crate::ssh::{local_command, program};

/// Connects, does what is to be done, and yields the exit code.
///
/// # Errors
/// Where the server cannot be entered, or the connection ends before all is done.
pub(super) async fn run(plan: Plan) -> Result<u8, Failure> {
    let mut chain = Chain::sharing(plan.tunnels.fund());
    let done = through(plan, &mut chain).await;
    chain.close().await;
    done
}

async fn through(plan: Plan, chain: &mut Chain) -> Result<u8, Failure> {
    let Plan { mut tunnels, mut errand, .. } = plan;
    let route = tunnels.route();
    let Entered { link, learner, binding, .. } = client::connect(route, chain, &mut Nobody).await?;
    let name = route.name();
    let server = Server::of(link.peer_identification().as_deref());
    let Session { handle, driver, openings, global_requests } =
        Session::new(link, tunnels.session());
    let mut driver = tokio::spawn(driver);
    tokio::spawn(learner.run(global_requests, handle.clone()));
    // What nobody registers for is refused.
    let routes = Routes::default();
    tokio::spawn(Router::new(openings, routes.clone()).run());
    let connection = Connection { session: handle, server, routes, binding };
    let done = tokio::select! {
        done = connection.serve(&mut tunnels, &mut errand) => done,
        cause = &mut driver => return Err(chain.explain(cause, &name).await),
    };
    match done {
        Err(failure) if connection.session.is_closed() && failure.exit == Exit::Lost => {
            Err(chain.explain(driver.await, &name).await)
        }
        done => {
            connection.session.disconnect();
            let _ = driver.await;
            done
        }
    }
}

/// How long what was said last may take to be passed on.
const LEAVE: Duration = Duration::from_secs(2);

/// A connection that is entered.
struct Connection {
    session: Handle,
    server: Server,
    routes: Routes,
    /// What an agent is told that is forwarded over it.
    binding: Bytes,
}

impl Connection {
    async fn serve(&self, tunnels: &mut Beside, errand: &mut Errand) -> Result<u8, Failure> {
        let mut signals = Signals::listen()
            .map_err(|error| Failure::new(Exit::Other, format!("no signals: {error}")))?;
        tokio::select! {
            opened = tunnels.open(&self.session, self.server, &self.routes) => opened?,
            () = signals.wait() => return Ok(OF_SSH),
        }
        let purpose = errand.purpose.clone();
        // A log in a file, and what is logged by -v, is for somebody who looks.
        let is_heard = errand.error.is_some() || tracing::enabled!(tracing::Level::INFO);
        let voice = if is_heard { Voice::Kept } else { Voice::Lost };
        let mut front = errand.front.take();
        let done = async {
            if let Some(command) = &errand.local_command {
                local_command::run(command).await;
            }
            match purpose {
                Purpose::Tunnels => {
                    self.want_no_more_sessions();
                    leave(&mut front, voice);
                    pending().await
                }
                Purpose::Stdio(target) => {
                    self.want_no_more_sessions();
                    leave(&mut front, voice);
                    stdio::carry(target, self.session.clone()).await?;
                    // The server passes on what it was given only while it is there.
                    let _ = timeout(LEAVE, self.session.idle()).await;
                    Ok(0)
                }
                Purpose::Program(program) => {
                    let started = || {
                        self.want_no_more_sessions();
                        leave(&mut front, voice);
                    };
                    let Errand { agent, display, .. } = &*errand;
                    let lent =
                        Lent::lend(&self.routes, &self.binding, agent.as_ref(), display.as_ref())
                            .await;
                    let code = program::run(&self.session, program, errand, &lent, started).await?;
                    // What goes through tunnels is not broken off with the program.
                    self.session.idle().await;
                    Ok(code)
                }
            }
        };
        tokio::select! {
            done = done => done,
            () = signals.wait() => Ok(OF_SSH),
            () = watch(tunnels) => Ok(OF_SSH),
        }
    }

    /// Tells the server that nothing else will be run, so that nobody who gets hold of the
    /// connection can.
    fn want_no_more_sessions(&self) {
        if self.server != Server::Other {
            self.session.notify(global_request::Kind::NoMoreSessions);
        }
    }
}

/// Leaves the terminal to whoever waits in front, if anybody does.
fn leave(front: &mut Option<Front>, voice: Voice) {
    let Some(front) = front.take() else { return };
    if let Err(error) = front.leave(voice) {
        tracing::warn!(%error, "it stays in the foreground");
    }
}

/// Tells of tunnels that end by themselves; the session goes on without them.
async fn watch(tunnels: &mut Beside) {
    while let Some(ended) = tunnels.next().await {
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "a tunnel has ended");
        }
    }
    pending::<()>().await;
}
