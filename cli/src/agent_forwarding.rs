//! Agent forwarding: programs at the server have keys used that the agent here holds.
//!
//! The agent is told of each connection for which server it is, so that it can hold keys that are
//! good for some ways only (`ssh-add -h`), see [`adit_forward::agent`].

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use adit_forward::agent::{Admission, Dialer, Door, Listener};
use adit_forward::channel::Routes;
use adit_forward::relay::{Limits, relay};
use adit_ssh_config::config::Config;
use adit_ssh_config::keyword::Keyword;
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::client::identities;
use crate::failure::{Exit, Failure};
use crate::settings::Settings;

/// The agent that the server of a connection may reach, once it is [let](Self::admit).
#[derive(Debug)]
pub(crate) struct Agent {
    door: Door,
    relay: JoinHandle<io::Result<()>>,
}

impl Agent {
    /// The agent with this socket, for the connection that has these routes and is made known by
    /// `binding`.
    pub(crate) fn new(routes: &Routes, socket: PathBuf, binding: Bytes) -> Self {
        let (listener, door) = Listener::new(routes, socket);
        let relay = tokio::spawn(relay(listener, Dialer::new(binding), Limits::default()));
        Self { door, relay }
    }

    /// Lets the server reach it, until this is dropped. It is to be asked for that afterwards.
    pub(crate) fn admit(&self) -> Admission {
        self.door.open()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// The socket of the agent that is forwarded, if one is: by `ForwardAgent` that of the agent for
/// logins, or one that it names. An agent that is not there is not forwarded, as with ssh.
pub(crate) fn socket(config: &Config, settings: &Settings) -> Option<PathBuf> {
    let environment = |name: &str| std::env::var_os(name);
    let (socket, named) = chosen(config, settings, environment)?;
    match usable(&socket) {
        Ok(()) => Some(socket),
        Err(error) => {
            if named {
                let path = socket.display();
                Failure::new(Exit::Other, format!("the agent {path} is not forwarded: {error}"))
                    .warn();
            } else {
                tracing::info!(path = %socket.display(), %error, "there is no agent to forward");
            }
            None
        }
    }
}

/// The socket, and whether `ForwardAgent` names it.
fn chosen(
    config: &Config,
    settings: &Settings,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Option<(PathBuf, bool)> {
    if config.is_yes(Keyword::ForwardAgent) {
        return identities::agent_socket(settings).map(|it| (it, false));
    }
    let named = config.text(Keyword::ForwardAgent)?;
    let socket = match named.strip_prefix('$') {
        Some(name) => {
            let name = name.trim_start_matches('{').trim_end_matches('}');
            PathBuf::from(environment(name).filter(|it| !it.is_empty())?)
        }
        None => PathBuf::from(named),
    };
    Some((socket, true))
}

fn usable(socket: &Path) -> io::Result<()> {
    if fs::metadata(socket)?.file_type().is_socket() {
        return Ok(());
    }
    Err(io::Error::other("it is no socket"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::sources::tests::{config, settings};

    fn named(option: &str) -> Option<(PathBuf, bool)> {
        let options = [option, "IdentityAgent=/run/agent"];
        let environment = |name: &str| (name == "ELSEWHERE").then(|| "/run/elsewhere".into());
        chosen(&config("me@host", &options), &settings("me@host", &options), environment)
    }

    #[test]
    fn the_agent_is_the_one_that_is_named_or_that_of_the_logins() {
        assert_eq!(named("ForwardAgent=no"), None);
        assert_eq!(named("ForwardAgent=yes"), Some(("/run/agent".into(), false)));
        assert_eq!(named("ForwardAgent=/run/other"), Some(("/run/other".into(), true)));
        assert_eq!(named("ForwardAgent=$ELSEWHERE"), Some(("/run/elsewhere".into(), true)));
        assert_eq!(named("ForwardAgent=$NOWHERE"), None);
    }
}
