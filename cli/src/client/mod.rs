//! The way to a server: settings to an authenticated connection.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use adit_channels::mux::Keepalive;
use adit_channels::session;
use adit_forward::tcp;
use adit_transport::client::{Client, Error};
use adit_transport::config::{Algorithms, ClientConfig, Common, Rekey};
use adit_transport::ident::Identification;
use adit_transport::known_hosts::KnownHosts;
use adit_transport::known_hosts::file::NameForm;
use adit_transport::known_hosts::host::Host;
use adit_transport::link::{self, Link};
use adit_transport::login::{self, Login};
use adit_transport::name::NameList;
use adit_transport::provider;
use adit_transport::trust::{Policy, Trust};
use tokio::time::timeout;

use crate::client::destination::Destination;
use crate::failure::{Exit, Failure};
use crate::prompt::{Mode, Terminal};
use crate::settings::algorithms::{Edit, Unusable};
use crate::settings::{AddressFamily, Settings, StrictHostKeys};

pub(crate) mod account;
pub(crate) mod destination;
pub(crate) mod identities;

/// The port where none is named.
const DEFAULT_PORT: u16 = 22;

/// Connects to a server and logs in.
///
/// # Errors
/// Where a setting cannot be kept, the server cannot be reached or trusted, or does not let
/// the user in.
pub(crate) async fn connect(
    settings: &Settings,
    destination: &Destination,
) -> Result<Link<tcp::Stream>, Failure> {
    let home = account::home()?;
    let user = match destination.user.as_ref().or(settings.user.as_ref()) {
        Some(user) => user.clone(),
        None => account::user()?,
    };
    let host = settings.host_name.as_ref().unwrap_or(&destination.host);
    let port = destination.port.or(settings.port).unwrap_or(DEFAULT_PORT);
    let trust = trust(settings, destination, port, &home);
    let config = config(settings, user.clone(), &trust)?;
    let candidates = identities::gather(settings, &home).await;
    let mode = if settings.batch_mode == Some(true) { Mode::Batch } else { Mode::Ask };
    let login = login(settings, &config, format!("{user}@{host}"), candidates);
    let stream = reach(settings, host, port).await?;
    // How an SSH connection ends is said in its own messages, which a reset could overtake.
    let stream = stream.for_packets();
    let mut client = Client::new(trust, login, Terminal::new(mode));
    client.connect(stream, &config).await.map_err(|error| explain(&error, host))
}

/// A TCP connection to the server.
async fn reach(settings: &Settings, host: &str, port: u16) -> Result<tcp::Stream, Failure> {
    let place =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let unreachable =
        |why: &str| Failure::new(Exit::Unreachable, format!("cannot connect to {place}: {why}"));
    let connecting = async {
        let addresses = tcp::resolve(host, port).await.map_err(|why| {
            unreachable(&why.to_string())
                .hint("check the host's name, and that names are resolved here")
        })?;
        let addresses = of_family(settings.address_family, addresses);
        if addresses.is_empty() {
            return Err(unreachable("it has no address of that family").hint("leave out -4 and -6"));
        }
        tcp::connect(addresses).await.map_err(|why| {
            unreachable(&why.to_string())
                .hint("check the address and the port, and that a server listens there")
        })
    };
    match settings.connect_timeout.filter(|it| !it.is_zero()) {
        Some(limit) => timeout(limit, connecting).await.unwrap_or_else(|_| {
            let seconds = limit.as_secs();
            Err(unreachable(&format!("nothing answered within {seconds} s"))
                .hint("check that no firewall is in the way, or raise ConnectTimeout"))
        }),
        None => connecting.await,
    }
}

fn of_family(family: Option<AddressFamily>, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let fits = |address: &SocketAddr| match family {
        None | Some(AddressFamily::Any) => true,
        Some(AddressFamily::Inet) => address.is_ipv4(),
        Some(AddressFamily::Inet6) => address.is_ipv6(),
    };
    addresses.into_iter().filter(fits).collect()
}

