//! Changes to a `known_hosts` file, made as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::known_hosts::file::{self, Error, NameForm};
use crate::known_hosts::host::Host;
use crate::known_hosts::line::{Line, Marker};
use crate::provider::random;
use crate::public_key::PublicKey;

/// What is to become of the keys of one host.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// Keys that are to be added.
    pub add: Vec<PublicKey>,
    /// Keys whose lines are to be removed.
    pub remove: Vec<PublicKey>,
}

impl Edit {
    /// Makes the changes in a file. Lines that nothing is said of stay as they are, to the byte.
    /// The file is written anew beside the old one, which it then replaces, so that nobody ever
    /// reads half of it; whoever changes it by this module waits for the other. It blocks on the
    /// file system.
    ///
    /// # Errors
    /// [`Error`], with the file's name: where it cannot be read or written, or where a line that
    /// is to be removed is about other hosts too. The file is as it was then.
    pub fn apply(&self, path: &Path, host: &Host, form: NameForm) -> Result<(), Error> {
        self.try_apply(path, host, form).map_err(|cause| Error::new(path, cause))
    }

    fn try_apply(&self, path: &Path, host: &Host, form: NameForm) -> io::Result<()> {
        file::make_folder(path)?;
        // A link stays one, and what it leads to is written.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let locked = file::lock(&path)?;
        let text = file::read_bytes(&locked)?;
        let mut edited = self.kept(&text, host)?;
        for key in &self.add {
            if !edited.is_empty() && !edited.ends_with(b"\n") {
                edited.push(b'\n');
            }
            edited.extend_from_slice(file::line(host, key, form)?.as_bytes());
            edited.push(b'\n');
        }
        if edited == text { Ok(()) } else { replace(&path, &locked, &edited) }
    }

    /// The lines that stay.
    fn kept(&self, text: &[u8], host: &Host) -> io::Result<Vec<u8>> {
        let mut kept = Vec::with_capacity(text.len());
        for whole in text.split_inclusive(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(whole);
            let goes = match Line::parse(line.trim_end_matches('\n')) {
                Ok(Some(line)) => {
                    let meant = line.marker == Marker::None
                        && line.matches(host)
                        && self.remove.contains(&line.key);
                    if meant && !line.is_only_about(host) {
                        return Err(io::Error::other(
                            "a line to be removed is about other hosts too: change it by hand",
                        ));
                    }
                    meant
                }
                _ => false,
            };
            if !goes {
                kept.extend_from_slice(whole);
            }
        }
        Ok(kept)
    }
}

/// Puts a new file in the place of the old one, with its owner and its permissions.
fn replace(path: &Path, old: &File, text: &[u8]) -> io::Result<()> {
    let metadata = old.metadata()?;
    let beside = beside(path)?;
    let written = (|| {
        let mut new = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
        new.set_permissions(fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
        if new.metadata()?.uid() != metadata.uid() {
            return Err(io::Error::other("it is another user's"));
        }
        new.write_all(text)?;
        new.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // That it cannot be removed either tells nothing new.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A name in the same folder that nobody has.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut salt = [0; 8];
    random::fill(&mut salt).map_err(io::Error::other)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.{:016x}", u64::from_ne_bytes(salt))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = include_str!("../../testdata/keys/ed25519.pub");
    const NISTP256: &str = include_str!("../../testdata/keys/nistp256.pub");
    const RSA: &str = include_str!("../../testdata/keys/rsa2048.pub");

    fn key(text: &str) -> PublicKey {
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    fn edited(before: &str, edit: &Edit) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        fs::write(&path, before).unwrap();
        let applied = edit.apply(&path, &Host::new("example.com", 22), NameForm::Plain);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        applied.map_err(|error| error.to_string())?;
        Ok(fs::read_to_string(&path).unwrap())
    }

    #[test]
    fn keys_come_and_go_and_the_rest_stays_as_it_is() {
        let (old, new, other) = (key(ED25519), key(NISTP256), key(RSA));
        let edit = Edit { add: vec![new.clone()], remove: vec![old.clone()] };
        let rest = format!("# a comment\n\nother {old}\n  example.com {other} kept\nnonsense\n");
        let before = format!("{rest}example.com {old} gone\n");
        assert_eq!(edited(&before, &edit).unwrap(), format!("{rest}example.com {new}\n"));
        let unfinished = format!("example.com {other}");
        assert_eq!(
            edited(&unfinished, &edit).unwrap(),
            format!("{unfinished}\nexample.com {new}\n"),
        );
        assert_eq!(edited(&before, &Edit::default()).unwrap(), before);
    }

    #[test]
    fn a_line_about_others_too_is_left_to_the_user() {
        let old = key(ED25519);
        let edit = Edit { add: Vec::new(), remove: vec![old.clone()] };
        for names in ["example.com,10.0.0.1", "*.com", "example.com,!x"] {
            let told = edited(&format!("{names} {old}\n"), &edit).unwrap_err();
            assert!(told.ends_with("change it by hand"), "{told}");
        }
        let marked = format!("@revoked example.com {old}\n@cert-authority example.com {old}\n");
        assert_eq!(edited(&marked, &edit).unwrap(), marked);
    }

    #[test]
    fn the_file_keeps_its_mode_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let edit = Edit { add: vec![key(ED25519)], remove: Vec::new() };
        edit.apply(&link, &Host::new("a", 22), NameForm::Plain).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_to_string(&real).unwrap(), format!("a {}\n", key(ED25519)));
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let path = path.clone();
                std::thread::spawn(move || {
                    for round in 0..8 {
                        let host = Host::new(&format!("host-{number}-{round}"), 22);
                        if round % 2 == 0 {
                            let edit = Edit { add: vec![key(ED25519)], remove: Vec::new() };
                            edit.apply(&path, &host, NameForm::Plain).unwrap();
                        } else {
                            file::append(&path, &host, &key(RSA), NameForm::Plain).unwrap();
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 64);
    }
}
