//! What is agreed on with a server: whom to trust, which algorithms, how to log in.

use adit_channels::session;
use adit_transport::config::{Algorithms, ClientConfig, Common};
use adit_transport::ident::Identification;
use adit_transport::known_hosts::KnownHosts;
use adit_transport::known_hosts::file::NameForm;
use adit_transport::known_hosts::host::Host;
use adit_transport::login::candidate::Candidate;
use adit_transport::login::{self, Login};
use adit_transport::provider;
use adit_transport::revocation::{self, Revocation};
use adit_transport::trust::{Policy, Trust};

use crate::failure::{Exit, Failure};
use crate::settings::{HostKeyOrder, Settings, StrictHostKeys};
use crate::talk::{self, Weight};

/// Trust in a host by the files of known hosts that the settings name.
pub(super) fn trust(settings: &Settings, host: Host) -> Trust {
    let files = &settings.user_known_hosts;
    let known = KnownHosts::load(files.iter().chain(&settings.global_known_hosts));
    for warning in known.warnings() {
        talk::say(Weight::Warning, format_args!("warning: {warning}"));
    }
    let form = if settings.hash_known_hosts { NameForm::Hashed } else { NameForm::Plain };
    let file = files.first().map(|file| (file.clone(), form));
    Trust::new(policy(settings), host, known, file).revoked(revocation(settings))
}

/// What `RevokedHostKeys` revokes.
fn revocation(settings: &Settings) -> Result<Revocation, revocation::Error> {
    let mut all = Revocation::default();
    for file in &settings.revoked_host_keys {
        all.extend(revocation::load(file)?);
    }
    Ok(all)
}

fn policy(settings: &Settings) -> Policy {
    match settings.strict_host_keys {
        StrictHostKeys::Yes => Policy::Strict,
        StrictHostKeys::Ask if settings.batch_mode => Policy::Strict,
        StrictHostKeys::Ask => Policy::Ask,
        StrictHostKeys::AcceptNew => Policy::AcceptNew,
        StrictHostKeys::No => Policy::Off,
    }
}

/// How the protocol is to be spoken.
pub(super) fn config(settings: &Settings, algorithms: Algorithms) -> Result<ClientConfig, Failure> {
    let software = concat!("adit_", env!("CARGO_PKG_VERSION"));
    let identification = Identification::own(software)
        .map_err(|error| Failure::new(Exit::Other, format!("{software}: {error}")))?;
    let mut common = Common::new(provider::default(), identification);
    common.algorithms = algorithms;
    common.rekey = settings.rekey;
    Ok(ClientConfig::new(common, settings.user.clone()))
}

/// Puts the algorithms of the keys that are known of a host first, unless the settings name an
/// order.
pub(super) fn in_order(settings: &Settings, trust: &Trust) -> Algorithms {
    let mut algorithms = settings.algorithms.clone();
    if settings.host_key_order == HostKeyOrder::Known {
        algorithms.host_keys = trust.prefer(&algorithms.host_keys);
    }
    algorithms
}

/// How to log in.
pub(super) fn login(settings: &Settings, candidates: Vec<Candidate>) -> Login {
    let times = |wanted| if wanted && !settings.batch_mode { settings.password_prompts } else { 0 };
    let config = login::Config {
        destination: format!("{}@{}", settings.user, settings.host),
        signatures: settings.algorithms.signatures.clone(),
        interactive: times(settings.keyboard_interactive),
        // Whoever trusts any host key must not hand a password to it.
        password: if policy(settings) == Policy::Off { 0 } else { times(settings.password) },
    };
    Login::new(config, candidates)
}

/// Has a silent server be asked whether it is there, as `ServerAliveInterval` and
/// `ServerAliveCountMax` say.
pub(crate) fn keep_alive(settings: &Settings, config: &mut session::Config) {
    config.limits.keepalive = settings.alive;
}
