//! The peer's own client asks the gateway for each algorithm, one by one.

use crate::error::Error;
use crate::interop::gateway::{Asked, Gateway};
use crate::interop::key::Kind;
use crate::interop::place;
use crate::interop::scenario::algorithms::{CIPHERS, KEY_EXCHANGES};
use crate::interop::scenario::stock_client::through;
use crate::interop::stock::Identity;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange;

const BYTES: u64 = 1 << 20;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.is_dropbear() {
        let reason = "dbclient has no option for the key exchange";
        return Err(Stop::NotApplicable(reason.to_owned()));
    }
    let target = trial.start_target()?;
    let gateway = Gateway::start(trial, &target, Asked::Tcp)?;
    let kinds = [("kex", "KexAlgorithms", &KEY_EXCHANGES[..]), ("cipher", "Ciphers", &CIPHERS[..])];
    for (query, keyword, names) in kinds {
        let has = place::run(trial.place()?, &["ssh", "-Q", query])?;
        let both: Vec<&str> =
            names.iter().filter(|name| has.lines().any(|own| own == **name)).copied().collect();
        if both.is_empty() {
            return Err(Error::new(format!("no {keyword} in common")).into());
        }
        for name in &both {
            let option = format!("{keyword}={name}");
            let identity = Identity::File(Kind::Ed25519);
            let options = ["-o", option.as_str()];
            through(trial, &gateway, &target, identity, &options, &exchange::echo(BYTES))
                .map_err(|error| error.context(name))?;
        }
        trial.measure(keyword, both.join(" "));
    }
    Ok(())
}
