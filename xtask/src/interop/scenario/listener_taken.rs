//! A tunnel that cannot begin where it is asked to.

use crate::error::Context;
use crate::interop::client::Cause;
use crate::interop::forward::{Begin, Forward};
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial};

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let server = trial.start_server(&Settings::default())?;
    let taken = trial.place()?.shared().outside("taken");
    std::fs::write(&taken, "in the way").context("write a file")?;
    let mut call = trial.call(&server, "127.0.0.1:1")?;
    call.forwards = vec![Forward::local(Begin::Unix(taken), "127.0.0.1:1")];
    let log = trial.log("client");
    trial.program.fail(&call, Cause::Forward, &log)?;
    Ok(())
}
