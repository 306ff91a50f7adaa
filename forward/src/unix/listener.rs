//! A Unix socket that is listened on.

use std::fmt;
use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use rustix::fs::fchmod;
use rustix::process::geteuid;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{UnixListener, UnixStream};

use crate::accept::{Accept, Backoff};
use crate::entry::Unavailable;
use crate::origin::Origin;

/// Connections that the kernel keeps while they wait to be accepted. It may allow fewer.
const BACKLOG: i32 = 1024;

/// A Unix socket. Its file goes when it is dropped, if it is still the one that was made.
#[derive(Debug)]
pub struct Listener {
    // Goes before the socket does: see its `Drop`.
    file: File,
    socket: UnixListener,
    backoff: Backoff,
}

impl Listener {
    /// Makes a socket at `path`.
    ///
    /// Its permissions stand before anybody can connect, whatever the umask, which belongs
    /// to the whole process and so cannot be changed for this: the socket gets them before
    /// it has a name, as Linux makes the file with them. Where the file is not as it should
    /// be nevertheless, for the umask took rights away or the system does not go by the
    /// socket's own, it is corrected before the socket listens: until then every connection
    /// is refused.
    ///
    /// # Errors
    /// [`Unavailable`]; with [`ErrorKind::AddrInUse`] where there is a file that
    /// `existing` does not let go.
    pub fn bind(path: &Path, mode: Mode, existing: Existing) -> Result<Self, Unavailable> {
        let unavailable = |cause| Unavailable { place: path.display().to_string(), cause };
        let path = std::path::absolute(path).map_err(unavailable)?;
        match bind(&path, mode) {
            Err(error)
                if error.kind() == ErrorKind::AddrInUse && existing == Existing::ReplaceDead =>
            {
                remove_dead(&path).and_then(|()| bind(&path, mode))
            }
            result => result,
        }
        .map_err(unavailable)
    }

    /// Where it is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}

impl Accept for Listener {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Origin)> {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    self.backoff.handle_success(&self.file);
                    return Ok((stream, Origin::Unix));
                }
                Err(error) => self.backoff.handle_failure(error, &self.file).await?,
            }
        }
    }
}

/// Who may connect: the permission bits of the socket's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u32);

/// Only the owner.
impl Default for Mode {
    fn default() -> Self {
        Self(0o600)
    }
}

/// What to do with a file that is where the socket is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Existing {
    /// Leave it; the socket cannot be made then.
    #[default]
    Keep,
    /// Replace it if it is a socket of the same user on which nobody listens; leave all else.
    ReplaceDead,
}

/// The file of a socket, which goes with it.
#[derive(Debug)]
struct File {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl File {
    fn is(&self, found: &Metadata) -> bool {
        (found.dev(), found.ino()) == (self.device, self.inode)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // While the socket is open no other file can have its number.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| self.is(&found))
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the socket");
        }
    }
}

fn bind(path: &Path, mode: Mode) -> io::Result<Listener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if let Err(error) = fchmod(&socket, mode.0.into()) {
        tracing::debug!(%error, "the socket itself takes no permissions");
    }
    socket.bind(&SockAddr::unix(path)?)?;
    let made = fs::symlink_metadata(path)?;
    let file = File { path: path.to_owned(), device: made.dev(), inode: made.ino() };
    if made.permissions().mode() & 0o777 != mode.0 {
        fs::set_permissions(path, Permissions::from_mode(mode.0))?;
    }
    socket.listen(BACKLOG)?;
    let socket = UnixListener::from_std(socket.into())?;
    Ok(Listener { file, socket, backoff: Backoff::default() })
}

/// Removes a socket on which nobody listens. One that is only just being made looks like
/// that as well: do not ask for this where two processes share a path.
fn remove_dead(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let in_use = || io::Error::from(ErrorKind::AddrInUse);
    if !found.file_type().is_socket() || found.uid() != geteuid().as_raw() {
        return Err(in_use());
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        _ => return Err(in_use()),
    }
    let again = fs::symlink_metadata(path)?;
    if (again.dev(), again.ino()) != (found.dev(), found.ino()) {
        return Err(in_use());
    }
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn at(folder: &TempDir) -> PathBuf {
        folder.path().join("s")
    }

    fn make(path: &Path, existing: Existing) -> Result<Listener, Unavailable> {
        Listener::bind(path, Mode::default(), existing)
    }

    fn mode_of(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn only_the_owner_may_connect_unless_asked_otherwise() {
        let folder = TempDir::new().unwrap();
        let listener = make(&at(&folder), Existing::Keep).unwrap();
        assert_eq!(mode_of(listener.path()), 0o600);
        let open = folder.path().join("open");
        let _listener = Listener::bind(&open, Mode(0o666), Existing::Keep).unwrap();
        assert_eq!(mode_of(&open), 0o666);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_file_has_its_permissions_from_the_first_moment() {
        let folder = TempDir::new().unwrap();
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        fchmod(&socket, 0o600.into()).unwrap();
        socket.bind(&SockAddr::unix(at(&folder)).unwrap()).unwrap();
        assert_eq!(mode_of(&at(&folder)) & 0o077, 0);
    }

    #[tokio::test]
    async fn the_file_goes_with_the_listener() {
        let folder = TempDir::new().unwrap();
        drop(make(&at(&folder), Existing::Keep).unwrap());
        assert!(!at(&folder).exists());
    }

    #[tokio::test]
    async fn a_file_that_took_its_place_stays() {
        let folder = TempDir::new().unwrap();
        let first = make(&at(&folder), Existing::Keep).unwrap();
        fs::remove_file(at(&folder)).unwrap();
        let second = make(&at(&folder), Existing::Keep).unwrap();
        drop(first);
        assert!(at(&folder).exists());
        drop(second);
        assert!(!at(&folder).exists());
    }

    #[tokio::test]
    async fn nothing_that_exists_is_replaced_unasked() {
        let folder = TempDir::new().unwrap();
        drop(std::os::unix::net::UnixListener::bind(at(&folder)).unwrap());
        let error = make(&at(&folder), Existing::Keep).unwrap_err();
        assert_eq!(error.cause.kind(), ErrorKind::AddrInUse);
        assert!(error.hint().unwrap().contains("remove the file"));
        assert!(at(&folder).exists());
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_when_asked() {
        let folder = TempDir::new().unwrap();
        drop(std::os::unix::net::UnixListener::bind(at(&folder)).unwrap());
        let mut listener = make(&at(&folder), Existing::ReplaceDead).unwrap();
        let (client, accepted) = tokio::join!(UnixStream::connect(at(&folder)), listener.accept());
        assert!(client.is_ok() && accepted.is_ok());
    }

    #[tokio::test]
    async fn what_lives_and_what_is_no_socket_is_never_replaced() {
        let folder = TempDir::new().unwrap();
        let alive = make(&at(&folder), Existing::Keep).unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "precious").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for path in [alive.path(), &file, &link] {
            let error = make(path, Existing::ReplaceDead).unwrap_err();
            assert_eq!(error.cause.kind(), ErrorKind::AddrInUse, "{}", path.display());
            assert!(path.exists());
        }
    }

    #[tokio::test]
    async fn a_path_that_is_too_long_is_an_error() {
        let path = PathBuf::from("/").join("x".repeat(200));
        let error = make(&path, Existing::Keep).unwrap_err();
        assert!(error.to_string().starts_with("cannot listen on /xxx"), "{error}");
    }
}
