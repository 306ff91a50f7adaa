//! The peer's own client with TCP and Unix sockets at either end.

use crate::interop::forward::{Begin, Forward};
use crate::interop::gateway::{Asked, Gateway};
use crate::interop::leftover;
use crate::interop::scenario::stock_client::talk;
use crate::interop::stock::Call;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.is_dropbear() {
        return Err(Stop::NotApplicable("dbclient forwards no Unix sockets".to_owned()));
    }
    let target = trial.start_target()?;
    let gateway = Gateway::start(trial, &target, Asked::TcpAndUnix)?;
    for to in [target.tcp.to_string(), gateway.unix_target.clone()] {
        let tcp = Call::new(trial, &to)?;
        let name = format!("client-{}.sock", leftover::serial());
        let shared = trial.place()?.shared().clone();
        // The client makes the socket in its own file system, the driver finds it in ours.
        let inside = Endpoint::Unix(shared.inside(&name).into());
        let unix = Call::with(vec![Forward::local(Begin::Fixed(inside), to.clone())]);
        let begins = [(tcp.begin()?, tcp), (Endpoint::Unix(shared.outside(&name)), unix)];
        for (begin, call) in begins {
            let context = format!("{begin} to {to}");
            talk(trial, &gateway, &target, &call, &begin, &exchange::both(1 << 20))
                .map_err(|error| error.context(context))?;
        }
    }
    Ok(())
}
