//! Each key exchange and each cipher that both ends have, asked for one by one.

use crate::error::{Error, Result};
use crate::interop::client::{self, Program};
use crate::interop::server::{self, Server, Settings};
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange;

/// Those of adit.
pub(crate) const KEY_EXCHANGES: [&str; 5] = [
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
];

/// Those of adit.
pub(crate) const CIPHERS: [&str; 3] =
    ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"];

/// Enough for several packets of the largest size each way.
const BYTES: u64 = 1 << 20;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let server = trial.start_server(&Settings::default())?;
    let flavour = trial.peer.flavour;
    let offer = server::offer(trial.place()?, flavour, &server)?;
    let own = own(trial.program, "kex", &KEY_EXCHANGES)?;
    let wanted = Wanted { keyword: "KexAlgorithms", said: "kex: algorithm: ", names: own };
    each(trial, &server, &target, &wanted, &offer.key_exchanges)?;
    let own = self::own(trial.program, "cipher", &CIPHERS)?;
    let wanted = Wanted { keyword: "Ciphers", said: "client->server cipher: ", names: own };
    each(trial, &server, &target, &wanted, &offer.ciphers)?;
    Ok(())
}

struct Wanted {
    keyword: &'static str,
    /// What OpenSSH's log puts before the name that was agreed upon.
    said: &'static str,
    names: Vec<&'static str>,
}

fn each(
    trial: &mut Trial<'_, '_>,
    server: &Server,
    target: &Target,
    wanted: &Wanted,
    offered: &[String],
) -> Result<()> {
    let is_offered = |name: &&str| offered.iter().any(|offered| offered == name);
    let (both, rest): (Vec<&str>, Vec<&str>) =
        wanted.names.iter().partition(|name| is_offered(name));
    for name in &both {
        let option = [(wanted.keyword, *name)];
        trial
            .once(server, target, &option, &exchange::both(BYTES))
            .map_err(|error| error.context(name))?;
        if !trial.is_dropbear() && !server.process.said(&format!("{}{name}", wanted.said)) {
            return Err(Error::new(format!("sshd did not use {name}")));
        }
    }
    trial.measure(wanted.keyword, both.join(" "));
    if !rest.is_empty() {
        trial.measure(&format!("{} that the peer does not offer", wanted.keyword), rest.join(" "));
    }
    if both.is_empty() {
        return Err(Error::new(format!("no {} in common", wanted.keyword)));
    }
    Ok(())
}

fn own(program: &Program, query: &str, of_adit: &[&'static str]) -> Result<Vec<&'static str>> {
    let has = match program {
        Program::Adit(_) => return Ok(of_adit.to_vec()),
        Program::Ssh => client::query(query)?,
    };
    Ok(of_adit.iter().filter(|name| has.iter().any(|own| own == *name)).copied().collect())
}
