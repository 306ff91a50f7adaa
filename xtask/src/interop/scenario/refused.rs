//! Targets that are not there: the local program must see that, and never an orderly empty answer.

use crate::error::{Error, Result};
use crate::interop::forward::{Begin, Forward};
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::drive::Plan;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange;
use crate::traffic::script::{End, Step};

/// Nothing listens on the first port of a peer's loopback; the second name is reserved for this.
const NOWHERE: [&str; 2] = ["127.0.0.1:1", "no-such-host.invalid:80"];

/// To look a name up that does not exist can take a resolver its time.
const PATIENCE: u64 = 60_000;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let mut call = trial.call(&server, &target.tcp.to_string())?;
    let nowhere = NOWHERE.map(|to| Forward::local(Begin::Tcp, to.to_owned()));
    call.forwards.extend(nowhere);
    let client = trial.open(&call)?;
    let [good, others @ ..] = client.listening.as_slice() else {
        return Err(Error::new("no tunnel").into());
    };
    for (begin, name) in others.iter().zip(NOWHERE) {
        // A program that waits for the other side to speak, and one that speaks first.
        let silent = vec![Step::ReceiveUntilEnd];
        let speaking = vec![Step::Send(100), Step::ReceiveUntilEnd];
        for near in [silent, speaking] {
            refused(trial, begin, near).map_err(|error| error.context(name))?;
        }
    }
    let good = good.clone();
    trial.talk(&good, &target, &exchange::echo(1 << 20))?;
    client.end(trial.program)?;
    Ok(())
}

fn refused(trial: &mut Trial<'_, '_>, begin: &Endpoint, near: Vec<Step>) -> Result<()> {
    let plan = Plan { patience: PATIENCE, ..Plan::alone(begin.clone(), near) };
    let report = trial.drive(&plan)?.report(std::time::Duration::from_millis(2 * PATIENCE))?;
    let account = report.accounts.first().ok_or_else(|| Error::new("no account"))?;
    if account.received > 0 {
        return Err(Error::new(format!("{} bytes came from nowhere", account.received)));
    }
    // What is sent after the refusal fails too, which is as good an answer.
    let failed_to_send = account.error.as_ref().is_some_and(|error| error.contains("reset"));
    match account.end {
        Some(End::Reset) => Ok(()),
        None if failed_to_send => Ok(()),
        // That is all that ssh does.
        Some(End::Finished) if !trial.program.is_adit() => Ok(()),
        Some(End::Finished) => Err(Error::new("the local program saw an orderly end")),
        None => Err(Error::new(account.error.clone().unwrap_or_default())),
    }
}
