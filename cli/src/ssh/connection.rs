//! A connection to a server, and what is done at its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use adit_channels::global_request;
use adit_channels::session::Session;
use adit_forward::channel::{Router, Routes};
use tokio::time::timeout;

use crate::background::{Front, Voice};
use crate::client;
use crate::client::chain::Chain;
use crate::client::hop::Entered;
use crate::control::facts::Facts;
use crate::control::master::{self, Master};
use crate::control::service::Service;
use crate::control::sharing::{Lasting, Sharing};
use crate::failure::{Exit, Failure, OF_SSH};
use crate::lent::Lender;
use crate::open::beside::Beside;
use crate::open::opening::Through;
use crate::open::server::Server;
use crate::open::stdio;
use crate::ssh::local_command;
use crate::ssh::plan::{Errand, Plan, Purpose};
use crate::ssh::program::{self, By};
use crate::ssh::signals::Signals;

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
    let Plan { tunnels, sharing, mut errand } = plan;
    let route = tunnels.route();
    let socket = sharing.as_ref().map(|it| it.path.clone()).unwrap_or_default();
    let mut facts = Facts::new(route.told(), errand.host.clone(), socket);
    let Entered { link, learner, binding, .. } = client::connect(route, chain, &mut facts).await?;
    let name = route.name();
    let server = Server::of(link.peer_identification().as_deref());
    let Session { handle, driver, openings, global_requests } =
        Session::new(link, tunnels.session());
    let mut driver = tokio::spawn(driver);
    tokio::spawn(learner.run(global_requests, handle.clone()));
    // What nobody registers for is refused.
    let routes = Routes::default();
    tokio::spawn(Router::new(openings, routes.clone()).run());
    let lender = Lender::new(&routes, &binding, errand.agent.take(), errand.display.take());
    let through = Through { server, session: handle, routes };
    let mut connection = Connection { through, lender: Arc::new(lender), master: None };
    let done = tokio::select! {
        done = connection.serve(&tunnels, sharing.as_ref(), errand, facts) => Ok(done),
        cause = &mut driver => Err(cause),
    };
    let Connection { through: Through { session, .. }, master, .. } = connection;
    // Clients are told what they wait for, or that the connection has ended.
    if let Some(master) = master {
        master.end().await;
    }
    match done {
        Err(cause) => Err(chain.explain(cause, &name).await),
        Ok(Err(failure)) if session.is_closed() && failure.exit == Exit::Lost => {
            Err(chain.explain(driver.await, &name).await)
        }
        Ok(done) => {
            session.disconnect();
            let _ = driver.await;
            done
        }
    }
}

/// How long what was said last may take to be passed on.
const LEAVE: Duration = Duration::from_secs(2);

/// A connection that is entered.
struct Connection {
    through: Through,
    /// What programs may have of this side.
    lender: Arc<Lender>,
    /// Who lets others use it.
    master: Option<Master>,
}

impl Connection {
    async fn serve(
        &mut self,
        tunnels: &Beside,
        sharing: Option<&Sharing>,
        mut errand: Errand,
        facts: Facts,
    ) -> Result<u8, Failure> {
        let mut signals = Signals::listen()
            .map_err(|error| Failure::new(Exit::Other, format!("no signals: {error}")))?;
        let tunnels = tokio::select! {
            opened = tunnels.open(&self.through) => opened?,
            () = signals.wait() => return Ok(OF_SSH),
        };
        self.master = sharing.map(Sharing::begin).transpose()?.flatten();
        let Self { through, lender, master } = self;
        let Some((master, sharing)) = master.as_mut().zip(sharing) else {
            if errand.purpose == Purpose::Others {
                // Somebody else is the master, as whoever waits in front finds out.
                return Ok(0);
            }
            return tokio::select! {
                done = work(through, lender, &mut errand, None) => done,
                () = tunnels.watch() => Ok(OF_SSH),
                () = signals.wait() => Ok(OF_SSH),
            };
        };
        let service = Arc::new(Service::new(
            through.clone(),
            tunnels.clone(),
            Arc::clone(lender),
            facts,
            sharing.consent(),
        ));
        let only_others = matches!(errand.purpose, Purpose::Others | Purpose::Tunnels);
        let lasting = sharing.lasting().filter(|_| errand.purpose == Purpose::Others);
        tokio::select! {
            done = work(through, lender, &mut errand, Some(&service)) => done,
            () = master.serve(&service) => Ok(0),
            () = outlive(&service, lasting) => Ok(0),
            // What nobody can reach any more lasts for what is done already.
            () = service.left(), if only_others => Ok(0),
            () = tunnels.watch() => Ok(OF_SSH),
            () = signals.wait() => Ok(OF_SSH),
        }
    }
}

/// Does what this call is for, and waits for those who share the connection.
async fn work(
    through: &Through,
    lender: &Lender,
    errand: &mut Errand,
    shared: Option<&Service>,
) -> Result<u8, Failure> {
    let session = &through.session;
    let (voice, mut front) = (voice(errand), errand.front.take());
    let mut begun = || {
        if shared.is_none() {
            want_no_more_sessions(through);
        }
        leave(&mut front, voice);
    };
    if let Some(command) = &errand.local_command {
        local_command::run(command).await;
    }
    match errand.purpose.clone() {
        Purpose::Tunnels | Purpose::Others => {
            begun();
            pending().await
        }
        Purpose::Stdio(target) => {
            begun();
            stdio::carry(target, session.clone()).await?;
            // The server passes on what it was given only while it is there.
            let _ = timeout(LEAVE, session.idle()).await;
            if let Some(service) = shared {
                service.unused().await;
            }
            Ok(0)
        }
        Purpose::Program(program) => {
            let lent = lender.lend(errand.wanted).await;
            let by = By::Connection(session, &lent);
            let code = program::run(by, program, errand, begun).await?;
            // What goes through tunnels is not broken off with the program.
            match shared {
                Some(service) => {
                    drop(lent);
                    service.unused().await;
                }
                None => {
                    session.idle().await;
                    // What the program has left behind shows windows until then, as with ssh.
                    drop(lent);
                }
            }
            Ok(code)
        }
    }
}

/// Tells the server that nothing else will be run, so that nobody who gets hold of the connection
/// can.
fn want_no_more_sessions(through: &Through) {
    if through.server != Server::Other {
        through.session.notify(global_request::Kind::NoMoreSessions);
    }
}

/// Whether anything is still said in the background: a log in a file, and what is logged by -v, is
/// for somebody who looks.
pub(super) fn voice(errand: &Errand) -> Voice {
    let is_heard = errand.error.is_some() || tracing::enabled!(tracing::Level::INFO);
    if is_heard { Voice::Kept } else { Voice::Lost }
}

/// Leaves the terminal to whoever waits in front, if anybody does.
pub(super) fn leave(front: &mut Option<Front>, voice: Voice) {
    let Some(front) = front.take() else { return };
    if let Err(error) = front.leave(voice) {
        tracing::warn!(%error, "it stays in the foreground");
    }
}

/// Waits until a master that lasts so long beyond its clients has done so.
async fn outlive(service: &Service, lasting: Option<Lasting>) {
    match lasting {
        Some(Lasting::For(time)) => master::idle(service, time).await,
        Some(Lasting::Forever) | None => pending().await,
    }
}
