//! Which keys servers are known to have: the files `known_hosts` of OpenSSH,
//! [sshd(8)](https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT).

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub use file::{NameForm, append};
pub use host::Host;

use crate::known_hosts::line::{Line, Marker};
use crate::public_key::PublicKey;

pub mod edit;
pub mod file;
mod hash;
pub mod host;
pub mod line;
pub mod pattern;

/// The keys that some files know, in the order of the files and of their lines.
///
/// ```text
///   load --> check --> Known      go on
///                      Unknown    ask or append, as the user wishes
///                      Changed    stop
///                      Revoked    stop
/// ```
#[derive(Debug, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
    warnings: Vec<Warning>,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    line: Line,
}

impl KnownHosts {
    /// Reads the files. One that is missing knows nothing; a line that cannot be understood, or a
    /// file that cannot be read, is [told](KnownHosts::warnings) and skipped. It blocks on the file
    /// system.
    pub fn load<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut known = Self::default();
        for path in paths {
            let path = path.as_ref();
            match file::read(path) {
                Ok(text) => known.add(path, &text),
                Err(error) => known
                    .warnings
                    .push(Warning { place: path.display().to_string(), cause: error.to_string() }),
            }
        }
        known
    }

    /// Adds the lines of a file. `path` is for messages.
    fn add(&mut self, path: &Path, text: &str) {
        let file = Arc::from(path);
        for (number, line) in (1..).zip(text.split('\n')) {
            let place = Place { file: Arc::clone(&file), line: number };
            match Line::parse(line) {
                Ok(None) => {}
                Ok(Some(line)) => self.entries.push(Entry { place, line }),
                Err(bad) => {
                    let (place, cause) = (place.to_string(), bad.to_string());
                    self.warnings.push(Warning { place, cause });
                }
            }
        }
    }

    /// What could not be read or understood.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Judges the key that a server shows.
    ///
    /// A key is changed where the host is known by any other key, also by one of another type, as
    /// OpenSSH has it: else who stands in the way could show a key of a new type and pass for a host
    /// not yet known.
    pub fn check(&self, host: &Host, key: &PublicKey) -> Verdict {
        let at = |entry: &Entry| entry.place.clone();
        if let Some(at) = self.revoked(host, key) {
            return Verdict::Revoked { at };
        }
        if let Some(entry) = self.about(host, Marker::None).find(|entry| entry.line.key == *key) {
            return Verdict::Known { at: at(entry) };
        }
        let of_its_type = |entry: &&Entry| entry.line.key.key_type() == key.key_type();
        let other = self
            .about(host, Marker::None)
            .find(of_its_type)
            .or_else(|| self.about(host, Marker::None).next());
        match other {
            Some(entry) => Verdict::Changed { at: at(entry), known: entry.line.key.clone() },
            None => Verdict::Unknown,
        }
    }

    /// The types of the keys that a host is known by, in the order of the files. To prefer their
    /// [algorithms](crate::public_key::algorithms) in the key exchange makes the server show a key
    /// that is known, where it has several.
    pub fn key_types_for(&self, host: &Host) -> Vec<&str> {
        let mut types = Vec::new();
        for entry in self.about(host, Marker::None) {
            let key_type = entry.line.key.key_type();
            if !types.contains(&key_type) {
                types.push(key_type);
            }
        }
        types
    }

    /// The place where a key is said to be an authority that signs certificates of a host. One for
    /// the host counts whatever the port.
    pub fn authority(&self, host: &Host, key: &PublicKey) -> Option<Place> {
        let bare = host.without_port();
        let lines = self.about(host, Marker::CertAuthority);
        let mut lines = lines.chain(self.about(&bare, Marker::CertAuthority));
        lines.find(|entry| entry.line.key == *key).map(|entry| entry.place.clone())
    }

    /// Whether certificates of a host are signed by any authority that is known.
    pub fn has_authority(&self, host: &Host) -> bool {
        self.about(host, Marker::CertAuthority).next().is_some()
            || self.about(&host.without_port(), Marker::CertAuthority).next().is_some()
    }

    /// The place where a key is said to be revoked for a host.
    pub fn revoked(&self, host: &Host, key: &PublicKey) -> Option<Place> {
        let mut lines = self.about(host, Marker::Revoked);
        lines.find(|entry| entry.line.key == *key).map(|entry| entry.place.clone())
    }

    /// What the files say of a host, in their order.
    pub fn of_host(&self, host: &Host) -> impl Iterator<Item = Known<'_>> {
        self.entries.iter().filter(|entry| entry.line.matches(host)).map(|entry| Known {
            place: &entry.place,
            says: match entry.line.marker {
                Marker::None => Says::Key,
                Marker::CertAuthority => Says::Authority,
                Marker::Revoked => Says::Revoked,
            },
            key: &entry.line.key,
        })
    }

    fn about(&self, host: &Host, marker: Marker) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.line.marker == marker && entry.line.matches(host))
    }
}

/// What a line says of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// Where it stands.
    pub place: &'a Place,
    /// What is said of the key.
    pub says: Says,
    /// The key.
    pub key: &'a PublicKey,
}

/// What is said of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The host has it.
    Key,
    /// It signs certificates of the host, `@cert-authority`.
    Authority,
    /// It must not be taken for the host's, `@revoked`.
    Revoked,
}