fn trust(settings: &Settings, destination: &Destination, port: u16, home: &Path) -> Trust {
    let resolve = |files: &[String]| -> Vec<PathBuf> {
        files.iter().map(|file| crate::settings::path(file, home)).collect()
    };
    let own = |default: [&str; 2]| default.map(str::to_owned).to_vec();
    let user_files = settings
        .user_known_hosts
        .clone()
        .unwrap_or_else(|| own(["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]));
    let global_files = settings
        .global_known_hosts
        .clone()
        .unwrap_or_else(|| own(["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]));
    let user_files = resolve(&user_files);
    let known = KnownHosts::load(user_files.iter().chain(&resolve(&global_files)));
    for warning in known.warnings() {
        eprintln!("adit: warning: {warning}");
    }
    let host = match &settings.host_key_alias {
        Some(alias) => Host::alias(alias),
        None => Host::new(settings.host_name.as_ref().unwrap_or(&destination.host), port),
    };
    let form =
        if settings.hash_known_hosts == Some(true) { NameForm::Hashed } else { NameForm::Plain };
    let file = user_files.into_iter().next().map(|file| (file, form));
    Trust::new(policy(settings), host, known, file)
}

fn policy(settings: &Settings) -> Policy {
    match settings.strict_host_keys.unwrap_or(StrictHostKeys::Ask) {
        StrictHostKeys::Yes => Policy::Strict,
        StrictHostKeys::Ask if settings.batch_mode == Some(true) => Policy::Strict,
        StrictHostKeys::Ask => Policy::Ask,
        StrictHostKeys::AcceptNew => Policy::AcceptNew,
        StrictHostKeys::No => Policy::Off,
    }
}

fn config(settings: &Settings, user: String, trust: &Trust) -> Result<ClientConfig, Failure> {
    let software = concat!("adit_", env!("CARGO_PKG_VERSION"));
    let identification = Identification::own(software)
        .map_err(|error| Failure::new(Exit::Other, format!("{software}: {error}")))?;
    let mut common = Common::new(provider::default(), identification);
    common.algorithms = algorithms(settings, &common.algorithms, trust)?;
    if let Some(limit) = settings.rekey_limit {
        let default = Rekey::default();
        common.rekey = Rekey { bytes: limit.bytes.unwrap_or(default.bytes), time: limit.time };
    }
    if let Some(limit) = settings.connect_timeout.filter(|it| !it.is_zero()) {
        common.exchange_timeout = limit.max(Duration::from_secs(1));
    }
    Ok(ClientConfig::new(common, user))
}

/// The algorithms that the settings leave. The host key algorithms come in the order of the
/// keys that are known, unless the settings name an order.
fn algorithms(settings: &Settings, all: &Algorithms, trust: &Trust) -> Result<Algorithms, Failure> {
    let edit = |keyword: &str, edit: &Option<Edit>, all: &NameList| match edit {
        Some(edit) => edited(keyword, edit, all),
        None => Ok(all.clone()),
    };
    let host_keys = edit("HostKeyAlgorithms", &settings.host_key_algorithms, &all.host_keys)?;
    let ordered = matches!(settings.host_key_algorithms, Some(Edit::Replace(_) | Edit::Prefer(_)));
    Ok(Algorithms {
        exchanges: edit("KexAlgorithms", &settings.kex_algorithms, &all.exchanges)?,
        host_keys: if ordered { host_keys } else { trust.prefer(&host_keys) },
        ciphers: edit("Ciphers", &settings.ciphers, &all.ciphers)?,
        signatures: edit("PubkeyAcceptedAlgorithms", &settings.pubkey_algorithms, &all.signatures)?,
    })
}

fn edited(keyword: &str, edit: &Edit, all: &NameList) -> Result<NameList, Failure> {
    let known: Vec<&str> = all.iter().collect();
    let refuse = |why: String| {
        Failure::new(Exit::Usage, format!("{keyword}: {why}")).hint(format!("there are {all}"))
    };
    let names = edit.apply(&known, &known).map_err(|why| match why {
        Unusable::Unknown(name) => refuse(format!("\"{name}\" is not known")),
        Unusable::Empty => refuse("no algorithm is left".to_owned()),
    })?;
    NameList::new(names.iter().map(String::as_str)).map_err(|error| refuse(error.to_string()))
}

fn login(
    settings: &Settings,
    config: &ClientConfig,
    destination: String,
    candidates: Vec<login::candidate::Candidate>,
) -> Login {
    let prompts = settings.password_prompts.unwrap_or(3);
    let times = |wanted: Option<bool>| match settings.batch_mode {
        Some(true) => 0,
        _ if wanted == Some(false) => 0,
        _ => prompts,
    };
    let config = login::Config {
        destination,
        signatures: config.common.algorithms.signatures.clone(),
        interactive: times(settings.keyboard_interactive),
        // Whoever trusts any host key must not hand a password to it.
        password: if policy(settings) == Policy::Off { 0 } else { times(settings.password) },
    };
    Login::new(config, candidates)
}

/// Has a silent server be asked whether it is there, as `ServerAliveInterval` and
/// `ServerAliveCountMax` say.
pub(crate) fn keep_alive(settings: &Settings, config: &mut session::Config) {
    let interval = settings.alive_interval.filter(|interval| !interval.is_zero());
    config.limits.keepalive = interval
        .map(|interval| Keepalive { interval, count: settings.alive_count_max.unwrap_or(3) });
}

/// Why a connection did not come about, in words.
fn explain(error: &Error, host: &str) -> Failure {
    match error {
        Error::Untrusted(untrusted) => {
            Failure::new(Exit::HostKey, untrusted).hint(untrusted.hint())
        }
        Error::Refused { attempts, methods } => {
            let tried: Vec<String> = attempts.iter().map(ToString::to_string).collect();
            let tried =
                if tried.is_empty() { "nothing to try".to_owned() } else { tried.join("; ") };
            Failure::new(Exit::Login, format!("{host} refused the login: {tried}")).hint(format!(
                "the server takes {methods}; check the user's name, and that the key stands in \
                 its authorized_keys"
            ))
        }
        Error::Link(error) => lost(error, host),
        other => Failure::new(Exit::Other, other),
    }
}

/// Why a connection ended, in words.
pub(crate) fn lost(error: &link::Error, host: &str) -> Failure {
    match error {
        link::Error::Protocol(error) => Failure::new(Exit::Protocol, format!("{host}: {error}")),
        other => Failure::new(Exit::Lost, format!("{host}: {other}")),
    }
}
