//! The machine itself as a place: its own sshd from a private configuration, on loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Result};
use crate::interop::place::{self, Base, Family, Place, Shared};
use crate::process;

/// No namespace of its own: what is started here ends with the handle that started it.
#[derive(Debug)]
pub(crate) struct Local {
    address: SocketAddr,
    user: String,
    shared: Shared,
}

impl Local {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let shared = folder.join("shared");
        std::fs::create_dir_all(&shared).context("make a folder")?;
        let mut command = Command::new("id");
        command.arg("-un");
        let user = process::succeed(command, Duration::from_secs(10))?.trim().to_owned();
        // Nobody else is likely to be given the port between this and the start of the server.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
        let address = listener.local_addr().context("find a free port")?;
        Ok(Self { address, user, shared: Shared { inside: shared.clone(), outside: shared } })
    }
}

impl Place for Local {
    fn server_address(&self) -> SocketAddr {
        self.address
    }

    fn server_port(&self) -> u16 {
        self.address.port()
    }

    fn address(&self, family: Family) -> Option<IpAddr> {
        let loopback = family.loopback();
        TcpListener::bind((loopback, 0)).ok().map(|_| loopback)
    }

    fn init(&self) -> Option<u32> {
        None
    }

    fn annex(&self, _base: &Base, _folder: &Path) -> Result<Box<dyn Place>> {
        Err(place::cannot("shared with another file system"))
    }

    fn user(&self) -> &str {
        &self.user
    }

    fn own(&self, words: &[&str]) -> Command {
        let (program, words) = words.split_first().unwrap_or((&"false", &[]));
        // sshd must be called by its whole path, and its folder is rarely on a user's.
        let found = process::find(program).unwrap_or_else(|| program.into());
        let mut command = Command::new(found);
        command.args(words).env_remove("SSH_AUTH_SOCK");
        command
    }

    fn guest(&self, program: &Path) -> Command {
        Command::new(program)
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn clear(&mut self) -> Result<()> {
        Ok(())
    }

    fn freeze(&mut self) -> Result<()> {
        Err(place::cannot("frozen"))
    }

    fn cut(&mut self) -> Result<()> {
        Err(place::cannot("cut"))
    }
}