/// What is known of the key that a server shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is the host's.
    Known {
        /// Where that stands.
        at: Place,
    },
    /// Nothing is known of the host.
    Unknown,
    /// The host is known by another key, and not by this one.
    Changed {
        /// Where the other key stands: one of the same type, if there is one.
        at: Place,
        /// The other key.
        known: PublicKey,
    },
    /// It was revoked.
    Revoked {
        /// Where that stands.
        at: Place,
    },
}

/// A line of a file; shown as `file:line`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    file: Arc<Path>,
    line: usize,
}

impl Place {
    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The number of the line, from 1 on.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A line or a file that was skipped; shown with its place and the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    place: String,
    cause: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const OTHER_ED25519: &str = include_str!("../../testdata/keys/ed25519.pub");
    const NISTP256: &str = include_str!("../../testdata/keys/nistp256.pub");

    fn key(text: &str) -> PublicKey {
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    fn known(text: &str) -> KnownHosts {
        let mut known = KnownHosts::default();
        known.add(Path::new("/known"), text);
        known
    }

    fn host(name: &str) -> Host {
        Host::new(name, 22)
    }

    fn at(line: usize) -> Place {
        Place { file: Arc::from(Path::new("/known")), line }
    }

    #[test]
    fn a_key_is_known_by_the_line_that_has_it() {
        let known = known(&format!("# comment\n\na {NISTP256}b,a {ED25519}\n"));
        assert_eq!(known.check(&host("A"), &key(ED25519)), Verdict::Known { at: at(4) });
        assert_eq!(known.check(&host("a"), &key(NISTP256)), Verdict::Known { at: at(3) });
        assert_eq!(known.check(&host("c"), &key(ED25519)), Verdict::Unknown);
        assert_eq!(known.check(&Host::new("a", 2222), &key(ED25519)), Verdict::Unknown);
        assert_eq!(known.warnings(), []);
    }

    #[test]
    fn another_key_of_a_known_host_is_a_change() {
        let known = known(&format!("a {NISTP256}a {ED25519}\n"));
        let verdict = known.check(&host("a"), &key(OTHER_ED25519));
        assert_eq!(verdict, Verdict::Changed { at: at(2), known: key(ED25519) });
    }

    #[test]
    fn a_key_of_another_type_is_a_change_too() {
        let known = known(&format!("a {NISTP256}"));
        let verdict = known.check(&host("a"), &key(ED25519));
        assert_eq!(verdict, Verdict::Changed { at: at(1), known: key(NISTP256) });
    }

    #[test]
    fn a_revoked_key_is_revoked_though_it_is_known() {
        let known = known(&format!("a {ED25519}\n@revoked * {ED25519}\n"));
        assert_eq!(known.check(&host("a"), &key(ED25519)), Verdict::Revoked { at: at(2) });
        assert_eq!(known.check(&host("new"), &key(ED25519)), Verdict::Revoked { at: at(2) });
        assert_eq!(known.check(&host("new"), &key(NISTP256)), Verdict::Unknown);
    }

    #[test]
    fn a_key_revoked_for_other_hosts_is_not_revoked() {
        let known = known(&format!("a {ED25519}\n@revoked b {ED25519}\n"));
        assert_eq!(known.check(&host("a"), &key(ED25519)), Verdict::Known { at: at(1) });
    }

    #[test]
    fn a_certificate_authority_is_no_key_of_its_hosts() {
        let known = known(&format!("@cert-authority * {ED25519}\n"));
        assert_eq!(known.check(&host("a"), &key(ED25519)), Verdict::Unknown);
        assert_eq!(known.check(&host("a"), &key(NISTP256)), Verdict::Unknown);
        assert!(known.key_types_for(&host("a")).is_empty());
    }

    #[test]
    fn the_types_of_known_keys_come_in_their_order() {
        let text = format!("a {NISTP256}* {ED25519}\na {OTHER_ED25519}b ssh-rsa AAAA\n");
        let known = known(&text);
        let types = known.key_types_for(&host("a"));
        assert_eq!(types, ["ecdsa-sha2-nistp256", "ssh-ed25519"]);
        assert_eq!(known.key_types_for(&host("b")), ["ssh-ed25519"]);
    }

    #[test]
    fn bad_lines_are_told_and_skipped() {
        let known = known(&format!("a\n@what a {ED25519}\na {ED25519}"));
        let warnings: Vec<_> = known.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "/known:1: there is no public key",
                "/known:2: the marker is not one of @cert-authority and @revoked",
            ],
        );
        assert_eq!(known.check(&host("a"), &key(ED25519)), Verdict::Known { at: at(3) });
    }

    #[test]
    fn files_are_read_in_their_order_and_those_that_cannot_be_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, missing] = ["one", "two", "missing"].map(|name| folder.path().join(name));
        append(&one, &host("a"), &key(NISTP256), NameForm::Hashed).unwrap();
        append(&two, &host("a"), &key(ED25519), NameForm::Plain).unwrap();
        let known = KnownHosts::load([&one, &two, &missing, &folder.path().to_owned()]);
        let Verdict::Known { at } = known.check(&host("a"), &key(ED25519)) else { panic!() };
        assert_eq!((at.file(), at.line()), (&*two, 1));
        assert_eq!(known.key_types_for(&host("a")), ["ecdsa-sha2-nistp256", "ssh-ed25519"]);
        let warnings: Vec<_> = known.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(warnings, [format!("{}: it is not a regular file", folder.path().display())]);
    }

    proptest! {
        #[test]
        fn arbitrary_files_never_panic(bytes in vec(any::<u8>(), 0..400)) {
            let known = known(&String::from_utf8_lossy(&bytes));
            let _ = known.check(&host("a"), &key(ED25519));
        }
    }
}
