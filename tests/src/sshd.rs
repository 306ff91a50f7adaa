//! The machine's own `sshd`, without a port: one process for each connection, over a socket pair.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::keys::{Keys, Type};

/// Where `sshd` is.
const SSHD: &str = "/usr/sbin/sshd";

/// An `sshd` with keys and a configuration of its own.
#[derive(Debug)]
pub struct Sshd {
    folder: TempDir,
    config: PathBuf,
}

/// A connection to an `sshd`, which is ended with it.
#[derive(Debug)]
pub struct Served {
    child: Child,
}

impl Sshd {
    /// An `sshd` with host keys of these types, that lets the current user in by the key
    /// [`user_key`](Self::user_key), with `extra` lines of configuration.
    ///
    /// # Panics
    /// Where `sshd` is missing or a file cannot be written.
    pub fn new(host_keys: &[Type], user_key: Type, extra: &str) -> Self {
        assert!(Path::new(SSHD).exists(), "{SSHD} is needed: apt-get install openssh-server");
        Self::try_new(host_keys, user_key, extra).unwrap_or_else(|error| panic!("sshd: {error}"))
    }

    fn try_new(host_keys: &[Type], user_key: Type, extra: &str) -> io::Result<Self> {
        if rustix::process::getuid().is_root() {
            fs::create_dir_all("/run/sshd")?;
        }
        let folder = TempDir::new()?;
        let at = folder.path();
        let user = Keys::generate(at, "user", user_key);
        fs::copy(user.public(), at.join("authorized_keys"))?;
        let mut config = format!(
            "UsePAM no\nStrictModes no\nPidFile none\nLogLevel DEBUG1\n\
             AuthorizedKeysFile {}\nPermitRootLogin prohibit-password\n{extra}\n",
            at.join("authorized_keys").display()
        );
        for (number, of) in host_keys.iter().enumerate() {
            let key = Keys::generate(at, &format!("host{number}"), *of);
            config.push_str(&format!("HostKey {}\n", key.private().display()));
        }
        let path = at.join("sshd_config");
        fs::write(&path, config)?;
        Ok(Self { folder, config: path })
    }

    /// The private key that may log in.
    pub fn user_key(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    /// A folder that lives as long.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the last connections were logged to.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts an `sshd` at the other end of a socket pair.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn connect(&self) -> (UnixStream, Served) {
        self.try_connect().unwrap_or_else(|error| panic!("{SSHD} cannot be started: {error}"))
    }

    fn try_connect(&self) -> io::Result<(UnixStream, Served)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let input = OwnedFd::from(theirs.try_clone()?);
        let output = OwnedFd::from(theirs);
        let child = Command::new(SSHD)
            .arg("-i")
            .arg("-f")
            .arg(&self.config)
            .arg("-E")
            .arg(self.folder.path().join("log"))
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output))
            .stderr(Stdio::null())
            .spawn()?;
        ours.set_nonblocking(true)?;
        Ok((UnixStream::from_std(ours)?, Served { child }))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The name of the user who runs the tests, by whom `sshd` knows it.
pub fn user() -> String {
    let named = Command::new("id").arg("-un").output();
    named.map_or_else(
        |_| "root".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
