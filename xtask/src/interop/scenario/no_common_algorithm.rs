//! Ends that share no algorithm of some kind end in a clear error.

use crate::error::Result;
use crate::interop::client::Cause;
use crate::interop::server::Settings;
use crate::interop::trial::{Stop, Trial, words};

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let mut differences = vec![(Settings::default(), ("HostKeyAlgorithms", "ecdsa-sha2-nistp384"))];
    if trial.is_dropbear() {
        // As Debian builds it, it has no GCM, and no setting to take anything else away.
        differences.push((Settings::default(), ("Ciphers", "aes256-gcm@openssh.com")));
    } else {
        differences.push((
            Settings::with_line("Ciphers aes256-ctr"),
            ("Ciphers", "chacha20-poly1305@openssh.com"),
        ));
        differences.push((
            Settings::with_line("KexAlgorithms diffie-hellman-group14-sha256"),
            ("KexAlgorithms", "curve25519-sha256"),
        ));
    }
    for (settings, option) in differences {
        fails(trial, &settings, option)
            .map_err(|error| error.context(format!("no common {}", option.0)))?;
    }
    Ok(())
}

fn fails(trial: &mut Trial<'_, '_>, settings: &Settings, option: (&str, &str)) -> Result<()> {
    let server = trial.start_server(settings)?;
    let mut call = trial.call(&server, "127.0.0.1:1")?;
    call.options = words(&[option]);
    let log = trial.log("client");
    trial.program.fail(&call, Cause::Negotiation, &log)
}
