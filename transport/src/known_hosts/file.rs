//! A `known_hosts` file, read and added to.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::known_hosts::hash::Hash;
use crate::known_hosts::host::Host;
use crate::public_key::PublicKey;
use crate::text_file;

/// The text of a file; empty where there is no such file.
pub(super) fn read(path: &Path) -> io::Result<String> {
    match text_file::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => text_file::read(other?),
    }
}

/// How long another program may keep a file locked.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// How long is waited before a lock is tried again.
const LOCK_RETRY: Duration = Duration::from_millis(5);

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameForm {
    /// As it is.
    Plain,
    /// Hashed, so that the file does not tell where one has been.
    Hashed,
}

/// Adds a line for a host and its key at the end of a file. The file and its folder are made where
/// they are missing, for their owner only. It blocks on the file system.
///
/// # Errors
/// [`Error`], with the file's name.
pub fn append(path: &Path, host: &Host, key: &PublicKey, form: NameForm) -> Result<(), Error> {
    try_append(path, host, key, form).map_err(|cause| Error::new(path, cause))
}

fn try_append(path: &Path, host: &Host, key: &PublicKey, form: NameForm) -> io::Result<()> {
    let line = line(host, key, form)?;
    make_folder(path)?;
    let mut file = lock(path)?;
    let end = if ends_within_a_line(&mut file)? { "\n" } else { "" };
    // In one piece, so that what another process adds at the same time stays on its own line.
    file.write_all(format!("{end}{line}\n").as_bytes())
}

/// Opens a file, which is made where it is missing, and keeps others of this module out until the
/// file is dropped.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let begun = Instant::now();
    loop {
        let file = open_or_make(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Ok(file);
        }
        match file.try_lock() {
            Ok(()) => {
                // Whoever held the lock may have put another file in the place of this one.
                let now = fs::metadata(path)?;
                if (now.dev(), now.ino()) == (found.dev(), found.ino()) {
                    return Ok(file);
                }
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_RETRY),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if begun.elapsed() > LOCK_LIMIT {
            return Err(io::Error::other("another program keeps it locked"));
        }
    }
}

fn open_or_make(path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(there) if there.file_type().is_fifo() || there.file_type().is_socket() => {
            Err(io::Error::other("it is not a regular file"))
        }
        _ => OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path),
    }
}

/// The bytes of a file that is locked.
pub(super) fn read_bytes(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(text_file::LONGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > text_file::LONGEST {
        return Err(io::Error::other("it is longer than 16 MiB"));
    }
    Ok(bytes)
}

/// A line for a host and its key, without its end.
pub(super) fn line(host: &Host, key: &PublicKey, form: NameForm) -> io::Result<String> {
    let name = match form {
        NameForm::Plain if host.is_literal() => host.to_string(),
        NameForm::Plain => return Err(io::Error::other("the host's name cannot stand in a file")),
        NameForm::Hashed => Hash::new(host).map_err(io::Error::other)?.to_string(),
    };
    Ok(format!("{name} {key}"))
}

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Whether the end of the last line is missing. `/dev/null` and the like have no lines.
fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if !file.metadata()?.is_file() || file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// A file cannot be added to.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct Error {
    path: String,
    cause: io::Error,
}

impl Error {
    pub(super) fn new(path: &Path, cause: io::Error) -> Self {
        Self { path: path.display().to_string(), cause }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn key() -> PublicKey {
        PublicKey::parse(KEY).unwrap().0
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_file_and_its_folder_are_made_for_their_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".ssh/known_hosts");
        append(&path, &Host::new("example.com", 2222), &key(), NameForm::Plain).unwrap();
        assert_eq!(read(&path).unwrap(), format!("[example.com]:2222 {KEY}\n"));
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn a_line_without_its_end_gets_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("known_hosts");
        for (before, after) in [("", ""), ("# end", "# end\n"), ("# end\n", "# end\n")] {
            fs::write(&path, before).unwrap();
            append(&path, &Host::new("a", 22), &key(), NameForm::Plain).unwrap();
            assert_eq!(read(&path).unwrap(), format!("{after}a {KEY}\n"));
        }
    }

    #[test]
    fn a_hashed_name_does_not_stand_in_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("known_hosts");
        append(&path, &Host::new("example.com", 22), &key(), NameForm::Hashed).unwrap();
        let text = read(&path).unwrap();
        assert!(text.starts_with("|1|") && text.ends_with(&format!("= {KEY}\n")), "{text}");
    }

    #[test]
    fn a_name_that_would_be_a_pattern_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("known_hosts");
        let error = append(&path, &Host::alias("*"), &key(), NameForm::Plain).unwrap_err();
        let expected = format!("{}: the host's name cannot stand in a file", path.display());
        assert_eq!(error.to_string(), expected);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_is_not_a_file() {
        let home = tempfile::tempdir().unwrap();
        assert!(read(home.path()).is_err());
        assert!(append(home.path(), &Host::new("a", 22), &key(), NameForm::Plain).is_err());
    }

    #[test]
    fn the_null_device_is_an_empty_file_and_takes_what_is_added() {
        let null = Path::new("/dev/null");
        append(null, &Host::new("a", 22), &key(), NameForm::Plain).unwrap();
        assert_eq!(read(null).unwrap(), "");
    }

    #[test]
    fn a_missing_file_is_empty() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(read(&home.path().join("missing")).unwrap(), "");
        assert_eq!(read(&home.path().join("missing/known_hosts")).unwrap(), "");
    }
}
