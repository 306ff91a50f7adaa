//! What the settings depend on besides the files: asked for through a trait, so that they can be
//! worked out without a machine.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What the settings depend on.
pub trait World {
    /// Who runs the program.
    fn user(&self) -> &User;
    /// The home folder of another user, where there is such a user.
    fn home_of(&self, name: &str) -> Option<PathBuf>;
    /// The name of this host, with its domain where it has one.
    fn host_name(&self) -> String;
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read; [`io::ErrorKind::NotFound`] where there is none.
    fn read(&self, path: &Path) -> io::Result<Source>;
    /// The files that a pattern of `glob(7)` means, sorted; `~` is not expanded any more.
    ///
    /// # Errors
    /// Why the pattern is none.
    fn glob(&self, pattern: &str) -> Result<Vec<PathBuf>, String>;
    /// Runs a command of `Match exec` in the user's shell, and yields its exit code.
    ///
    /// # Errors
    /// Where it could not be run, or was ended by a signal.
    fn execute(&self, command: &str) -> io::Result<i32>;
    /// Looks up a name, and yields the one that the resolver holds to be canonical; nothing where
    /// the name has no address.
    fn resolve(&self, name: &str) -> Option<String>;
    /// The addresses of the network interfaces that are up.
    ///
    /// # Errors
    /// Where the system does not tell.
    fn local_addresses(&self) -> io::Result<Vec<IpAddr>>;
    /// The port of a TCP service, as `services(5)` has it.
    fn service(&self, name: &str) -> Option<u16>;
}

/// Who runs the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number.
    pub id: u32,
    /// The home folder by the list of accounts; ssh does not ask the environment for it.
    pub home: PathBuf,
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it says.
    pub octets: Vec<u8>,
    /// The number of its owner.
    pub owner: u32,
    /// Who can write to it.
    pub writers: Writers,
}

/// Who can write to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// The owner only, and a group that has no other member.
    Owner,
    /// Others too.
    Others,
}

impl Source {
    /// Whether what it says is the user's or root's own word.
    pub(crate) fn is_trusted_by(&self, user: &User) -> bool {
        (self.owner == 0 || self.owner == user.id) && self.writers == Writers::Owner
    }
}
