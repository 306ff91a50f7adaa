//! Much of everything: each direction by itself, and both at once with rekeys all the time.

use crate::error::Error;
use crate::interop::server::{Server, Settings};
use crate::interop::trial::{Stop, Trial, words};
use crate::traffic::exchange;

/// Small enough for hundreds of rekeys in a transfer of the ordinary size.
const REKEY_LIMIT: &str = "1M";

/// Of the ordinary size: what goes wrong with rekeys does so after some of them.
const REKEY_PART: u64 = 4;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    for rekeys in [true, false] {
        // Dropbear has no such setting; there the client alone asks for rekeys.
        let settings = if rekeys && !trial.is_dropbear() {
            Settings::with_line(&format!("RekeyLimit {REKEY_LIMIT}"))
        } else {
            Settings::default()
        };
        let server = trial.start_server(&settings)?;
        let mut call = trial.call(&server, &target.tcp.to_string())?;
        if rekeys {
            call.options = words(&[("RekeyLimit", REKEY_LIMIT)]);
        }
        if rekeys && !trial.program.is_adit() {
            // The sntrup761 that older ones prefer takes them a tenth of a second each time.
            call.options.extend(words(&[("KexAlgorithms", "curve25519-sha256")]));
        }
        let client = trial.open(&call)?;
        let begin = client.begin()?;
        let exchanges = if rekeys {
            vec![exchange::both(trial.size / REKEY_PART)]
        } else {
            vec![exchange::down(trial.size), exchange::up(trial.size)]
        };
        for exchange in exchanges {
            let talk = trial.talk(&begin, &target, &exchange)?;
            let condition = if rekeys { ", rekey at 1 MiB" } else { "" };
            trial.measure(&format!("{}{condition}, MiB/s", exchange.name), talk.speed());
        }
        trial.measure("peak memory of the client, KiB", client.peak_memory()?);
        if rekeys && !trial.is_dropbear() {
            check_rekeys(trial, &server)?;
        }
        client.end(trial.program)?;
    }
    Ok(())
}

/// How often at least, as a part of what the limit makes of one transfer: either end may ask, and
/// data that is under way meanwhile counts for neither.
const FEWEST: u64 = 2;

/// The server's log shows that keys were exchanged all the time.
fn check_rekeys(trial: &mut Trial<'_, '_>, server: &Server) -> Result<(), Stop> {
    let rekeys = server.process.count("SSH2_MSG_NEWKEYS received")?;
    trial.measure("rekeys", rekeys);
    let expected = ((trial.size / REKEY_PART) >> 20) / FEWEST;
    if u64::try_from(rekeys).unwrap_or(0) < expected {
        return Err(Error::new(format!("{rekeys} rekeys, at least {expected} expected")).into());
    }
    Ok(())
}
