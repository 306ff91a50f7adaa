//! What is agreed on with a server: whom to trust, which algorithms, how to log in.

use std::path::{Path, PathBuf};

use adit_channels::mux::Keepalive;
use adit_channels::session;
use adit_transport::config::{Algorithms, ClientConfig, Common, Rekey};
use adit_transport::ident::Identification;
use adit_transport::known_hosts::KnownHosts;
use adit_transport::known_hosts::file::NameForm;
use adit_transport::known_hosts::host::Host;
use adit_transport::login::candidate::Candidate;
use adit_transport::login::{self, Login};
use adit_transport::name::NameList;
use adit_transport::provider;
use adit_transport::trust::{Policy, Trust};

use crate::failure::{Exit, Failure};
use crate::settings::algorithms::{Edit, Unusable};
use crate::settings::{Settings, StrictHostKeys};

/// Trust in a host by the files of known hosts that the settings name.
pub(super) fn trust(settings: &Settings, host: Host, home: &Path) -> Trust {
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

/// How the protocol is to be spoken.
pub(super) fn config(
    settings: &Settings,
    user: String,
    algorithms: Algorithms,
) -> Result<ClientConfig, Failure> {
    let software = concat!("adit_", env!("CARGO_PKG_VERSION"));
    let identification = Identification::own(software)
        .map_err(|error| Failure::new(Exit::Other, format!("{software}: {error}")))?;
    let mut common = Common::new(provider::default(), identification);
    common.algorithms = algorithms;
    if let Some(limit) = settings.rekey_limit {
        let default = Rekey::default();
        common.rekey = Rekey { bytes: limit.bytes.unwrap_or(default.bytes), time: limit.time };
    }
    Ok(ClientConfig::new(common, user))
}

/// The algorithms that the settings leave.
///
/// # Errors
/// Where they name what is not known, or leave nothing.
pub(super) fn algorithms(settings: &Settings) -> Result<Algorithms, Failure> {
    let all = Algorithms::of(&provider::default());
    let edit = |keyword: &str, edit: &Option<Edit>, all: &NameList| match edit {
        Some(edit) => edited(keyword, edit, all),
        None => Ok(all.clone()),
    };
    Ok(Algorithms {
        exchanges: edit("KexAlgorithms", &settings.kex_algorithms, &all.exchanges)?,
        host_keys: edit("HostKeyAlgorithms", &settings.host_key_algorithms, &all.host_keys)?,
        ciphers: edit("Ciphers", &settings.ciphers, &all.ciphers)?,
        signatures: edit("PubkeyAcceptedAlgorithms", &settings.pubkey_algorithms, &all.signatures)?,
    })
}

/// Puts the algorithms of the keys that are known of a host first, unless the settings name an
/// order.
pub(super) fn in_order(settings: &Settings, algorithms: &Algorithms, trust: &Trust) -> Algorithms {
    let mut algorithms = algorithms.clone();
    if !matches!(settings.host_key_algorithms, Some(Edit::Replace(_) | Edit::Prefer(_))) {
        algorithms.host_keys = trust.prefer(&algorithms.host_keys);
    }
    algorithms
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

/// How to log in.
pub(super) fn login(
    settings: &Settings,
    signatures: NameList,
    destination: String,
    candidates: Vec<Candidate>,
) -> Login {
    let prompts = settings.password_prompts.unwrap_or(3);
    let times = |wanted: Option<bool>| match settings.batch_mode {
        Some(true) => 0,
        _ if wanted == Some(false) => 0,
        _ => prompts,
    };
    let config = login::Config {
        destination,
        signatures,
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
