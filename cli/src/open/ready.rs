//! How a tunnel is told that is ready.

use std::io::{self, Write};

use adit_forward::entry::Entry;
use adit_forward::socket;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::open::tunnel::Tunnel;
use crate::talk::{self, Weight};

/// How a tunnel is told that is ready: to people on standard error, and to programs as well
/// where they ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// People only.
    People,
    /// Programs too, by a line of JSON on standard output.
    Programs,
    /// Nobody: they are beside a session, which goes on without them. Only a port that the server
    /// chose is told, in the words of ssh, which programs read.
    Nobody,
}

/// Where a tunnel can be entered.
#[derive(Debug)]
pub(super) enum Ready<'a> {
    /// Here.
    Here(&'a socket::Listener),
    /// At the server: the address as asked for, the port as it is.
    There(&'a Entry),
}

impl Audience {
    /// Tells it.
    ///
    /// # Errors
    /// Where standard output takes nothing.
    pub(super) fn tell(self, tunnel: &Tunnel, ready: &Ready<'_>) -> Result<(), Failure> {
        if self == Self::Nobody {
            return tell_port(tunnel, ready);
        }
        match ready {
            Ready::Here(listener) => eprintln!("adit: listening on {listener} -> {tunnel}"),
            Ready::There(entry) => eprintln!("adit: the server listens on {entry} -> {tunnel}"),
        }
        if self == Self::Programs {
            tell_programs(&line(tunnel, ready))?;
        }
        Ok(())
    }
}

/// What became of a connection beyond the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is open.
    Open,
    /// It is lost.
    Lost,
}

impl Audience {
    /// Tells of a connection beyond the first; `number` is from 1 on.
    ///
    /// # Errors
    /// Where standard output takes nothing.
    pub(super) fn tell_connection(self, number: usize, change: Change) -> Result<(), Failure> {
        let state = match change {
            Change::Open => "open",
            Change::Lost => "lost",
        };
        match self {
            Self::People | Self::Nobody => Ok(()),
            Self::Programs => {
                tell_programs(&json!({ "kind": "connection", "number": number, "state": state }))
            }
        }
    }
}

/// Tells a port that the server chose.
fn tell_port(tunnel: &Tunnel, ready: &Ready<'_>) -> Result<(), Failure> {
    let asked = matches!(tunnel.entry(), Entry::Tcp { port: 0, .. });
    if let (true, Ready::There(Entry::Tcp { port, .. })) = (asked, ready) {
        let target = tunnel.target();
        let target = target.as_deref().unwrap_or("socks");
        let words = format_args!("Allocated port {port} for remote forward to {target}");
        talk::line(Weight::Note, words);
    }
    Ok(())
}

fn tell_programs(line: &serde_json::Value) -> Result<(), Failure> {
    say(line).map_err(|error| {
        Failure::new(Exit::Other, format!("cannot write to standard output: {error}"))
    })
}

fn say(line: &serde_json::Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// The line for programs. What is listened on at the server is only known as it was asked for.
fn line(tunnel: &Tunnel, ready: &Ready<'_>) -> serde_json::Value {
    let (port, bound) = match ready {
        Ready::Here(socket::Listener::Tcp(listener)) => {
            let bound: Vec<_> = listener.addresses().iter().map(ToString::to_string).collect();
            (Some(listener.port()), Some(bound))
        }
        Ready::Here(socket::Listener::Unix(listener)) => {
            (None, Some(vec![listener.path().display().to_string()]))
        }
        Ready::There(Entry::Tcp { port, .. }) => (Some(*port), None),
        Ready::There(Entry::Unix(_)) => (None, None),
    };
    json!({
        "kind": tunnel.kind(),
        "listen": tunnel.entry().to_string(),
        "port": port,
        "bound": bound,
        "target": tunnel.target(),
    })
}

#[cfg(test)]
mod tests {
    use adit_forward::entry::Bind;
    use adit_forward::unix::Existing;

    use super::*;
    use crate::open::tunnel::Here;

    #[test]
    fn what_the_server_listens_on_is_told_as_asked_with_the_port_as_it_is() {
        let entry = Entry::Tcp { bind: Bind::All, port: 4001 };
        let there = |spec: &str| line(&Tunnel::There(spec.parse().unwrap()), &Ready::There(&entry));
        let told = json!({
            "kind": "remote", "listen": "*:0", "port": 4001, "bound": null, "target": "db:5432",
        });
        assert_eq!(there("*:0:db:5432"), told);
        assert_eq!(there("0")["kind"], "remote-dynamic");
        assert_eq!(there("0")["target"], serde_json::Value::Null);
    }

    #[tokio::test]
    async fn what_is_listened_on_here_is_told_as_it_is() {
        let entry: Entry = "127.0.0.1:0".parse().unwrap();
        let listener = socket::Listener::bind(&entry, Existing::Keep).await.unwrap();
        let told = line(&Tunnel::Here(Here::Dynamic(entry)), &Ready::Here(&listener));
        assert_eq!(told["kind"], "dynamic");
        assert_eq!(told["listen"], "127.0.0.1:0");
        assert_eq!(told["bound"], json!([format!("127.0.0.1:{}", told["port"])]));
    }
}
