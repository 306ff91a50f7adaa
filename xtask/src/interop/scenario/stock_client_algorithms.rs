//! The peer's own client asks the gateway for each algorithm, one by one.

use crate::error::{Error, Result};
use crate::interop::gateway::Gateway;
use crate::interop::place;
use crate::interop::scenario::algorithms::{COMPRESSION, KINDS, Kind, ZLIB, lacking};
use crate::interop::scenario::stock_client::talk;
use crate::interop::stock::Call;
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::interop::watched::Watched;
use crate::traffic::exchange;

const BYTES: u64 = 1 << 20;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let gateway = Gateway::start_with_all(trial, &target)?;
    for kind in KINDS {
        // It has no option for its key exchange.
        if !(trial.is_dropbear() && kind.query == "kex") {
            each(trial, &gateway, &target, &kind)?;
        }
    }
    if !trial.is_dropbear() {
        let options = ["-o".to_owned(), format!("{COMPRESSION}=yes")];
        let client = call(trial, &gateway, &target, &options)?;
        // It asks for it and would go on without.
        if !client.said(&format!("compression: {ZLIB}")) {
            return Err(Error::new(format!("ssh did not use {ZLIB}")).into());
        }
        trial.measure(COMPRESSION, ZLIB);
    }
    Ok(())
}

fn each(trial: &mut Trial<'_, '_>, gateway: &Gateway, target: &Target, kind: &Kind) -> Result<()> {
    let has = has(trial, kind)?;
    let (both, rest): (Vec<&str>, Vec<&str>) =
        kind.names.iter().partition(|name| has.lines().any(|own| own == **name));
    if both.is_empty() {
        return Err(Error::new(format!("no {} in common", kind.keyword)));
    }
    for name in &both {
        let options = match (trial.is_dropbear(), kind.query) {
            (false, _) => {
                let asked = [&[(kind.keyword, *name)], kind.with].concat();
                let words = asked
                    .iter()
                    .flat_map(|(keyword, value)| ["-o".to_owned(), format!("{keyword}={value}")]);
                words.collect()
            }
            (true, "mac") => ["-c", "aes128-ctr", "-m", name].map(str::to_owned).to_vec(),
            (true, _) => ["-c", name].map(str::to_owned).to_vec(),
        };
        call(trial, gateway, target, &options).map_err(|error| error.context(name))?;
    }
    trial.measure(kind.keyword, both.join(" "));
    if !rest.is_empty() {
        trial.measure(&lacking(kind.keyword), rest.join(" "));
    }
    Ok(())
}

/// What the client has of a kind, each on a line.
fn has(trial: &mut Trial<'_, '_>, kind: &Kind) -> Result<String> {
    if !trial.is_dropbear() {
        return place::run(trial.place()?, &["ssh", "-Q", kind.query]);
    }
    let flag = if kind.query == "mac" { "-m" } else { "-c" };
    // It tells on standard error, with commas, and fails.
    let script = format!("dbclient {flag} help host 2>&1 | tr ', ' '\\n\\n'");
    place::run(trial.place()?, &["sh", "-c", &script])
}

fn call(
    trial: &mut Trial<'_, '_>,
    gateway: &Gateway,
    target: &Target,
    options: &[String],
) -> Result<Watched> {
    let mut call = Call::new(trial, &target.tcp.to_string())?;
    call.options = options.to_vec();
    let begin = call.begin()?;
    talk(trial, gateway, target, &call, &begin, &exchange::echo(BYTES))
}
