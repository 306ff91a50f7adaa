//! The keys to log in with.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_transport::certificate::{Certificate, Kind};
use adit_transport::identity::Identity;
use adit_transport::identity::agent::Agent;
use adit_transport::identity::private_key::{self, Parsed};
use adit_transport::login::candidate::Candidate;
use adit_transport::public_key::PublicKey;

use crate::settings::Settings;
use crate::settings::identity_files::IdentityFiles;
use crate::talk::{self, Weight};

/// A key that the settings name.
struct Named {
    /// None where it stands in the encrypted part of its file.
    public: Option<PublicKey>,
    /// None where only the public half is there, so that an agent must have the other.
    candidate: Option<Candidate>,
}

/// A certificate of a key that is somewhere else.
struct Certified {
    certificate: Arc<Certificate>,
    file: PathBuf,
    /// Whether the settings name it, so that it is told where nothing has its key.
    explicit: bool,
}

/// The keys to log in with, in the order of ssh: certificates in files, then the keys that files
/// name and an agent holds, then the agent's others unless `IdentitiesOnly`, then those in files.
///
/// What cannot be read is told and left out.
pub(crate) async fn gather(settings: &Settings) -> Vec<Candidate> {
    if !settings.pubkey {
        return Vec::new();
    }
    let paths = identity_files(settings);
    let certificates = certificates(settings, &paths);
    let mut files: Vec<Named> = paths.iter().filter_map(|path| load(path)).collect();
    let mut held: Vec<_> = held(settings).await.into_iter().map(Candidate::ready).collect();
    let mut keys = Vec::new();
    files.retain(|file| {
        let Some(public) = &file.public else { return true };
        let named = |it: &Candidate| it.certificate().is_none() && it.public_key() == Some(public);
        let matching = held.iter().position(named);
        matching.is_none_or(|at| {
            keys.push(held.remove(at));
            false
        })
    });
    let from_files: Vec<_> = files.into_iter().filter_map(|file| file.candidate).collect();
    let all = || keys.iter().chain(&from_files).chain(&held);
    let mut candidates: Vec<_> =
        certificates.iter().filter_map(|certified| certify(certified, all())).collect();
    if !settings.identities_only {
        held.retain(|it| !candidates.iter().any(|file| it.shows_the_same_as(file)));
        keys.append(&mut held);
    }
    candidates.append(&mut keys);
    candidates.extend(from_files);
    candidates
}

/// The certificate with the key of it that somebody holds.
fn certify<'a>(
    certified: &Certified,
    mut keys: impl Iterator<Item = &'a Candidate>,
) -> Option<Candidate> {
    let found = keys.find_map(|key| key.certified(Arc::clone(&certified.certificate)));
    if found.is_none() && certified.explicit {
        let file = certified.file.display();
        talk::say(
            Weight::Warning,
            format_args!("warning: certificate {file}: neither a file nor the agent has its key"),
        );
    }
    found
}

fn identity_files(settings: &Settings) -> Vec<PathBuf> {
    match &settings.identity_files {
        IdentityFiles::Named(files) => files.clone(),
        IdentityFiles::Usual(files) => files.iter().filter(|path| path.exists()).cloned().collect(),
    }
}

/// The certificates that the settings name, or else those beside the keys.
fn certificates(settings: &Settings, keys: &[PathBuf]) -> Vec<Certified> {
    let explicit = !settings.certificate_files.is_empty();
    let files: Vec<PathBuf> = if explicit {
        settings.certificate_files.clone()
    } else {
        let beside = keys.iter().map(|key| PathBuf::from(format!("{}-cert.pub", key.display())));
        beside.filter(|file| file.exists()).collect()
    };
    files.into_iter().filter_map(|file| load_certificate(file, explicit)).collect()
}

fn load_certificate(file: PathBuf, explicit: bool) -> Option<Certified> {
    let warn = |why: &dyn Display| {
        let words = format_args!("warning: certificate {}: {why}", file.display());
        talk::say(Weight::Warning, words);
        None
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => return warn(&error),
    };
    match Certificate::parse(&text) {
        Ok((certificate, _)) if certificate.kind() == Kind::Host => {
            warn(&"it is a host's and not a user's")
        }
        Ok((certificate, _)) => {
            Some(Certified { certificate: Arc::new(certificate), file, explicit })
        }
        Err(invalid) => warn(&invalid),
    }
}

fn load(path: &Path) -> Option<Named> {
    match private_key::load(path) {
        Ok(key) => {
            let name = path.display().to_string();
            let candidate = match key {
                Parsed::Plain(key) => Candidate::ready(Identity::from_key(key, name)),
                Parsed::Encrypted(key) => {
                    let beside = public_beside(path);
                    Candidate::encrypted(Arc::new(key), name, beside)
                }
            };
            let public = candidate.public_key().cloned();
            Some(Named { public, candidate: Some(candidate) })
        }
        Err(error) => {
            let public = public(path).or_else(|| public_beside(path));
            if public.is_none() {
                talk::say(Weight::Warning, format_args!("warning: {error}"));
                if let Some(hint) = error.hint() {
                    talk::line(Weight::Warning, format_args!("hint: {hint}"));
                }
            }
            public.map(|public| Named { public: Some(public), candidate: None })
        }
    }
}

/// The public half in the file beside a private key.
fn public_beside(path: &Path) -> Option<PublicKey> {
    public(&PathBuf::from(format!("{}.pub", path.display())))
}

/// A public key, which suffices where an agent holds the private one.
fn public(path: &Path) -> Option<PublicKey> {
    let text = std::fs::read_to_string(path).ok()?;
    PublicKey::parse(text.trim()).ok().map(|(public, _)| public)
}

/// What the agent holds. An agent that is not there holds nothing.
async fn held(settings: &Settings) -> Vec<Identity> {
    let Some(socket) = agent_socket(settings) else { return Vec::new() };
    let agent = Agent::new(&socket);
    match agent.keys().await {
        Ok(keys) => keys.into_iter().map(|key| Identity::from_agent(agent.clone(), key)).collect(),
        Err(error) => {
            tracing::info!(%error, "no keys from the agent");
            Vec::new()
        }
    }
}

/// The socket of the agent to log in by: `IdentityAgent`, or else that of the environment.
pub(crate) fn agent_socket(settings: &Settings) -> Option<PathBuf> {
    let environment = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let socket = match settings.identity_agent.as_deref() {
        Some("none") => None,
        None | Some("SSH_AUTH_SOCK") => environment("SSH_AUTH_SOCK"),
        Some(setting) => match setting.strip_prefix('$') {
            Some(name) => environment(name.trim_start_matches('{').trim_end_matches('}')),
            None => Some(PathBuf::from(setting)),
        },
    };
    socket.filter(|socket| !socket.as_os_str().is_empty())
}
