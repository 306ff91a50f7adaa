//! Whether a server's host key is to be trusted.

use std::path::PathBuf;

use adit_proto::name::NameList;

use crate::known_hosts::file::{self, NameForm};
use crate::known_hosts::host::Host;
use crate::known_hosts::{KnownHosts, Place, Verdict};
use crate::prompt::Prompt;
use crate::public_key::fingerprint::Fingerprint;
use crate::public_key::{self, PublicKey};

/// Judges host keys by what is known, and by the user where nothing is.
#[derive(Debug)]
pub struct Trust {
    policy: Policy,
    host: Host,
    known: KnownHosts,
    /// Where a new key is written, and how.
    file: Option<(PathBuf, NameForm)>,
    /// The only keys that are trusted, where there are any.
    pins: Vec<Fingerprint>,
}

/// What to do with the key of a host that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It is refused.
    Strict,
    /// The user is asked.
    Ask,
    /// It is taken and written down.
    AcceptNew,
    /// It is taken and written down; a changed key is taken too, with a warning. For hosts
    /// that nobody could stand in for, since anybody can.
    Off,
}

/// Why a host key is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The host is not known.
    #[error("{host} is not known: its {} key is {fingerprint}", short(.key_type))]
    Unknown {
        /// The host.
        host: String,
        /// The type of the key that it shows.
        key_type: String,
        /// The key that it shows.
        fingerprint: Fingerprint,
    },
    /// The host is known by another key.
    #[error(transparent)]
    Changed(Box<Changed>),
    /// The key was revoked.
    #[error("the host key {fingerprint} of {host} is revoked at {at}")]
    Revoked {
        /// The host.
        host: String,
        /// The key that it shows.
        fingerprint: Fingerprint,
        /// Where that stands.
        at: Place,
    },
    /// The user said no.
    #[error("the host key {fingerprint} of {host} was not accepted")]
    Declined {
        /// The host.
        host: String,
        /// The key that it shows.
        fingerprint: Fingerprint,
    },
}

/// A host shows another key than it is known by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the host key of {host} has changed: it shows {} {}, known is {} {} at {at}",
    short(.shown.key_type()), .shown.fingerprint(), short(.known.key_type()), .known.fingerprint()
)]
pub struct Changed {
    /// The host.
    pub host: String,
    /// The key that it shows.
    pub shown: PublicKey,
    /// The key that it is known by.
    pub known: PublicKey,
    /// Where that stands.
    pub at: Place,
}

impl Untrusted {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { .. } => "compare the fingerprint with the server's \
                 (ssh-keygen -lf on its host key), then connect once with \
                 -o StrictHostKeyChecking=accept-new"
                .to_owned(),
            Self::Changed(changed) => format!(
                "somebody may stand between you and the server; if its key was really \
                 replaced, remove the old one: ssh-keygen -f {} -R '{}'",
                changed.at.file().display(),
                changed.host
            ),
            Self::Revoked { .. } => "do not use this server until it has another key".to_owned(),
            Self::Declined { .. } => {
                "compare it with the server's: ssh-keygen -lf on its host key".to_owned()
            }
        }
    }
}

impl Trust {
    /// Trust in `host` by what is `known`. New keys are written to `file`, where there is one.
    pub fn new(
        policy: Policy,
        host: Host,
        known: KnownHosts,
        file: Option<(PathBuf, NameForm)>,
    ) -> Self {
        Self { policy, host, known, file, pins: Vec::new() }
    }

    /// Trust in `host` if it shows one of the keys with these fingerprints, and by nothing else.
    pub fn pinned(host: Host, pins: Vec<Fingerprint>) -> Self {
        let known = KnownHosts::default();
        Self { policy: Policy::Strict, host, known, file: None, pins }
    }

    /// The host that is judged.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Puts the algorithms of keys that the host is known by before the others, so that a
    /// server with several keys shows one that is known.
    pub fn prefer(&self, algorithms: &NameList) -> NameList {
        let known: Vec<&str> = self
            .known
            .key_types_for(&self.host)
            .into_iter()
            .flat_map(public_key::algorithms)
            .collect();
        let (first, then): (Vec<_>, Vec<_>) =
            algorithms.iter().partition(|algorithm| known.contains(algorithm));
        NameList::new(first.into_iter().chain(then)).unwrap_or_else(|_| algorithms.clone())
    }

