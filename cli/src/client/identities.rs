//! The keys to log in with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_transport::identity::Identity;
use adit_transport::identity::agent::Agent;
use adit_transport::identity::private_key::{self, Parsed};
use adit_transport::login::candidate::Candidate;
use adit_transport::public_key::PublicKey;

use crate::settings::Settings;
use crate::settings::identity_files::IdentityFiles;

/// A key that the settings name.
struct Named {
    public: PublicKey,
    /// None where only the public half is there, so that an agent must have the other.
    candidate: Option<Candidate>,
}

/// The keys to log in with, in the order of ssh: those that files name and an agent holds,
/// then the agent's others unless `IdentitiesOnly`, then those in files.
///
/// What cannot be read is told and left out.
pub(crate) async fn gather(settings: &Settings) -> Vec<Candidate> {
    if !settings.pubkey {
        return Vec::new();
    }
    let mut files = named(settings);
    let mut held = held(settings).await;
    let mut candidates = Vec::new();
    files.retain(|file| {
        let matching = held.iter().position(|identity| *identity.public_key() == file.public);
        matching.is_none_or(|at| {
            candidates.push(Candidate::Ready(held.remove(at)));
            false
        })
    });
    if !settings.identities_only {
        candidates.extend(held.into_iter().map(Candidate::Ready));
    }
    candidates.extend(files.into_iter().filter_map(|file| file.candidate));
    candidates
}

fn named(settings: &Settings) -> Vec<Named> {
    match &settings.identity_files {
        IdentityFiles::Named(files) => files.iter().filter_map(|path| load(path)).collect(),
        IdentityFiles::Usual(files) => {
            files.iter().filter(|path| path.exists()).filter_map(|path| load(path)).collect()
        }
    }
}

fn load(path: &Path) -> Option<Named> {
    match private_key::load(path) {
        Ok(key) => {
            let name = path.display().to_string();
            let public = key.public_key().clone();
            let candidate = Some(match key {
                Parsed::Plain(key) => Candidate::Ready(Identity::from_key(key, name)),
                Parsed::Encrypted(key) => Candidate::Encrypted(Arc::new(key), name),
            });
            Some(Named { public, candidate })
        }
        Err(error) => load_public(path).or_else(|| {
            eprintln!("adit: warning: {error}");
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            None
        }),
    }
}

/// The public half, which suffices where an agent holds the private one: the file itself, or
/// the one beside it.
fn load_public(path: &Path) -> Option<Named> {
    let beside = PathBuf::from(format!("{}.pub", path.display()));
    [path, &beside].into_iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        let (public, _) = PublicKey::parse(text.trim()).ok()?;
        Some(Named { public, candidate: None })
    })
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

fn agent_socket(settings: &Settings) -> Option<PathBuf> {
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
