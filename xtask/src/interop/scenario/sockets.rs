//! TCP and Unix sockets, in all four combinations.

use crate::interop::forward::{Begin, Forward};
use crate::interop::leftover;
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let mut call = trial.call(&server, "")?;
    call.forwards.clear();
    let mut targets = vec![("TCP", target.tcp.to_string())];
    if trial.has_unix_targets() {
        targets.push(("Unix", target.unix_inside.clone()));
    } else {
        trial.measure("not in this version", "Unix targets");
    }
    let mut names = Vec::new();
    for (kind, to) in targets {
        let near = format!("near-{}.sock", leftover::serial());
        let near = trial.place()?.shared().outside(&near);
        call.forwards.push(Forward::local(Begin::Tcp, to.clone()));
        names.push(format!("TCP to {kind}"));
        call.forwards.push(Forward::local(Begin::Unix(near), to));
        names.push(format!("Unix to {kind}"));
    }
    let client = trial.open(&call)?;
    for (begin, name) in client.listening.iter().zip(&names) {
        let first = exchange::half_closes().into_iter().take(2);
        for exchange in [exchange::both(1 << 20)].into_iter().chain(first) {
            trial.talk(begin, &target, &exchange).map_err(|error| error.context(name))?;
        }
    }
    let sockets = client.listening.clone();
    client.end(trial.program)?;
    // A client that was asked to end leaves no socket behind; ssh does.
    let left = sockets.iter().find(|begin| std::path::Path::new(&begin.to_string()).exists());
    match left {
        Some(begin) if trial.program.is_adit() => {
            Err(crate::error::Error::new(format!("{begin} is left behind")).into())
        }
        _ => Ok(()),
    }
}
