//! What the gateway must refuse to the peer's own client.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::interop::client::Program;
use crate::interop::gateway::{Asked, Gateway};
use crate::interop::peer::Flavour;
use crate::interop::stock::{self, Call, Identity};
use crate::interop::trial::{Stop, Trial};
use crate::traffic::drive::Plan;
use crate::traffic::script::Step;

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let own_dropbear = *trial.program == Program::Ssh && trial.peer.flavour == Flavour::Dropbear;
    if own_dropbear {
        return Err(Stop::NotApplicable("Dropbear's server permits every target".to_owned()));
    }
    let target = trial.start_target()?;
    let gateway = Gateway::start(trial, &target, Asked::Tcp)?;
    target_not_permitted(trial, &gateway)?;
    if trial.peer.flavour == Flavour::OpenSsh {
        stranger(trial, &gateway)?;
    }
    Ok(())
}

/// Port 22 is open when the gateway is not adit's, and still it must not be reached.
fn target_not_permitted(trial: &mut Trial<'_, '_>, gateway: &Gateway) -> Result<()> {
    let call = Call::new(trial, &gateway.address.to_string())?;
    let mut client = stock::open(trial, gateway, &call)?;
    let mut plan = Plan::alone(call.begin()?, vec![Step::Send(1), Step::ReceiveUntilEnd]);
    plan.connect_within = 20_000;
    let report = trial.drive_inside(&plan)?.report(LIMIT)?;
    for account in &report.accounts {
        let error = account.error.as_deref().unwrap_or_default();
        if error.starts_with("connect to ") {
            let said = client.last_words();
            return Err(Error::new(format!("{error}: there is no tunnel; the client: {said}")));
        }
        if account.received > 0 {
            return Err(Error::new("a target that is not permitted answered"));
        }
    }
    if trial.peer.flavour == Flavour::OpenSsh {
        let is_refused = |line: &str| line.contains("administratively prohibited").then_some(());
        client.wait_for("word of the refusal", LIMIT, is_refused)?;
    }
    client.stop().map(drop)
}

fn stranger(trial: &mut Trial<'_, '_>, gateway: &Gateway) -> Result<()> {
    let mut call = Call::new(trial, "127.0.0.1:1")?;
    call.identity = Identity::Stranger;
    let mut client = stock::start(trial, gateway, &call)?;
    let is_refused = |line: &str| line.contains("Permission denied").then_some(());
    client.wait_for("refusal of a strange key", LIMIT, is_refused)?;
    client.wait(LIMIT).map(drop)
}
