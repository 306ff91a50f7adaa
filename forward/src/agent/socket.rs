//! A socket at the server that stands for an agent of the client.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, chownat, fchown, open, unlinkat};
use tokio::net::UnixStream;

use crate::accept::Accept;
use crate::entry::Unavailable;
use crate::origin::Origin;
use crate::unix::{self, Existing};

/// A socket at the server that stands for an agent of the client: only its owner can connect to
/// it, and it stands in a folder of its own into which only they see. Each connection to it is to
/// become a [channel](crate::channel::Agent). Both go when it is dropped.
#[derive(Debug)]
pub struct Socket {
    // Goes before the folder does.
    listener: unix::Listener,
    _folder: Folder,
}

/// Whose it is, where that is somebody else than who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The number of the user.
    pub user: u32,
    /// The number of the group.
    pub group: u32,
}

impl Socket {
    /// Makes a socket at `folder/name`. The folder is made for it: there must be nothing of that
    /// name, so it should have something random in it.
    ///
    /// # Errors
    /// [`Unavailable`], where one of the two cannot be made or given to its owner.
    pub fn bind(folder: &Path, name: &str, owner: Option<Owner>) -> Result<Self, Unavailable> {
        let path = folder.join(name);
        let unavailable = |cause| Unavailable { place: path.display().to_string(), cause };
        let folder = Folder::make(folder, name).map_err(unavailable)?;
        let listener = unix::Listener::bind(&path, unix::Mode::default(), Existing::Keep)?;
        if let Some(owner) = owner {
            folder.give_to(owner).map_err(unavailable)?;
        }
        Ok(Self { listener, _folder: folder })
    }

    /// Where it is: what `SSH_AUTH_SOCK` is to be.
    pub fn path(&self) -> &Path {
        self.listener.path()
    }
}

impl Accept for Socket {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Origin)> {
        self.listener.accept().await
    }
}

/// A folder into which only its owner sees, and the socket in it.
///
/// It is held open, so that an owner who puts something else into its place has nothing removed
/// there.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    folder: OwnedFd,
    name: OsString,
}

impl Folder {
    fn make(path: &Path, name: &str) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(path)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        match open(path, flags, Mode::empty()) {
            Ok(folder) => Ok(Self { path: path.to_owned(), folder, name: name.into() }),
            Err(error) => {
                // There is nothing in it.
                let _ = fs::remove_dir(path);
                Err(error.into())
            }
        }
    }

    /// Gives away the socket and then the folder, so that the owner cannot come between.
    fn give_to(&self, owner: Owner) -> io::Result<()> {
        let user = Some(Uid::from_raw(owner.user));
        let group = Some(Gid::from_raw(owner.group));
        chownat(&self.folder, &self.name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(fchown(&self.folder, user, group)?)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The socket has gone by itself, unless the folder stands somewhere else now.
        let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
        if let Err(error) = fs::remove_dir(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use tempfile::TempDir;

    use super::*;

    #[tokio::test]
    async fn socket_and_folder_are_private_and_go_with_it() {
        let place = TempDir::new().unwrap();
        let folder = place.path().join("adit-x");
        let mut socket = Socket::bind(&folder, "agent", None).unwrap();
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(socket.path())), (0o700, 0o600));
        let (program, accepted) =
            tokio::join!(UnixStream::connect(folder.join("agent")), socket.accept());
        assert!(program.is_ok() && accepted.is_ok());
        drop(socket);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_folder_that_is_there_is_not_used() {
        let place = TempDir::new().unwrap();
        let error = Socket::bind(place.path(), "agent", None).unwrap_err();
        assert_eq!(error.cause.kind(), io::ErrorKind::AlreadyExists);
    }

    #[tokio::test]
    async fn both_belong_to_their_owner() {
        let place = TempDir::new().unwrap();
        let folder = place.path().join("adit-x");
        let own = fs::metadata(place.path()).unwrap();
        // Only root can give away.
        let owner = match own.uid() {
            0 => Owner { user: 65_534, group: 65_534 },
            user => Owner { user, group: own.gid() },
        };
        let socket = Socket::bind(&folder, "agent", Some(owner)).unwrap();
        for path in [&folder, socket.path()] {
            let found = fs::symlink_metadata(path).unwrap();
            assert_eq!((found.uid(), found.gid()), (owner.user, owner.group));
        }
    }

    #[tokio::test]
    async fn what_its_owner_puts_in_its_place_stays() {
        let place = TempDir::new().unwrap();
        let folder = place.path().join("adit-x");
        let socket = Socket::bind(&folder, "agent", None).unwrap();
        let other = place.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("agent"), "precious").unwrap();
        fs::rename(&folder, place.path().join("moved")).unwrap();
        std::os::unix::fs::symlink(&other, &folder).unwrap();
        drop(socket);
        assert!(other.join("agent").exists());
        assert!(!place.path().join("moved/agent").exists());
    }
}
