//! Whether a server's host key is to be trusted.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use adit_proto::name::NameList;
use bytes::Bytes;

pub use announced::News;
pub use untrusted::{Changed, Untrusted};

use crate::certificate::{self, Certificate};
use crate::known_hosts::edit::Edit;
use crate::known_hosts::file::{self, NameForm};
use crate::known_hosts::host::Host;
use crate::known_hosts::{KnownHosts, Place, Says, Verdict};
use crate::prompt::Prompt;
use crate::provider;
use crate::public_key::fingerprint::Fingerprint;
use crate::public_key::{self, PublicKey};
use crate::revocation::{self, Revocation};
use crate::trust::authority::Judgement;
use crate::trust::untrusted::short;

pub mod announced;
pub mod authority;
mod untrusted;

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
    /// What is revoked, or why that cannot be told.
    revocation: Result<Revocation, String>,
    /// The key that was trusted, and why.
    trusted: Option<(PublicKey, Ground)>,
}

/// Why a key was trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// It is known from this line.
    Known(Place),
    /// It is new, and the user said that it is right.
    Accepted,
    /// An authority vouches for it.
    Certificate,
    /// It is one of those that were asked for.
    Pinned,
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

/// Whether what a host shows is vouched for, and the plain key.
enum Certified {
    Trusted(PublicKey),
    No(PublicKey),
}

impl Trust {
    /// Trust in `host` by what is `known`. New keys are written to `file`, where there is one.
    pub fn new(
        policy: Policy,
        host: Host,
        known: KnownHosts,
        file: Option<(PathBuf, NameForm)>,
    ) -> Self {
        Self::made(policy, host, known, file, Vec::new())
    }

    /// Trust in `host` if it shows one of the keys with these fingerprints, and by nothing else.
    pub fn pinned(host: Host, pins: Vec<Fingerprint>) -> Self {
        Self::made(Policy::Strict, host, KnownHosts::default(), None, pins)
    }

    fn made(
        policy: Policy,
        host: Host,
        known: KnownHosts,
        file: Option<(PathBuf, NameForm)>,
        pins: Vec<Fingerprint>,
    ) -> Self {
        let revocation = Ok(Revocation::default());
        Self { policy, host, known, file, pins, revocation, trusted: None }
    }

    /// The same, with what is revoked. Where that could not be read, nothing is trusted.
    #[must_use]
    pub fn revoked(mut self, revocation: Result<Revocation, revocation::Error>) -> Self {
        self.revocation = revocation.map_err(|error| error.to_string());
        self
    }

    /// The host that is judged.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Puts the algorithms of keys that the host is known by before the others, so that a
    /// server with several keys shows one that is known; and where an authority is known, those of
    /// certificates before all, else not at all.
    pub fn prefer(&self, algorithms: &NameList) -> NameList {
        let known: Vec<&str> = self
            .known
            .key_types_for(&self.host)
            .into_iter()
            .flat_map(public_key::algorithms)
            .collect();
        let (certified, plain): (Vec<&str>, Vec<&str>) =
            algorithms.iter().partition(|name| certificate::algorithm::named(name).is_some());
        let (first, then): (Vec<_>, Vec<_>) =
            plain.into_iter().partition(|algorithm| known.contains(algorithm));
        let vouched = self.known.has_authority(&self.host) && self.pins.is_empty();
        let certificates = certified.into_iter().filter(|_| vouched);
        let names = certificates.chain(first).chain(then);
        NameList::new(names).unwrap_or_else(|_| algorithms.clone())
    }

    /// What is new in the host keys that the server announces; `None` where that is not to be
    /// learned: only a key that stands in the first of the user's files, or that the user has accepted, can
    /// speak for others.
    pub fn news(&self, announced: &[Bytes]) -> Option<News> {
        let (file, _) = self.file.as_ref()?;
        let (used, ground) = self.trusted.as_ref()?;
        match ground {
            Ground::Known(place) if place.file() == file => {}
            Ground::Accepted => {}
            _ => return None,
        }
        let mut known: Vec<_> = self.known_keys(file).cloned().collect();
        if !known.contains(used) {
            known.push(used.clone());
        }
        let news = News::of(announced, &known, used)?;
        let revoked = self.revocation.as_ref().ok()?;
        let good = |key: &PublicKey| {
            !revoked.has_key(key) && self.known.revoked(&self.host, key).is_none()
        };
        Some(News { new: news.new.into_iter().filter(good).collect(), gone: news.gone })
    }

