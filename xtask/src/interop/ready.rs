//! What adit tells of a tunnel that is ready: a line of JSON.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::interop::forward::Forward;
use crate::traffic::endpoint::Endpoint;

/// The line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Ready {
    kind: String,
    /// As asked.
    listen: String,
    port: Option<u16>,
    /// Not known of what the server listens on.
    bound: Option<Vec<String>>,
    target: Option<String>,
}

impl Ready {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Whether this is of a tunnel that `forward` asked for.
    fn is_of(&self, forward: &Forward) -> bool {
        self.kind == forward.kind.name() && self.target.as_deref() == forward.target()
    }

    /// Where the tunnel begins.
    fn begin(&self) -> Result<Endpoint> {
        if let Some(first) = self.bound.as_ref().and_then(|bound| bound.first()) {
            return first.parse();
        }
        let Some(port) = self.port else { return self.listen.parse() };
        let asked: Endpoint = self.listen.parse()?;
        match asked {
            Endpoint::Tcp(address) => Ok(Endpoint::Tcp(SocketAddr::new(address.ip(), port))),
            Endpoint::Unix(_) => Err(Error::new("a socket with a port")),
        }
    }
}

/// Where the tunnels begin, in the order in which they were asked for.
pub(crate) fn begins(forwards: &[Forward], mut told: Vec<Ready>) -> Result<Vec<Endpoint>> {
    let begin = |forward: &Forward| {
        let found = told.iter().position(|ready| ready.is_of(forward));
        let nothing = || Error::new(format!("nothing is told of {forward:?}: {told:?}"));
        let ready = told.remove(found.ok_or_else(nothing)?);
        ready.begin()
    };
    forwards.iter().map(begin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::forward::{Begin, Kind};

    fn ready(line: &str) -> Ready {
        Ready::parse(line).unwrap()
    }

    #[test]
    fn each_tunnel_finds_its_own_line_in_whatever_order_they_come() {
        let told = vec![
            ready(
                r#"{"kind":"remote","listen":"127.0.0.1:0","port":9,"bound":null,"target":"b:2"}"#,
            ),
            ready(
                r#"{"kind":"local","listen":"127.0.0.1:0","port":7,"bound":["127.0.0.1:7"],"target":"a:1"}"#,
            ),
            ready(
                r#"{"kind":"remote-dynamic","listen":"[::1]:0","port":8,"bound":null,"target":null}"#,
            ),
            ready(r#"{"kind":"remote","listen":"/run/x","port":null,"bound":null,"target":"c:3"}"#),
        ];
        let forwards = [
            Forward::local(Begin::Tcp, "a:1"),
            Forward::new(Kind::Remote, Begin::Tcp, "c:3"),
            Forward::new(Kind::RemoteDynamic, Begin::Tcp, ""),
            Forward::new(Kind::Remote, Begin::Tcp, "b:2"),
        ];
        let begins = begins(&forwards, told).unwrap();
        let begins: Vec<String> = begins.iter().map(ToString::to_string).collect();
        assert_eq!(begins, ["127.0.0.1:7", "/run/x", "[::1]:8", "127.0.0.1:9"]);
    }

    #[test]
    fn a_tunnel_of_which_nothing_is_told_is_an_error() {
        assert!(begins(&[Forward::dynamic(Begin::Tcp)], Vec::new()).is_err());
        assert_eq!(Ready::parse("adit: listening on x"), None);
    }
}