    /// Judges the key that the host shows.
    ///
    /// Cancel safe: a key is written down only once it was accepted.
    ///
    /// # Errors
    /// Where it is not to be trusted.
    pub async fn check(
        &mut self,
        key: &PublicKey,
        prompt: &mut impl Prompt,
    ) -> Result<(), Untrusted> {
        let host = self.host.to_string();
        let fingerprint = key.fingerprint();
        if self.pins.contains(&fingerprint) {
            return Ok(());
        }
        match self.known.check(&self.host, key) {
            Verdict::Known { at } => {
                tracing::debug!(%host, %at, "the host key is known");
                Ok(())
            }
            Verdict::Revoked { at } => Err(Untrusted::Revoked { host, fingerprint, at }),
            Verdict::Changed { at, known } => self.check_changed(key, &known, at, prompt),
            Verdict::Unknown => self.check_unknown(key, prompt).await,
        }
    }

    fn check_changed(
        &self,
        key: &PublicKey,
        known: &PublicKey,
        at: Place,
        prompt: &mut impl Prompt,
    ) -> Result<(), Untrusted> {
        let changed =
            Changed { host: self.host.to_string(), shown: key.clone(), known: known.clone(), at };
        if self.policy == Policy::Off {
            prompt.tell(&format!("warning: {changed}"));
            Ok(())
        } else {
            Err(Untrusted::Changed(Box::new(changed)))
        }
    }

    async fn check_unknown(
        &self,
        key: &PublicKey,
        prompt: &mut impl Prompt,
    ) -> Result<(), Untrusted> {
        let host = self.host.to_string();
        let fingerprint = key.fingerprint();
        let key_type = key.key_type().to_owned();
        match self.policy {
            Policy::Strict => return Err(Untrusted::Unknown { host, key_type, fingerprint }),
            Policy::AcceptNew | Policy::Off => {}
            Policy::Ask => match ask(&host, key, prompt).await {
                Some(true) => {}
                Some(false) => return Err(Untrusted::Declined { host, fingerprint }),
                None => return Err(Untrusted::Unknown { host, key_type, fingerprint }),
            },
        }
        self.write_down(key, prompt);
        Ok(())
    }

    /// Writes a new key down. Where that fails, the key is trusted all the same, and the user
    /// will be asked again next time.
    fn write_down(&self, key: &PublicKey, prompt: &mut impl Prompt) {
        let Some((path, form)) = &self.file else { return };
        match file::append(path, &self.host, key, *form) {
            Ok(()) => prompt.tell(&format!(
                "added the {} key {} of {} to {}",
                short(key.key_type()),
                key.fingerprint(),
                self.host,
                path.display()
            )),
            Err(error) => prompt.tell(&format!("warning: {error}")),
        }
    }
}

/// Asks until the answer is one. `None` where nobody can be asked.
async fn ask(host: &str, key: &PublicKey, prompt: &mut impl Prompt) -> Option<bool> {
    let fingerprint = key.fingerprint().to_string();
    prompt.tell(&format!("{host} is not known; its {} key is", short(key.key_type())));
    prompt.tell(&fingerprint);
    let mut words = "continue connecting (yes/no/the fingerprint)? ";
    loop {
        match prompt.ask(words).await?.trim() {
            "yes" => return Some(true),
            "no" | "" => return Some(false),
            answer if answer == fingerprint => return Some(true),
            answer if answer.starts_with("SHA256:") => return Some(false),
            _ => words = "please type yes, no or the fingerprint: ",
        }
    }
}

