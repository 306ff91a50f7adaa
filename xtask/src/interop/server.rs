//! The peer's own server, started in its place with the settings of a scenario.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::key::{self, Keys, Kind};
use crate::interop::offer::{self, Offer};
use crate::interop::peer::Flavour;
use crate::interop::place::{self, Family, Place};
use crate::interop::watched::Watched;
use crate::process;

/// The public keys that may log in, those of the peer's own formats among them.
pub(crate) const AUTHORIZED: &str = "authorized_keys";

const LIMIT: Duration = Duration::from_secs(30);

/// How the server is to be set up.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The only host keys it has.
    pub(crate) host_keys: Vec<Kind>,
    /// Lines for its configuration, where it has one.
    pub(crate) lines: Vec<String>,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Watched,
    pub(crate) address: std::net::SocketAddr,
    /// The public host keys, each its type and its value.
    pub(crate) host_keys: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { host_keys: vec![Kind::Ed25519], lines: Vec::new() }
    }
}

impl Settings {
    /// A server with this one host key.
    pub(crate) fn with_host_key(kind: Kind) -> Self {
        Self { host_keys: vec![kind], ..Self::default() }
    }

    /// A server with all of adit's key exchanges that it has: releases leave some out of what they
    /// offer.
    pub(crate) fn with_all_key_exchanges() -> Self {
        Self::with_line(
            "KexAlgorithms +diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,\
             diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256",
        )
    }

    /// A server with this line more in its configuration.
    pub(crate) fn with_line(line: &str) -> Self {
        Self { lines: vec![line.to_owned()], ..Self::default() }
    }
}

/// Puts the keys where the peer's programs find them; once for each place.
pub(crate) fn prepare(place: &dyn Place, flavour: Flavour, keys: &Keys) -> Result<()> {
    open_shared(place)?;
    let folder = &place.shared().outside;
    for entry in std::fs::read_dir(keys.folder()).context("read the keys")? {
        let entry = entry.context("read the keys")?;
        std::fs::copy(entry.path(), folder.join(entry.file_name())).context("copy a key")?;
    }
    if flavour == Flavour::Dropbear {
        let beside = folder.join(AUTHORIZED);
        let mut authorized = std::fs::read_to_string(&beside).context("read public keys")?;
        for kind in Kind::ALL {
            make_dropbear_key(place, kind, &key::host_name(kind))?;
            authorized.push_str(&make_dropbear_key(place, kind, &key::user_name(kind))?);
            authorized.push('\n');
        }
        std::fs::write(beside, authorized).context("write public keys")?;
        let from = place.shared().inside(AUTHORIZED);
        let to = format!("/home/{user}/.ssh/authorized_keys", user = place.user());
        place::run(place, &["install", "-o", place.user(), "-m", "600", &from, &to])?;
        place::run(
            place,
            &["sh", "-c", &format!("install -m 600 {from} ~root/.ssh/authorized_keys")],
        )?;
    }
    Ok(())
}

/// Lets the users of a place into its shared folder: the sockets in it are theirs.
pub(crate) fn open_shared(place: &dyn Place) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&place.shared().outside, open).context("open the shared folder")
}

/// Dropbear's tools have a format of their own, and the older ones read no other.
fn make_dropbear_key(place: &dyn Place, kind: Kind, name: &str) -> Result<String> {
    let path = place.shared().inside(&dropbear_name(name));
    let (kind, size) = kind.words();
    let mut words = vec!["dropbearkey", "-t", kind, "-f", &path];
    words.extend(size.into_iter().flat_map(|size| ["-s", size]));
    let said = place::run(place, &words)?;
    let public = key::value(&said).ok_or_else(|| Error::new("dropbearkey: no public key"))?;
    let beside = place.shared().outside(&format!("{}.pub", dropbear_name(name)));
    std::fs::write(beside, &public).context("write a public key")?;
    Ok(public)
}

pub(crate) fn dropbear_name(name: &str) -> String {
    format!("dropbear-{name}")
}

