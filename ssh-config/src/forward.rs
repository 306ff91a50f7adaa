//! `LocalForward`, `RemoteForward` and `DynamicForward`.

use std::fmt;

use crate::number;
use crate::world::World;

/// A tunnel that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// Where to listen.
    pub listen: Listen,
    /// Where connections go.
    pub target: Target,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// At a port.
    Tcp {
        /// The address, where one is named: empty and `*` mean all.
        host: Option<String>,
        /// The port; 0 lets the far end choose.
        port: u16,
    },
    /// At a Unix socket.
    Socket(String),
}

/// Where connections go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To a port of a host.
    Tcp {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// To a Unix socket.
    Socket(String),
    /// Where each connection asks by SOCKS.
    Dynamic,
}

/// Which end listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// This one.
    Local,
    /// The far one, which may choose the port.
    Remote,
}

/// The most octets of a socket's path on Linux.
const SOCKET_PATH: usize = 107;
/// The most octets of a host's name.
const HOST: usize = 1024;

impl Forward {
    /// Reads `[host:]port:host:port` with a path in place of either pair, and `[host:]port` or a
    /// path where the targets are `dynamic`. Fields may stand in brackets.
    pub(crate) fn parse(
        text: &str,
        dynamic: Dynamic,
        side: Side,
        world: &dyn World,
    ) -> Option<Self> {
        let fields = fields(text.trim_start())?;
        let port = |field: &Field| {
            number::port(&field.text).or_else(|| world.service(&field.text)).filter(|_| !field.path)
        };
        let tcp = |host: Option<&Field>, at: &Field| {
            let host = host.map(|host| host.text.clone());
            Some(Listen::Tcp { host, port: port(at)? })
        };
        let to = |host: &Field, at: &Field| {
            let port = port(at).filter(|port| *port != 0)?;
            Some(Target::Tcp { host: host.text.clone(), port })
        };
        let socket = |field: &Field| Target::Socket(field.text.clone());
        let (listen, target) = match (dynamic, fields.as_slice()) {
            (Dynamic::Yes, [at]) if at.path => (Listen::Socket(at.text.clone()), Target::Dynamic),
            (Dynamic::Yes, [at]) => (tcp(None, at)?, Target::Dynamic),
            (Dynamic::Yes, [host, at]) => (tcp(Some(host), at)?, Target::Dynamic),
            (Dynamic::No, [at, goal]) if at.path && goal.path => {
                (Listen::Socket(at.text.clone()), socket(goal))
            }
            (Dynamic::No, [at, goal]) if goal.path => (tcp(None, at)?, socket(goal)),
            (Dynamic::No, [at, host, goal]) if at.path => {
                (Listen::Socket(at.text.clone()), to(host, goal)?)
            }
            (Dynamic::No, [host, at, goal]) if goal.path => (tcp(Some(host), at)?, socket(goal)),
            (Dynamic::No, [at, host, goal]) => (tcp(None, at)?, to(host, goal)?),
            (Dynamic::No, [bind, at, host, goal]) => (tcp(Some(bind), at)?, to(host, goal)?),
            _ => return None,
        };
        let forward = Self { listen, target };
        forward.is_possible(side).then_some(forward)
    }

    fn is_possible(&self, side: Side) -> bool {
        let listen = match &self.listen {
            Listen::Tcp { port: 0, .. } if side == Side::Local => false,
            Listen::Tcp { host, .. } => host.as_ref().is_none_or(|host| host.len() < HOST),
            Listen::Socket(path) => path.len() <= SOCKET_PATH,
        };
        listen
            && match &self.target {
                Target::Tcp { host, .. } => host.len() < HOST,
                Target::Socket(path) => path.len() <= SOCKET_PATH,
                Target::Dynamic => true,
            }
    }
}

/// Whether each connection asks for its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dynamic {
    /// It does.
    Yes,
    /// The target is named.
    No,
}

/// What stands between colons.
struct Field {
    text: String,
    /// Whether it has a slash.
    path: bool,
}

/// At most four fields.
fn fields(text: &str) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest.filter(|text| !text.is_empty()) {
        if fields.len() == 4 {
            return None;
        }
        let (field, left) = field(text)?;
        fields.push(Field { path: field.contains('/'), text: field });
        rest = left;
    }
    Some(fields)
}

/// The first field without its brackets and backslashes, and what follows its colon.
fn field(text: &str) -> Option<(String, Option<&str>)> {
    if let Some(inner) = text.strip_prefix('[') {
        let (field, rest) = inner.split_once(']')?;
        let rest = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
        return Some((field.to_owned(), rest));
    }
    let mut field = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => field.push(characters.next()?),
            ':' => return Some((field, Some(characters.as_str()))),
            _ => field.push(character),
        }
    }
    Some((field, None))
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host: None, port } => port.fmt(f),
            Self::Tcp { host: Some(host), port } => write!(f, "[{host}]:{port}"),
            Self::Socket(path) => f.write_str(path),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "[{host}]:{port}"),
            Self::Socket(path) => f.write_str(path),
            Self::Dynamic => f.write_str("[socks]:0"),
        }
    }
}