/// A key type as people say it.
fn short(key_type: &str) -> &str {
    match key_type {
        "ssh-ed25519" => "ed25519",
        "ssh-rsa" => "rsa",
        other if other.starts_with("ecdsa-") => "ecdsa",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use adit_proto::secret::Secret;
    use tempfile::TempDir;

    use super::*;

    const ED25519: &str = include_str!("../testdata/keys/ed25519.pub");
    const NISTP256: &str = include_str!("../testdata/keys/nistp256.pub");

    /// Answers from a list, and keeps what was told.
    #[derive(Default)]
    struct Script {
        answers: VecDeque<String>,
        told: Vec<String>,
    }

    impl Prompt for Script {
        async fn ask(&mut self, _: &str) -> Option<String> {
            self.answers.pop_front()
        }
        async fn ask_secret(&mut self, _: &str) -> Option<Secret> {
            None
        }
        fn tell(&mut self, words: &str) {
            self.told.push(words.to_owned());
        }
    }

    fn key(text: &str) -> PublicKey {
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    async fn check(
        folder: &TempDir,
        policy: Policy,
        shown: &str,
        answers: &[&str],
    ) -> (Result<(), Untrusted>, Vec<String>) {
        let path = folder.path().join("known_hosts");
        let known = KnownHosts::load([&path]);
        let host = Host::new("example.com", 22);
        let mut trust = Trust::new(policy, host, known, Some((path, NameForm::Plain)));
        let mut script = Script {
            answers: answers.iter().copied().map(str::to_owned).collect(),
            told: Vec::new(),
        };
        (trust.check(&key(shown), &mut script).await, script.told)
    }

    #[tokio::test]
    async fn a_strict_client_takes_no_unknown_key() {
        let folder = TempDir::new().unwrap();
        let (done, _) = check(&folder, Policy::Strict, ED25519, &["yes"]).await;
        assert!(matches!(done, Err(Untrusted::Unknown { .. })), "{done:?}");
        assert!(!folder.path().join("known_hosts").exists());
    }

    #[tokio::test]
    async fn a_new_key_is_written_down_and_known_from_then_on() {
        let folder = TempDir::new().unwrap();
        let (done, told) = check(&folder, Policy::AcceptNew, ED25519, &[]).await;
        assert!(done.is_ok() && told.len() == 1, "{done:?} {told:?}");
        let (done, told) = check(&folder, Policy::Strict, ED25519, &[]).await;
        assert!(done.is_ok() && told.is_empty(), "{done:?} {told:?}");
    }

    #[tokio::test]
    async fn a_changed_key_is_a_full_stop_that_names_both_keys_and_the_line() {
        let folder = TempDir::new().unwrap();
        check(&folder, Policy::AcceptNew, ED25519, &[]).await.0.unwrap();
        for policy in [Policy::Strict, Policy::Ask, Policy::AcceptNew] {
            let (done, _) = check(&folder, policy, NISTP256, &["yes"]).await;
            let told = done.unwrap_err().to_string();
            for part in [
                key(ED25519).fingerprint().to_string(),
                key(NISTP256).fingerprint().to_string(),
                "known_hosts:1".to_owned(),
            ] {
                assert!(told.contains(&part), "{told}");
            }
        }
    }

    #[tokio::test]
    async fn whoever_checks_nothing_is_warned_of_a_changed_key() {
        let folder = TempDir::new().unwrap();
        check(&folder, Policy::Off, ED25519, &[]).await.0.unwrap();
        let (done, told) = check(&folder, Policy::Off, NISTP256, &[]).await;
        assert!(done.is_ok());
        assert!(told.first().unwrap().starts_with("warning: the host key"), "{told:?}");
    }

    #[tokio::test]
    async fn the_user_is_asked_until_the_answer_is_one() {
        let fingerprint = key(ED25519).fingerprint().to_string();
        let cases: [(&[&str], bool); 6] = [
            (&["yes"], true),
            (&["perhaps", "yes"], true),
            (&[&fingerprint], true),
            (&["SHA256:other"], false),
            (&["no"], false),
            (&[], false),
        ];
        for (answers, accepted) in cases {
            let folder = TempDir::new().unwrap();
            let (done, _) = check(&folder, Policy::Ask, ED25519, answers).await;
            assert_eq!(done.is_ok(), accepted, "{answers:?}");
        }
    }

    #[tokio::test]
    async fn a_pinned_key_is_trusted_and_no_other() {
        let host = Host::new("example.com", 22);
        let mut trust = Trust::pinned(host, vec![key(ED25519).fingerprint()]);
        assert_eq!(trust.check(&key(ED25519), &mut Script::default()).await, Ok(()));
        assert!(trust.check(&key(NISTP256), &mut Script::default()).await.is_err());
    }

    #[tokio::test]
    async fn known_types_come_first_in_the_offer() {
        let folder = TempDir::new().unwrap();
        check(&folder, Policy::AcceptNew, NISTP256, &[]).await.0.unwrap();
        let known = KnownHosts::load([folder.path().join("known_hosts")]);
        let trust = Trust::new(Policy::Ask, Host::new("example.com", 22), known, None);
        let offered = NameList::parse("ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512").unwrap();
        assert_eq!(trust.prefer(&offered).as_str(), "ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-512");
    }
}