/// Starts the peer's server; it listens when this returns.
pub(crate) fn start(
    place: &dyn Place,
    flavour: Flavour,
    settings: &Settings,
    log: &Path,
) -> Result<Server> {
    let (words, ready) = match flavour {
        Flavour::OpenSsh => (openssh(place, settings)?, "Server listening on "),
        Flavour::Dropbear => (dropbear(place, settings), "Not backgrounding"),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let process = Watched::start("the peer's server", place.own(&words), log)?;
    // OpenSSH says so of each address, in an order of its own.
    let lines = match flavour {
        Flavour::OpenSsh => listen_addresses(place).len(),
        Flavour::Dropbear => 1,
    };
    let is_ready = |line: &str| line.contains(ready).then_some(());
    process.wait_for_all("listening", lines, LIMIT, is_ready)?;
    let host_keys = settings
        .host_keys
        .iter()
        .map(|kind| {
            let name = host_key(flavour, *kind);
            key::public(&place.shared().outside(&name))
        })
        .collect::<Result<_>>()?;
    Ok(Server { process, address: place.server_address(), host_keys })
}

/// What the peer's server offers, without logging in.
pub(crate) fn offer(
    place: &dyn Place,
    flavour: Flavour,
    settings: &Settings,
    server: &Server,
) -> Result<Offer> {
    match flavour {
        // By a pipe: a connection without a login earns a penalty.
        Flavour::OpenSsh => {
            let words = openssh(place, settings)?;
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            words.retain(|word| *word != "-D");
            words.push("-i");
            let command: Command = place.own(&words);
            let finished = process::run(command, offer::GREETING, LIMIT)?;
            offer::parse(&finished.stdout).ok_or_else(|| {
                Error::new(format!("sshd made no offer: {}", finished.stderr_text().trim()))
            })
        }
        Flavour::Dropbear => offer::ask(server.address),
    }
}

fn host_key(flavour: Flavour, kind: Kind) -> String {
    match flavour {
        Flavour::OpenSsh => key::host_name(kind),
        Flavour::Dropbear => dropbear_name(&key::host_name(kind)),
    }
}

fn openssh(place: &dyn Place, settings: &Settings) -> Result<Vec<String>> {
    let shared = place.shared();
    let config = configuration(place, settings);
    std::fs::write(shared.outside("sshd_config"), config).context("write sshd_config")?;
    let path = place::run(place, &["sh", "-c", "command -v sshd || echo /usr/sbin/sshd"])?;
    let words = [path.trim(), "-D", "-e", "-f", &shared.inside("sshd_config")];
    Ok(words.map(str::to_owned).to_vec())
}

/// Whatever a scenario sets stands first, as the first value wins.
fn configuration(place: &dyn Place, settings: &Settings) -> String {
    let shared = place.shared();
    let mut lines = settings.lines.clone();
    lines.extend(
        settings
            .host_keys
            .iter()
            .map(|kind| format!("HostKey {}", shared.inside(&key::host_name(*kind)))),
    );
    lines.push(format!("Port {}", place.server_port()));
    lines.extend(listen_addresses(place).iter().map(|one| format!("ListenAddress {one}")));
    lines.push(format!("AuthorizedKeysFile {}", shared.inside(AUTHORIZED)));
    lines.push(format!("PidFile {}", shared.inside("sshd.pid")));
    let rest = [
        // The shared folder belongs to whoever runs this.
        "StrictModes no",
        "Subsystem sftp internal-sftp",
        "AcceptEnv ADIT_*",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "MaxStartups 100",
        "LogLevel DEBUG1",
    ];
    lines.extend(rest.map(str::to_owned));
    lines.join("\n") + "\n"
}

/// All addresses in a network of its own, loopback alone in that of the machine.
fn listen_addresses(place: &dyn Place) -> Vec<IpAddr> {
    let families = [Family::V4, Family::V6];
    if place.init().is_none() {
        return families.iter().filter_map(|family| place.address(*family)).collect();
    }
    let is_there = |family: &Family| *family == Family::V4 || place.has_ipv6();
    families.into_iter().filter(is_there).map(Family::unspecified).collect()
}

fn dropbear(place: &dyn Place, settings: &Settings) -> Vec<String> {
    let port = place.server_port().to_string();
    let mut words: Vec<String> =
        ["dropbear", "-F", "-E", "-s", "-p", &port].map(str::to_owned).to_vec();
    for kind in &settings.host_keys {
        words.push("-r".to_owned());
        words.push(place.shared().inside(&host_key(Flavour::Dropbear, *kind)));
    }
    words
}
