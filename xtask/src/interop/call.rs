//! A call of the client under test: to whom, as whom, and for what.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::interop::forward::Forward;

/// A call of the client.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) server: SocketAddr,
    pub(crate) user: String,
    pub(crate) identity: Option<PathBuf>,
    pub(crate) known_hosts: PathBuf,
    /// The servers on the way, the nearest first: user@host:port.
    pub(crate) jumps: Vec<String>,
    pub(crate) forwards: Vec<Forward>,
    /// ssh_config keywords and their values; they take the place of ordinary ones.
    pub(crate) options: Vec<(String, String)>,
}

impl Call {
    /// Adds where to, as whom, and how; the tunnels are not among it.
    pub(crate) fn add_to(&self, command: &mut Command) {
        command.args(["-p", &self.server.port().to_string(), "-l", &self.user]);
        if let Some(identity) = &self.identity {
            command.arg("-i").arg(identity);
        }
        for (keyword, value) in self.options() {
            command.args(["-o", &format!("{keyword}={value}")]);
        }
        if !self.jumps.is_empty() {
            command.args(["-J", &self.jumps.join(",")]);
        }
        command.arg(self.server.ip().to_string()).env_remove("SSH_AUTH_SOCK");
    }

    /// The same as lines of a configuration, for those who call the client by a name of the host.
    pub(crate) fn configuration(&self) -> String {
        let mut lines = vec![
            format!("HostName {}", self.server.ip()),
            format!("Port {}", self.server.port()),
            format!("User {}", self.user),
        ];
        lines.extend(self.identity.iter().map(|path| format!("IdentityFile {}", path.display())));
        lines.extend(self.options().iter().map(|(keyword, value)| format!("{keyword} {value}")));
        lines.join("\n") + "\n"
    }

    /// The options of the call, and the ordinary ones that it does not set itself.
    fn options(&self) -> Vec<(String, String)> {
        let known_hosts = self.known_hosts.display().to_string();
        let ordinary = [
            ("UserKnownHostsFile", known_hosts.as_str()),
            ("GlobalKnownHostsFile", "/dev/null"),
            ("StrictHostKeyChecking", "yes"),
            ("IdentitiesOnly", "yes"),
            ("IdentityAgent", "none"),
            ("BatchMode", "yes"),
            ("ConnectTimeout", "20"),
            ("ExitOnForwardFailure", "yes"),
        ]
        .map(|(keyword, value)| (keyword.to_owned(), value.to_owned()));
        let is_set = |keyword: &str| self.options.iter().any(|(set, _)| set == keyword);
        let rest = ordinary.into_iter().filter(|(keyword, _)| !is_set(keyword));
        self.options.iter().cloned().chain(rest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_of_the_call_takes_the_place_of_an_ordinary_one() {
        let call = Call {
            server: "[::1]:22".parse().unwrap(),
            user: "adit".to_owned(),
            identity: None,
            known_hosts: PathBuf::from("/known"),
            jumps: vec!["a@x:1".to_owned(), "b@y:2".to_owned()],
            forwards: Vec::new(),
            options: vec![("BatchMode".to_owned(), "no".to_owned())],
        };
        let mut command = Command::new("adit");
        call.add_to(&mut command);
        let words: Vec<&str> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        assert!(words.contains(&"BatchMode=no") && !words.contains(&"BatchMode=yes"), "{words:?}");
        assert!(words.contains(&"UserKnownHostsFile=/known"), "{words:?}");
        assert_eq!(words[words.len() - 3..], ["-J", "a@x:1,b@y:2", "::1"]);
    }
}
