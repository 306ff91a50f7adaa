//! Each key exchange, cipher, MAC and compression that both ends have, asked for one by one.

use crate::error::{Error, Result};
use crate::interop::client::{self, Program};
use crate::interop::offer::Offer;
use crate::interop::server::{self, Server, Settings};
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::traffic::exchange;

/// A kind of algorithms, and those of adit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The keyword by which one is asked for.
    pub(crate) keyword: &'static str,
    /// What `ssh -Q` lists them by.
    pub(crate) query: &'static str,
    pub(crate) names: &'static [&'static str],
    /// What else has to be asked for, as not every choice goes together.
    pub(crate) with: &'static [(&'static str, &'static str)],
    /// What OpenSSH's log puts before the name that was agreed upon.
    said: &'static str,
    offered: fn(&Offer) -> &[String],
}

/// All kinds that are not of keys.
pub(crate) const KINDS: [Kind; 3] = [
    Kind {
        keyword: "KexAlgorithms",
        query: "kex",
        names: &[
            "mlkem768x25519-sha256",
            "sntrup761x25519-sha512",
            "sntrup761x25519-sha512@openssh.com",
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group14-sha256",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group18-sha512",
            "diffie-hellman-group-exchange-sha256",
        ],
        with: &[],
        said: "kex: algorithm: ",
        offered: |offer| &offer.key_exchanges,
    },
    Kind {
        keyword: "Ciphers",
        query: "cipher",
        names: &[
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "chacha20-poly1305@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
        ],
        // Dropbear has no other order of MACs.
        with: &[("MACs", "+hmac-sha2-256")],
        said: "client->server cipher: ",
        offered: |offer| &offer.ciphers,
    },
    Kind {
        keyword: "MACs",
        query: "mac",
        names: &[
            "hmac-sha2-256-etm@openssh.com",
            "hmac-sha2-512-etm@openssh.com",
            "hmac-sha2-256",
            "hmac-sha2-512",
        ],
        with: &[("Ciphers", "aes128-ctr")],
        said: "client->server cipher: aes128-ctr MAC: ",
        offered: |offer| &offer.macs,
    },
];

/// What a compression is told as.
pub(crate) const COMPRESSION: &str = "Compression";
pub(crate) const ZLIB: &str = "zlib@openssh.com";

/// Enough for several packets of the largest size each way.
const BYTES: u64 = 1 << 20;

/// What a measurement is called that names those that were not tried.
pub(crate) fn lacking(keyword: &str) -> String {
    format!("{keyword} that the peer does not offer")
}

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let target = trial.start_target()?;
    let settings = Settings::with_all_key_exchanges();
    let server = trial.start_server(&settings)?;
    let flavour = trial.peer.flavour;
    let offer = server::offer(trial.place()?, flavour, &settings, &server)?;
    for kind in KINDS {
        let own = own(trial.program, &kind)?;
        each(trial, &server, &target, &kind, &own, (kind.offered)(&offer))?;
    }
    compressed(trial, &server, &target, &offer)?;
    Ok(())
}

fn each(
    trial: &mut Trial<'_, '_>,
    server: &Server,
    target: &Target,
    kind: &Kind,
    own: &[&str],
    offered: &[String],
) -> Result<()> {
    let is_offered = |name: &&str| offered.iter().any(|offered| offered == name);
    let (both, rest): (Vec<&str>, Vec<&str>) = own.iter().partition(|name| is_offered(name));
    for name in &both {
        let options = [&[(kind.keyword, *name)], kind.with].concat();
        trial
            .once(server, target, &options, &exchange::both(BYTES))
            .map_err(|error| error.context(name))?;
        if !trial.is_dropbear() && !server.process.said(&format!("{}{name}", kind.said)) {
            return Err(Error::new(format!("sshd did not use {name}")));
        }
    }
    trial.measure(kind.keyword, both.join(" "));
    if !rest.is_empty() {
        trial.measure(&lacking(kind.keyword), rest.join(" "));
    }
    if both.is_empty() {
        return Err(Error::new(format!("no {} in common", kind.keyword)));
    }
    Ok(())
}

/// What is asked for by yes or no, and agreed on where the peer has it.
fn compressed(
    trial: &mut Trial<'_, '_>,
    server: &Server,
    target: &Target,
    offer: &Offer,
) -> Result<()> {
    if !offer.compressions.iter().any(|name| name == ZLIB) {
        trial.measure(&lacking(COMPRESSION), ZLIB);
        return Ok(());
    }
    trial
        .once(server, target, &[(COMPRESSION, "yes")], &exchange::both(BYTES))
        .map_err(|error| error.context(ZLIB))?;
    if !trial.is_dropbear() && !server.process.said(&format!("compression: {ZLIB}")) {
        return Err(Error::new(format!("sshd did not use {ZLIB}")));
    }
    trial.measure(COMPRESSION, ZLIB);
    Ok(())
}

fn own(program: &Program, kind: &Kind) -> Result<Vec<&'static str>> {
    let has = match program {
        Program::Adit(_) => return Ok(kind.names.to_vec()),
        Program::Ssh => client::query(kind.query)?,
    };
    Ok(kind.names.iter().filter(|name| has.iter().any(|own| own == *name)).copied().collect())
}