    /// Writes down what is new, which must be proved.
    ///
    /// # Errors
    /// Where the file cannot be changed; it is as it was then.
    pub fn learn(&self, news: &News) -> Result<(), file::Error> {
        let Some((path, form)) = &self.file else { return Ok(()) };
        let edit = Edit { add: news.new.clone(), remove: news.gone.clone() };
        edit.apply(path, &self.host, *form)
    }

    fn known_keys<'a>(&'a self, file: &'a Path) -> impl Iterator<Item = &'a PublicKey> {
        let lines = self.known.of_host(&self.host);
        lines.filter(move |it| it.says == Says::Key && it.place.file() == file).map(|it| it.key)
    }

    /// Judges the key that the host shows, or the certificate of it.
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
        if self.pins.contains(&key.fingerprint()) {
            self.trusted = Some((key.clone(), Ground::Pinned));
            return Ok(());
        }
        let plain = match self.check_certificate(key)? {
            Certified::Trusted(plain) => {
                self.trusted = Some((plain, Ground::Certificate));
                return Ok(());
            }
            Certified::No(plain) => plain,
        };
        let ground = self.check_plain(&plain, prompt).await?;
        self.trusted = ground.map(|ground| (plain, ground));
        Ok(())
    }

    /// Whether what the host shows is a certificate to be trusted, and of which key.
    fn check_certificate(&self, key: &PublicKey) -> Result<Certified, Untrusted> {
        let host = self.host.to_string();
        let revocation = self.revocation.as_ref();
        let revocation = revocation.map_err(|why| Untrusted::NoRevocation(why.clone()))?;
        let listed = || Untrusted::Listed { host: host.clone(), fingerprint: key.fingerprint() };
        if !certificate::algorithm::is_certificate(key.key_type()) {
            let revoked = revocation.has_key(key);
            return if revoked { Err(listed()) } else { Ok(Certified::No(key.clone())) };
        }
        let Ok(certificate) = Certificate::from_wire(key.wire().clone()) else {
            let (key_type, fingerprint) = (key.key_type().to_owned(), key.fingerprint());
            return Err(Untrusted::Unknown { host, key_type, fingerprint });
        };
        if revocation.has_certificate(&certificate) {
            return Err(listed());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let plain = certificate.key().clone();
        match authority::judge(&self.known, &self.host, &certificate, &provider::default(), now) {
            Judgement::Good { at } => {
                tracing::debug!(%host, %at, "an authority vouches for the host key");
                Ok(Certified::Trusted(plain))
            }
            Judgement::Unknown => Ok(Certified::No(plain)),
            Judgement::Revoked { at } => {
                Err(Untrusted::Revoked { host, fingerprint: plain.fingerprint(), at })
            }
            Judgement::Bad(why) => Err(Untrusted::Certificate { host, why }),
        }
    }

    async fn check_plain(
        &self,
        key: &PublicKey,
        prompt: &mut impl Prompt,
    ) -> Result<Option<Ground>, Untrusted> {
        let host = self.host.to_string();
        match self.known.check(&self.host, key) {
            Verdict::Known { at } => {
                tracing::debug!(%host, %at, "the host key is known");
                Ok(Some(Ground::Known(at)))
            }
            Verdict::Revoked { at } => {
                Err(Untrusted::Revoked { host, fingerprint: key.fingerprint(), at })
            }
            Verdict::Changed { at, known } => {
                self.check_changed(key, &known, at, prompt).map(|()| None)
            }
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
        let lines = self.known.of_host(&self.host).filter(|it| it.says == Says::Key);
        let others = lines.map(|it| it.place.clone()).filter(|place| *place != at).collect();
        let (host, shown, known) = (self.host.to_string(), key.clone(), known.clone());
        let changed = Changed { host, shown, known, at, others };
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
    ) -> Result<Option<Ground>, Untrusted> {
        let host = self.host.to_string();
        let fingerprint = key.fingerprint();
        let key_type = key.key_type().to_owned();
        let ground = match self.policy {
            Policy::Strict => return Err(Untrusted::Unknown { host, key_type, fingerprint }),
            // Nobody has looked at it: it is not to speak for others in this session.
            Policy::AcceptNew | Policy::Off => None,
            Policy::Ask => match ask(&host, key, prompt).await {
                Some(true) => Some(Ground::Accepted),
                Some(false) => return Err(Untrusted::Declined { host, fingerprint }),
                None => return Err(Untrusted::Unknown { host, key_type, fingerprint }),
            },
        };
        self.write_down(key, prompt);
        Ok(ground)
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
