//! The process that becomes the program: this binary, started anew with one hidden word.
//!
//! It has one thread, and nothing of the gateway but what it is told. It takes its orders from the
//! socket that is its standard input, arranges itself by them, and becomes the program; then the
//! socket ends without a word. Where that cannot be, the socket has the reason, and the launcher
//! ends.

use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::unistd::{Gid, Group, Uid, initgroups, setgid, setuid};
use rustix::fs::{Mode, fchmod, fchown};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, ioctl_tiocsctty, setrlimit, setsid, umask};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stdin};

pub use crate::orders::Limits;
use crate::orders::{Kind, Orders, Switch};

/// The hidden word that makes a launcher of this binary.
pub const WORD: &str = "become-a-program";

/// The descriptors of every program: input, output, errors.
const FIRST_OTHER: i32 = 3;

/// Whether this process was started to be a launcher.
pub fn is_asked() -> bool {
    let mut words = std::env::args_os().skip(1);
    words.next().is_some_and(|word| word == WORD) && words.next().is_none()
}

/// Becomes the program that it is ordered to be. To be called before anything else is done in this
/// process; it returns only where that cannot be.
pub fn run() -> ExitCode {
    let socket = match fcntl_dupfd_cloexec(stdin(), FIRST_OTHER) {
        Ok(socket) => socket,
        Err(_) => return ExitCode::FAILURE,
    };
    let mut socket = UnixStream::from(socket);
    let error = match Orders::receive(&mut socket) {
        Ok((orders, streams)) => obey(&orders, streams),
        Err(error) => Failed("no orders came", error),
    };
    // Where the gateway is gone, nobody wants to know.
    let _ = write!(socket, "{}: {}", error.0, error.1);
    ExitCode::FAILURE
}

/// What could not be done, and why.
struct Failed(&'static str, io::Error);

/// The same with what was to be done.
trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, Failed>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: &'static str) -> Result<T, Failed> {
        self.map_err(|error| Failed(what, error.into()))
    }
}

/// Returns only where it cannot be obeyed.
fn obey(orders: &Orders, streams: [OwnedFd; 3]) -> Failed {
    if let Err(failed) = prepare(orders, streams) {
        return failed;
    }
    let mut command = Command::new(&orders.program);
    command.arg0(&orders.name).args(&orders.arguments);
    command.env_clear().envs(orders.environment.iter());
    // Signals that are blocked or ignored are put right by this, too.
    Failed("the program cannot be run", command.exec())
}

fn prepare(orders: &Orders, [input, output, errors]: [OwnedFd; 3]) -> Result<(), Failed> {
    setsid().doing("there is no session")?;
    if orders.streams == Kind::Terminal {
        if let Some(switch) = &orders.switch {
            own(&input, switch).doing("the terminal cannot be given away")?;
        }
        ioctl_tiocsctty(&input).doing("the terminal cannot be made the controlling one")?;
    }
    dup2_stdin(&input).doing("there is no input")?;
    dup2_stdout(&output).doing("there is no output")?;
    dup2_stderr(&errors).doing("there is no error output")?;
    drop((input, output, errors));
    // What the gateway was started with, too: nothing beyond these three is passed on.
    close_fds::set_fds_cloexec(FIRST_OTHER, &[]);
    restore(Resource::Nofile, orders.limits.files);
    restore(Resource::Core, orders.limits.core);
    // Group and others may not write to what the program makes unless it says so.
    let mask = umask(Mode::empty());
    umask(mask | Mode::WGRP | Mode::WOTH);
    if let Some(switch) = &orders.switch {
        become_user(switch)?;
    }
    go_home(&orders.home);
    Ok(())
}

/// The terminal belongs to its user, and those of the group that may write to it: as other programs
/// that give out terminals do it.
fn own(terminal: &impl AsFd, switch: &Switch) -> io::Result<()> {
    let writers = Group::from_name("tty").ok().flatten().map(|group| group.gid.as_raw());
    let group = writers.unwrap_or(switch.gid);
    let (uid, gid) = (rustix::fs::Uid::from_raw(switch.uid), rustix::fs::Gid::from_raw(group));
    fchown(terminal, Some(uid), Some(gid))?;
    let mode = if writers.is_some() { 0o620 } else { 0o600 };
    Ok(fchmod(terminal, Mode::from_raw_mode(mode))?)
}

fn become_user(switch: &Switch) -> Result<(), Failed> {
    let name = CString::new(switch.name.as_str())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
        .doing("there is no such user")?;
    let (uid, gid) = (Uid::from_raw(switch.uid), Gid::from_raw(switch.gid));
    initgroups(&name, gid).doing("the groups cannot be taken")?;
    setgid(gid).doing("the group cannot be taken")?;
    setuid(uid).doing("the user cannot be become")?;
    // What can be undone is no step down.
    if !uid.is_root() && (setuid(Uid::from_raw(0)).is_ok() || Uid::effective() != uid) {
        return Err(Failed("the user cannot be become", io::ErrorKind::PermissionDenied.into()));
    }
    Ok(())
}

/// Sets the soft limit to what it was; where that cannot be, it stays.
fn restore(resource: Resource, current: Option<u64>) {
    let now = getrlimit(resource);
    let _ = setrlimit(resource, Rlimit { current, ..now });
}

/// Goes to the home folder, or to the root of all where there is none, and says so.
fn go_home(home: &Path) {
    if let Err(error) = std::env::set_current_dir(home) {
        let mut errors = io::stderr();
        // Where nobody reads it, nobody can be told.
        let _ = writeln!(errors, "cannot change to the folder {}: {error}", home.display());
        let _ = std::env::set_current_dir("/");
    }
}
