//! Terminals, [RFC 4254 section 6.2](https://www.rfc-editor.org/rfc/rfc4254#section-6.2).

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use adit_channels::channel_request::{Pty, Size};
use rustix::io::ioctl_fionbio;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use tokio::net::unix::pipe;

use crate::terminal::modes::Modes;

mod modes;

/// A terminal whose master side is here.
#[derive(Debug)]
pub(crate) struct Terminal {
    master: Arc<OwnedFd>,
    /// Kept until the program has it: a terminal that nobody has opened is at its end.
    slave: OwnedFd,
    /// Its name in the file system.
    pub(crate) name: OsString,
    /// What it is like, for `TERM`.
    pub(crate) kind: String,
}

impl Terminal {
    /// A new terminal as the client wants it.
    ///
    /// # Errors
    /// Where the system has none left.
    pub(crate) fn new(asked: &Pty) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        let name = OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes());
        let mut termios = tcgetattr(&slave)?;
        Modes::decode(&asked.modes).apply(&mut termios);
        tcsetattr(&slave, OptionalActions::Now, &termios)?;
        tcsetwinsize(&slave, winsize(asked.size))?;
        ioctl_fionbio(&master, true)?;
        Ok(Self { master: Arc::new(master), slave, name, kind: asked.term.clone() })
    }

    /// The side that is not the program's.
    pub(crate) fn master(&self) -> &Arc<OwnedFd> {
        &self.master
    }

    /// What is written here is read from the terminal.
    pub(crate) fn sender(&self) -> io::Result<pipe::Sender> {
        // It can be waited for as a pipe can, which is all that this needs.
        pipe::Sender::from_file_unchecked(File::from(self.master.try_clone()?))
    }

    /// What is written to the terminal is read here.
    pub(crate) fn receiver(&self) -> io::Result<pipe::Receiver> {
        pipe::Receiver::from_file_unchecked(File::from(self.master.try_clone()?))
    }

    /// The program's side.
    pub(crate) fn open(&self) -> io::Result<OwnedFd> {
        self.slave.try_clone()
    }

    /// Changes its size, of which the programs on it are told by a signal.
    pub(crate) fn resize(master: &OwnedFd, size: Size) -> io::Result<()> {
        Ok(tcsetwinsize(master, winsize(size))?)
    }
}

/// What is beyond what a system can say becomes the most that it can.
fn winsize(size: Size) -> Winsize {
    let of = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    Winsize {
        ws_row: of(size.rows),
        ws_col: of(size.columns),
        ws_xpixel: of(size.width),
        ws_ypixel: of(size.height),
    }
}
