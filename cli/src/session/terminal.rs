//! The user's terminal.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use adit_channels::channel_request::{Pty, Size};
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, kill_process_group};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

use crate::session::modes;
use crate::talk;

/// The user's terminal, which is as it was again once this is dropped.
#[derive(Debug)]
pub(crate) struct Terminal {
    device: OwnedFd,
    usual: Option<Termios>,
    is_raw: bool,
}

impl Terminal {
    /// The terminal that a descriptor is.
    ///
    /// # Errors
    /// Where the system gives no descriptor more.
    pub(crate) fn of(descriptor: impl AsFd) -> io::Result<Self> {
        let device = descriptor.as_fd().try_clone_to_owned()?;
        let usual = if isatty(&device) { tcgetattr(&device).ok() } else { None };
        Ok(Self { device, usual, is_raw: false })
    }

    /// What a server is to know of it; of something that is no terminal, nothing but its kind.
    pub(crate) fn describe(&self) -> Pty {
        Pty {
            term: std::env::var("TERM").unwrap_or_default(),
            size: self.size(),
            modes: modes::of(self.usual.as_ref()).encode(),
        }
    }

    /// Its size; zeros where that is not known.
    pub(crate) fn size(&self) -> Size {
        match tcgetwinsize(&self.device) {
            Ok(size) => Size {
                columns: size.ws_col.into(),
                rows: size.ws_row.into(),
                width: size.ws_xpixel.into(),
                height: size.ws_ypixel.into(),
            },
            Err(_) => Size { columns: 0, rows: 0, width: 0, height: 0 },
        }
    }

    /// Has each character that is typed passed on as it is: the terminal at the server makes
    /// something of them.
    pub(crate) fn set_raw(&mut self) {
        if let Some(usual) = &self.usual {
            match set(&self.device, OptionalActions::Drain, &modes::raw(usual)) {
                Ok(()) => {
                    self.is_raw = true;
                    talk::set_raw(true);
                }
                Err(error) => tracing::warn!(%error, "the terminal cannot be made raw"),
            }
        }
    }

    /// Puts it back as it was.
    pub(crate) fn restore(&mut self) {
        if let Some(usual) = self.usual.as_ref().filter(|_| self.is_raw) {
            match set(&self.device, OptionalActions::Drain, usual) {
                Ok(()) => {
                    self.is_raw = false;
                    talk::set_raw(false);
                }
                Err(error) => tracing::warn!(%error, "the terminal cannot be put back as it was"),
            }
        }
    }

    /// Stops this process as the key for that would, until somebody has it go on.
    pub(crate) fn suspend(&mut self) {
        let was_raw = self.is_raw;
        self.restore();
        if let Err(error) = kill_process_group(getpgrp(), Signal::TSTP) {
            tracing::warn!(%error, "nothing was stopped");
        }
        if was_raw {
            self.set_raw();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

fn set(device: &OwnedFd, when: OptionalActions, modes: &Termios) -> rustix::io::Result<()> {
    loop {
        match tcsetattr(device, when, modes) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
