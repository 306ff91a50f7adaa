//! The file by which programs know the cookie of a display, as Xau(3) has it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use adit_channels::channel_request::X11;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, fchown, open, openat, unlinkat};

/// The one kind of cookie that displays know everywhere.
const PROTOCOL: &str = "MIT-MAGIC-COOKIE-1";

/// An entry for whatever the display is called by: nobody else's are in the file.
const WILD: u16 = 0xffff;

const FILE: &str = "authority";

/// A file with the cookie of one display, which only its owner can read, in a folder of its own.
/// Both go when it is dropped.
#[derive(Debug)]
pub(super) struct Authority {
    folder: PathBuf,
    /// Held open: an owner who puts something else into its place has nothing removed there.
    held: OwnedFd,
}

impl Authority {
    /// Makes it at `folder`, which must not be there, for this user and group where that is somebody
    /// else.
    ///
    /// # Errors
    /// Where there is no proper cookie, or the system refuses.
    pub(super) fn make(
        folder: PathBuf,
        asked: &X11,
        owner: Option<(u32, u32)>,
    ) -> io::Result<Self> {
        let entry = entry(asked).ok_or(io::ErrorKind::InvalidInput)?;
        DirBuilder::new().mode(0o700).create(&folder)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let held = match open(&folder, flags, Mode::empty()) {
            Ok(held) => held,
            Err(error) => {
                // There is nothing in it.
                let _ = fs::remove_dir(&folder);
                return Err(error.into());
            }
        };
        let authority = Self { folder, held };
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(&authority.held, FILE, flags, Mode::RUSR | Mode::WUSR)?;
        if let Some((user, group)) = owner {
            let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
            fchown(&file, user, group)?;
            fchown(&authority.held, user, group)?;
        }
        fs::File::from(file).write_all(&entry)?;
        Ok(authority)
    }

    /// What `XAUTHORITY` is to be.
    pub(super) fn path(&self) -> OsString {
        self.folder.join(FILE).into()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = unlinkat(&self.held, FILE, AtFlags::empty());
        if let Err(error) = fs::remove_dir(&self.folder) {
            tracing::warn!(path = %self.folder.display(), %error, "cannot remove the folder");
        }
    }
}

/// One entry: the family of addresses, and then the address, the number of the display, the protocol
/// and the cookie, each behind its length.
fn entry(asked: &X11) -> Option<Vec<u8>> {
    if asked.protocol != PROTOCOL {
        return None;
    }
    let cookie = unhex(&asked.cookie)?;
    let mut entry = WILD.to_be_bytes().to_vec();
    for field in [&[][..], &[], asked.protocol.as_bytes(), &cookie] {
        entry.extend_from_slice(&u16::try_from(field.len()).ok()?.to_be_bytes());
        entry.extend_from_slice(field);
    }
    Some(entry)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let (pairs, []) = digits.as_ref()?.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn asked(protocol: &str, cookie: &str) -> X11 {
        let (protocol, cookie) = (protocol.to_owned(), cookie.to_owned());
        X11 { single_connection: false, protocol, cookie, screen: 0 }
    }

    #[test]
    fn the_cookie_is_in_a_private_file_and_goes_with_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("x");
        let authority = Authority::make(folder.clone(), &asked(PROTOCOL, "00ff10"), None).unwrap();
        let path = PathBuf::from(authority.path());
        let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        let mut expected = vec![0xff, 0xff, 0, 0, 0, 0, 0, 18];
        expected.extend_from_slice(PROTOCOL.as_bytes());
        expected.extend_from_slice(&[0, 3, 0, 0xff, 0x10]);
        assert_eq!(fs::read(&path).unwrap(), expected);
        drop(authority);
        assert!(!folder.exists());
    }

    #[test]
    fn what_is_no_cookie_makes_nothing() {
        let place = tempfile::tempdir().unwrap();
        for (protocol, cookie) in
            [("XDM-AUTHORIZATION-1", "00"), (PROTOCOL, ""), (PROTOCOL, "0"), (PROTOCOL, "0g")]
        {
            let folder = place.path().join("x");
            assert!(Authority::make(folder.clone(), &asked(protocol, cookie), None).is_err());
            assert!(!folder.exists());
        }
    }
}
