//! The socket of a master.
//!
//! It is made under a name of its own, listens, and only then gets its place by a link, which the
//! system makes for one of several only, so that two masters cannot both have it, and nobody finds
//! a socket there that does not listen yet.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::iter::repeat_with;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf, absolute};

use adit_forward::unix::{Existing, Listener, Mode};

use crate::failure::{Exit, Failure};

/// The longest path of a Unix socket, in bytes.
const LONGEST: usize = 107;

/// What the first name of a socket has behind its place: a point, and so many letters.
const LETTERS: usize = 12;

/// How often a dead socket is removed before it is given up.
const TRIES: u32 = 3;

/// The socket of a master. Its place is free when it is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(super) listener: Listener,
    _place: Place,
}

/// Where a socket is, as long as it is still the one that was put there.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    file: (u64, u64),
}

/// Whether a socket was made.
#[derive(Debug)]
pub(crate) enum Made {
    /// It was.
    Socket(Socket),
    /// Something else is in its place.
    Taken,
}

/// A path for a socket: absolute, and short enough.
///
/// # Errors
/// Where it is too long.
pub(crate) fn checked(path: &Path) -> Result<PathBuf, Failure> {
    let path = absolute(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("ControlPath {}: {error}", path.display()))
    })?;
    let most = LONGEST.saturating_sub(LETTERS).saturating_sub(1);
    let long = path.as_os_str().len();
    if long > most {
        let message = format!(
            "ControlPath {} has {long} bytes, and the path of a socket {most} at most",
            path.display()
        );
        return Err(Failure::new(Exit::Usage, message)
            .hint("choose a shorter folder, and %C in place of %h, %p and %r"));
    }
    Ok(path)
}

impl Socket {
    /// Makes one, in place of a dead one.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn make(path: &Path) -> Result<Made, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Other, format!("ControlPath {}: {error}", path.display()))
        };
        for _ in 0..TRIES {
            let name = first_name(path);
            let listener =
                Listener::bind(&name, Mode::default(), Existing::Keep).map_err(|it| {
                    match it.hint() {
                        Some(hint) => failed(&it.cause).hint(hint),
                        None => failed(&it.cause),
                    }
                })?;
            match link(&name, path) {
                Ok(place) => {
                    return Ok(Made::Socket(Self { listener, _place: place }));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&error)),
            }
            if !remove_dead(path).map_err(|error| failed(&error))? {
                return Ok(Made::Taken);
            }
        }
        Ok(Made::Taken)
    }
}

fn first_name(path: &Path) -> PathBuf {
    let letters: String = repeat_with(fastrand::alphanumeric).take(LETTERS).collect();
    let mut name = OsString::from(path);
    name.push(".");
    name.push(letters);
    name.into()
}

/// Gives a socket its place, and no other name any more.
fn link(name: &Path, path: &Path) -> io::Result<Place> {
    let linked = fs::hard_link(name, path).and_then(|()| fs::symlink_metadata(path));
    let removed = fs::remove_file(name);
    let place = Place { path: path.to_owned(), file: file(&linked?) };
    removed.map(|()| place)
}

/// Removes a socket on which nobody listens any more; whether its place is free.
///
/// # Errors
/// Where the system refuses.
pub(crate) fn remove_dead(path: &Path) -> io::Result<bool> {
    let Some(found) = found(path)? else { return Ok(true) };
    if !found.file_type().is_socket() {
        return Ok(false);
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        _ => return Ok(false),
    }
    // Another master may have been here meanwhile.
    if self::found(path)?.is_some_and(|it| file(&it) == file(&found)) {
        fs::remove_file(path)?;
    }
    Ok(true)
}

fn found(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn file(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

impl Drop for Place {
    fn drop(&mut self) {
        if found(&self.path).is_ok_and(|it| it.is_some_and(|it| file(&it) == self.file))
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the socket");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener as StdListener;

    use tempfile::TempDir;

    use super::*;

    fn make(path: &Path) -> Option<Socket> {
        match Socket::make(path).unwrap() {
            Made::Socket(socket) => Some(socket),
            Made::Taken => None,
        }
    }

    fn names(folder: &TempDir) -> Vec<OsString> {
        fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect()
    }

    #[tokio::test]
    async fn one_of_two_has_the_place_until_it_ends() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s");
        let first = make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(make(&path).is_none());
        assert_eq!(names(&folder), ["s"]);
        drop(first);
        assert!(names(&folder).is_empty());
        assert!(make(&path).is_some());
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_file_is_not() {
        let folder = TempDir::new().unwrap();
        let (path, other) = (folder.path().join("s"), folder.path().join("f"));
        drop(StdListener::bind(&path).unwrap());
        assert!(make(&path).is_some());
        fs::write(&other, "mine").unwrap();
        assert!(make(&other).is_none());
        assert_eq!(fs::read(&other).unwrap(), b"mine");
    }

    #[tokio::test]
    async fn a_socket_that_took_the_place_meanwhile_stays_there() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s");
        let first = make(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = make(&path).unwrap();
        drop(first);
        assert!(StdStream::connect(&path).is_ok());
    }

    #[test]
    fn a_path_that_is_too_long_is_told_with_a_way_out() {
        let long = format!("/tmp/{}", "x".repeat(90));
        let refused = checked(Path::new(&long)).unwrap_err();
        assert!(refused.message().contains("has 95 bytes"), "{refused:?}");
        assert!(refused.advice().unwrap().contains("%C"));
        assert!(checked(Path::new(&long[..94])).is_ok());
    }
}
