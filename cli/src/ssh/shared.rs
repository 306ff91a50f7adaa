//! A call that shares the connection of a master.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use crate::background::{self, Begun};
use crate::control::client::Client;
use crate::control::order;
use crate::control::sharing::Sharing;
use crate::failure::{Exit, Failure, OF_SSH};
use crate::session::ends::Ends;
use crate::session::fault::Fault;
use crate::ssh::connection;
use crate::ssh::plan::{Plan, Purpose};
use crate::ssh::program::{self, By};
use crate::ssh::signals::Signals;
use crate::talk::{self, Weight};

/// What came of looking for a master.
enum Looked {
    /// There is one.
    Master(Client),
    /// There is none, and the connection is this call's own.
    Nobody,
    /// None could be begun, which was told; this is the exit code.
    Failed(u8),
}

/// Does by a master what is to be done, where there is one or one is begun in the background, and
/// yields the exit code. `words` are those of this call.
///
/// # Errors
/// Where the master does not do it, or ends.
pub(super) async fn run(plan: &mut Plan, words: &[OsString]) -> Result<Option<u8>, Failure> {
    let Some(sharing) = plan.sharing.as_ref().filter(|_| plan.errand.purpose != Purpose::Others)
    else {
        return Ok(None);
    };
    match look(sharing, words, plan.errand.error.as_ref()).await? {
        Looked::Master(client) => serve(client, plan).await.map(Some),
        Looked::Nobody => Ok(None),
        Looked::Failed(code) => Ok(Some(code)),
    }
}

async fn look(
    sharing: &Sharing,
    words: &[OsString],
    error: Option<&OwnedFd>,
) -> Result<Looked, Failure> {
    if let Some(client) = sharing.find().await {
        return Ok(Looked::Master(client));
    }
    if sharing.lasting().is_none() {
        return Ok(Looked::Nobody);
    }
    match begin(words, error) {
        Ok(Begun::Ready) => Ok(sharing.reach().await.map_or(Looked::Nobody, Looked::Master)),
        // Somebody else was faster, or something else is there.
        Ok(Begun::Ended(status)) if status.success() => {
            Ok(sharing.find().await.map_or(Looked::Nobody, Looked::Master))
        }
        Ok(Begun::Ended(status)) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(Looked::Failed(code.unwrap_or(OF_SSH)))
        }
        Err(error) => {
            let message = format!("no master can be begun in the background: {error}");
            Err(Failure::new(Exit::Other, message))
        }
    }
}

/// Begins a master in the background, and waits until it is there.
fn begin(words: &[OsString], error: Option<&OwnedFd>) -> io::Result<Begun> {
    let error = match error {
        Some(error) => error.try_clone()?,
        None => rustix::stdio::stderr().try_clone_to_owned()?,
    };
    let own = ["ssh", "--background", "--master"].map(OsString::from);
    background::start(&own.iter().chain(words).cloned().collect::<Vec<_>>(), error)
}

async fn serve(mut client: Client, plan: &mut Plan) -> Result<u8, Failure> {
    let mut signals = Signals::listen()
        .map_err(|error| Failure::new(Exit::Other, format!("no signals: {error}")))?;
    let (voice, mut front) = (connection::voice(&plan.errand), plan.errand.front.take());
    let mut begun = || connection::leave(&mut front, voice);
    let done = async {
        forward(&mut client, plan).await?;
        let errand = &mut plan.errand;
        match errand.purpose.clone() {
            Purpose::Tunnels | Purpose::Others => {
                begun();
                client.stay().await.map(|()| 0)
            }
            Purpose::Stdio(target) => {
                begun();
                let ends = Ends::take(errand.reading, errand.error.take()).map_err(Fault::Ends)?;
                let input = match ends.input {
                    Some(input) => input,
                    None => File::open("/dev/null").map_err(Fault::Ends)?.into(),
                };
                client.join(&target, input, ends.output).await.map(|()| 0)
            }
            Purpose::Program(program) => {
                let by = By::Master(&mut client, errand.wanted);
                program::run(by, program, errand, begun).await
            }
        }
    };
    tokio::select! {
        done = done => done,
        () = signals.wait() => Ok(OF_SSH),
    }
}

/// Has the master open the tunnels of this call, which stay when it has ended. One that cannot be
/// opened is told, and the call goes on without, unless `ExitOnForwardFailure` says otherwise.
async fn forward(client: &mut Client, plan: &Plan) -> Result<(), Failure> {
    let mut tell = |port: &str| {
        let words = format_args!("Allocated port {} for remote forward", port.trim_end());
        talk::line(Weight::Note, words);
        Ok(())
    };
    if plan.tunnels.asked().is_empty() {
        return Ok(());
    }
    match order::forward(client, plan.tunnels.asked(), &mut tell).await {
        Err(failure) if plan.tunnels.route().settings().exit_on_forward_failure => Err(failure),
        Err(failure) if failure.exit == Exit::Lost => Err(failure),
        Err(failure) => {
            failure.warn();
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
