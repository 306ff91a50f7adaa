//! `adit open -W`: standard input and output, joined to one target.

use std::io;
use std::time::Duration;

use adit_channels::session::{Cause, Handle};
use adit_forward::channel;
use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::stop::Signal;
use adit_forward::target::Target;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::failure::{Exit, Failure};
use crate::stdio::{self, Input, Output};

/// How long the server may take to reach the target, as with every other tunnel.
const OPENING: Duration = Duration::from_secs(60);

/// How long the connection may take to end in good order.
const LEAVE: Duration = Duration::from_secs(2);

/// Why it did not end well.
pub(super) enum Fault {
    /// The connection to the server ended.
    Ended(Result<Cause, JoinError>),
    /// Anything else.
    Other(Failure),
}

/// Joins standard input and output to a target, until both directions have ended or the signal
/// is given. The session ends with it.
pub(super) async fn join(
    target: &Target,
    session: Handle,
    driver: &mut JoinHandle<Cause>,
    signal: &mut Signal,
) -> Result<(), Fault> {
    // On the threads of the runtime it wakes the driver, and is woken by it, without a change of
    // threads. Dropped, it is over.
    let mut carrying = JoinSet::new();
    carrying.spawn(carry(target.clone(), session.clone()));
    let joined = tokio::select! {
        biased;
        () = signal.asked() => Ok(()),
        Some(joined) = carrying.join_next() => {
            joined.unwrap_or_else(|error| Err(Failure::new(Exit::Other, error)))
        }
    };
    carrying.shutdown().await;
    if joined.is_err() && timeout(Duration::ZERO, session.closed()).await.is_ok() {
        return Err(Fault::Ended(driver.await));
    }
    // A session that nobody uses any more ends behind all that is to be sent.
    drop(session);
    if timeout(LEAVE, &mut *driver).await.is_err() {
        driver.abort();
    }
    joined.map_err(Fault::Other)
}

/// Joins standard input and output to a target, until both directions have ended.
///
/// # Errors
/// Where the target is not reached, or one of the directions breaks.
pub(crate) async fn carry(target: Target, session: Handle) -> Result<(), Failure> {
    carry_over(target, session, || Ok((Input::take()?, Output::take()?))).await
}

/// The same with streams that are taken once the target is reached.
///
/// # Errors
/// Where the target is not reached, or one of the directions breaks.
pub(crate) async fn carry_over(
    target: Target,
    session: Handle,
    take: impl FnOnce() -> io::Result<(Input, Output)>,
) -> Result<(), Failure> {
    let dialer = channel::Dialer::new(session.clone());
    let dialled = timeout(OPENING, dialer.dial(&target, &Origin::Unix)).await;
    let channel =
        dialled.unwrap_or(Err(Refusal::TimedOut)).map_err(|why| refused(&target, &why))?;
    let (input, output) = take().map_err(|error| {
        Failure::new(Exit::Other, format!("standard input and output cannot be used: {error}"))
    })?;
    let drained = || session.load().outbox == 0;
    stdio::join(channel, input, output, drained).await.map_err(|fault| match fault {
        stdio::Fault::Input(error) => {
            Failure::new(Exit::Other, format!("cannot read standard input: {error}"))
        }
        stdio::Fault::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Failure::new(Exit::Other, "standard output was closed before the target had ended")
        }
        stdio::Fault::Output(error) => {
            Failure::new(Exit::Other, format!("cannot write to standard output: {error}"))
        }
        stdio::Fault::Channel(error) => {
            let why = match error.kind() {
                io::ErrorKind::ConnectionReset => "the connection was reset".to_owned(),
                _ => error.to_string(),
            };
            Failure::new(Exit::Lost, format!("{target}: {why}"))
        }
    })
}

/// That the server does not reach a target.
pub(crate) fn refused(target: &Target, why: &Refusal) -> Failure {
    let failure = Failure::new(Exit::Tunnel, format!("cannot reach {target}: {why}"));
    match (why, target) {
        (Refusal::NotAllowed, Target::Unix(_)) => failure.hint(
            "the server must allow forwarding there: AllowStreamLocalForwarding in its \
             sshd_config, or --permit of adit serve",
        ),
        (Refusal::NotAllowed, _) => failure.hint(
            "the server must allow forwarding there: AllowTcpForwarding and PermitOpen in its \
             sshd_config, or --permit of adit serve",
        ),
        (Refusal::Prohibited(_), _) => {
            failure.hint("adit explain says at the gateway which of its rules decides")
        }
        (Refusal::Other(_), Target::Unix(_)) => failure.hint(
            "sshd does not say why: look whether the socket is there for your user, and \
             AllowStreamLocalForwarding in its sshd_config",
        ),
        (Refusal::NameNotFound, Target::Tcp { .. }) => {
            failure.hint("the name is looked up by the server, and not here")
        }
        _ => failure.hint("the connection is made by the server: check what it can reach"),
    }
}
