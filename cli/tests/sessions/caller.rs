//! Who calls: `ssh`, or `adit ssh` with the same words.

use std::fs;
use std::process::{Command, Stdio};

use crate::server::{Server, settings, user};

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The machine's own.
    Ssh,
    /// `adit ssh`.
    Adit,
}

/// Both.
pub(crate) const BOTH: [Caller; 2] = [Caller::Ssh, Caller::Adit];

/// A server that runs programs.
pub(crate) fn server() -> Server {
    let server = Server::sshd("Subsystem back cat\nAcceptEnv LANG ADIT_*");
    fs::write(server.file("known_hosts"), server.known()).unwrap();
    server
}

impl Caller {
    /// A call with these options, and behind the host these words.
    pub(crate) fn call(self, server: &Server, options: &[&str], words: &[&str]) -> Command {
        let mut command = match self {
            Self::Ssh => Command::new("/usr/bin/ssh"),
            Self::Adit => Command::new(env!("CARGO_BIN_EXE_adit")),
        };
        if self == Self::Adit {
            command.arg("ssh");
        }
        command
            .args(["-F", "none", "-oIdentitiesOnly=yes", "-i", &server.file("user")])
            .args(settings(&server.file("known_hosts")))
            .args(["-p", &server.address.port().to_string()])
            .args(options)
            .arg(format!("{}@127.0.0.1", user()))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.env_remove("SSH_AUTH_SOCK").env_remove("ADIT_LOG").env_remove("ADIT_PROXY");
        command
    }
}
