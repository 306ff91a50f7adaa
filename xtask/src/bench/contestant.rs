//! Who is measured: pairs of a client and a server.

use crate::bench::cipher::Cipher;
use crate::bench::tunnel_kind::Kind;

/// A program at one end of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    OpenSsh,
    Adit,
    /// adit by four connections.
    Striped,
    Russh,
    Dropbear,
    /// A bare relay with frames of so many bytes.
    Floor(u32),
    /// No program at all: plain TCP.
    Nothing,
}

/// A client and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) client: Program,
    pub(crate) server: Program,
}

const fn both(name: &'static str, program: Program) -> Contestant {
    Contestant { name, client: program, server: program }
}

/// What all others are compared with.
pub(crate) const OPENSSH: Contestant = both("openssh", Program::OpenSsh);
pub(crate) const ADIT: Contestant = both("adit", Program::Adit);
pub(crate) const ADIT_TO_OPENSSH: Contestant =
    Contestant { name: "adit>openssh", client: Program::Adit, server: Program::OpenSsh };
/// The same by four connections, used as one.
pub(crate) const STRIPED: Contestant =
    Contestant { name: "adit4>openssh", client: Program::Striped, server: Program::OpenSsh };
/// adit at both ends by four connections.
pub(crate) const ADIT_STRIPED: Contestant =
    Contestant { name: "adit4", client: Program::Striped, server: Program::Adit };
pub(crate) const OPENSSH_TO_ADIT: Contestant =
    Contestant { name: "openssh>adit", client: Program::OpenSsh, server: Program::Adit };
pub(crate) const RUSSH: Contestant = both("russh", Program::Russh);
/// dbclient with the machine's sshd: a Dropbear server takes its keys from the user's own folder alone.
pub(crate) const DROPBEAR: Contestant =
    Contestant { name: "dropbear>openssh", client: Program::Dropbear, server: Program::OpenSsh };
pub(crate) const FLOOR_32K: Contestant = both("floor-32k", Program::Floor(32 * 1024));
pub(crate) const FLOOR_128K: Contestant = both("floor-128k", Program::Floor(128 * 1024));
pub(crate) const PLAIN: Contestant = both("plain", Program::Nothing);

/// All of them, in the order of their turns.
pub(crate) const ALL: [Contestant; 11] = [
    OPENSSH,
    ADIT,
    ADIT_STRIPED,
    ADIT_TO_OPENSSH,
    STRIPED,
    OPENSSH_TO_ADIT,
    RUSSH,
    DROPBEAR,
    FLOOR_32K,
    FLOOR_128K,
    PLAIN,
];

impl Contestant {
    /// Whether it is built from the workspace in `bench`.
    pub(crate) fn is_built(self) -> bool {
        matches!(self.client, Program::Russh | Program::Floor(_))
    }

    /// Why this one cannot carry such a tunnel, if it cannot.
    pub(crate) fn lacks(self, kind: Kind, cipher: Cipher) -> Option<&'static str> {
        match self.client {
            Program::Russh | Program::Floor(_) | Program::Nothing if kind != Kind::Local => {
                Some("it has local tunnels only")
            }
            Program::Floor(_) if cipher == Cipher::Default => Some("it has no default"),
            Program::Dropbear if kind == Kind::Dynamic => Some("it has no dynamic tunnels"),
            Program::Dropbear if matches!(cipher, Cipher::Aes128Gcm | Cipher::Aes256Gcm) => {
                Some("Debian builds it without AES-GCM")
            }
            _ => None,
        }
    }
}
