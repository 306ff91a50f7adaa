//! What is measured, and with whom.

use std::time::Duration;

use crate::bench::cipher::Cipher;
use crate::bench::contestant::{
    ADIT, ADIT_STRIPED, ADIT_TO_OPENSSH, Contestant, DROPBEAR, FLOOR_32K, FLOOR_128K, OPENSSH,
    OPENSSH_TO_ADIT, PLAIN, RUSSH, STRIPED,
};
use crate::bench::load::streams::Direction;
use crate::bench::tunnel_kind::Kind;

/// One thing to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What several scenarios are chosen by together.
    pub(crate) group: &'static str,
    pub(crate) about: &'static str,
    pub(crate) load: Load,
    pub(crate) kind: Kind,
    pub(crate) cipher: Cipher,
    /// Milliseconds of a round trip between client and server; 0 for the loopback as it is.
    pub(crate) round_trip: u32,
    /// Who takes part unless others are named.
    pub(crate) contestants: &'static [Contestant],
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    Bulk { direction: Direction, streams: usize },
    Short { parallel: usize },
    Ping { bulk: Option<Direction> },
    Login { parallel: usize },
    Idle { channels: usize },
    Stall,
}

const ENDS: &[Contestant] = &[OPENSSH, ADIT, ADIT_TO_OPENSSH, OPENSSH_TO_ADIT];
const FULL: &[Contestant] =
    &[OPENSSH, ADIT, ADIT_TO_OPENSSH, OPENSSH_TO_ADIT, RUSSH, FLOOR_32K, FLOOR_128K];
const CHACHA: &[Contestant] = &[OPENSSH, ADIT, RUSSH, DROPBEAR, FLOOR_32K];
const PEERS: &[Contestant] = &[OPENSSH, ADIT, RUSSH];
const BESIDE: &[Contestant] =
    &[OPENSSH, ADIT, ADIT_STRIPED, ADIT_TO_OPENSSH, OPENSSH_TO_ADIT, RUSSH, FLOOR_32K];
const SELVES: &[Contestant] = &[OPENSSH, ADIT];
const LONG: &[Contestant] = &[PLAIN, OPENSSH, ADIT, ADIT_TO_OPENSSH, RUSSH];
const MANY: &[Contestant] = &[PLAIN, OPENSSH, ADIT, ADIT_TO_OPENSSH, STRIPED, RUSSH];
const ALONE: &[Contestant] = &[ADIT];

const UP: Load = Load::Bulk { direction: Direction::Up, streams: 1 };
const DOWN: Load = Load::Bulk { direction: Direction::Down, streams: 1 };
const BOTH: Load = Load::Bulk { direction: Direction::Both, streams: 1 };
const UP_8: Load = Load::Bulk { direction: Direction::Up, streams: 8 };
const DOWN_8: Load = Load::Bulk { direction: Direction::Down, streams: 8 };

const fn local(
    name: &'static str,
    group: &'static str,
    about: &'static str,
    load: Load,
    contestants: &'static [Contestant],
) -> Scenario {
    let (kind, cipher, round_trip) = (Kind::Local, Cipher::Aes128Gcm, 0);
    Scenario { name, group, about, load, kind, cipher, round_trip, contestants }
}

const fn through(kind: Kind, scenario: Scenario) -> Scenario {
    Scenario { kind, ..scenario }
}

const fn sealed(cipher: Cipher, scenario: Scenario) -> Scenario {
    Scenario { cipher, ..scenario }
}

const fn long(round_trip: u32, scenario: Scenario) -> Scenario {
    Scenario { round_trip, ..scenario }
}

/// All of them, in the order in which they run.
pub(crate) const ALL: [Scenario; 36] = [
    local("up", "bulk", "one stream from client to server, aes128-gcm", UP, FULL),
    local("down", "bulk", "one stream from server to client, aes128-gcm", DOWN, FULL),
    local("bidir", "bulk", "one stream each way", BOTH, PEERS),
    local("up8", "bulk", "eight streams up", UP_8, PEERS),
    local("down8", "bulk", "eight streams down", DOWN_8, PEERS),
    through(Kind::Remote, local("up@R", "tunnels", "up through a remote tunnel", UP, SELVES)),
    through(Kind::Remote, local("down@R", "tunnels", "down through a remote tunnel", DOWN, SELVES)),
    through(Kind::Dynamic, local("up@D", "tunnels", "up through a SOCKS proxy", UP, SELVES)),
    through(Kind::Dynamic, local("down@D", "tunnels", "down through a SOCKS proxy", DOWN, SELVES)),
    sealed(Cipher::Aes256Gcm, local("up-aes256", "ciphers", "up, aes256-gcm", UP, SELVES)),
    sealed(Cipher::Aes256Gcm, local("down-aes256", "ciphers", "down, aes256-gcm", DOWN, SELVES)),
    sealed(
        Cipher::ChaCha20Poly1305,
        local("up-chacha", "ciphers", "up, chacha20-poly1305", UP, CHACHA),
    ),
    sealed(
        Cipher::ChaCha20Poly1305,
        local("down-chacha", "ciphers", "down, chacha20-poly1305", DOWN, CHACHA),
    ),
    sealed(Cipher::Default, local("up-default", "ciphers", "up, no cipher named", UP, PEERS)),
    sealed(Cipher::Default, local("down-default", "ciphers", "down, no cipher named", DOWN, PEERS)),
    local(
        "conn",
        "connections",
        "short connections, one after another",
        Load::Short { parallel: 1 },
        PEERS,
    ),
    local(
        "conn64",
        "connections",
        "short connections, 64 at once",
        Load::Short { parallel: 64 },
        PEERS,
    ),
    local(
        "lat",
        "latency",
        "64 bytes there and back on an idle connection",
        Load::Ping { bulk: None },
        PEERS,
    ),
    local(
        "lat-up",
        "latency",
        "the same beside a stream up",
        Load::Ping { bulk: Some(Direction::Up) },
        BESIDE,
    ),
    local(
        "lat-down",
        "latency",
        "the same beside a stream down",
        Load::Ping { bulk: Some(Direction::Down) },
        BESIDE,
    ),
    local(
        "hs",
        "logins",
        "from the start of a client to the first byte, curve25519",
        Load::Login { parallel: 1 },
        &[OPENSSH, ADIT, ADIT_TO_OPENSSH, OPENSSH_TO_ADIT, RUSSH],
    ),
    local("hs4", "logins", "four clients at once", Load::Login { parallel: 4 }, PEERS),
    local(
        "mem-1",
        "mem",
        "memory, bulk and small messages with 1 idle channel",
        Load::Idle { channels: 1 },
        PEERS,
    ),
    local("mem-100", "mem", "with 100 idle channels", Load::Idle { channels: 100 }, PEERS),
    local("mem-1000", "mem", "with 1,000 idle channels", Load::Idle { channels: 1000 }, PEERS),
    local(
        "mem-10000",
        "mem",
        "with 9,990: a tunnel of adit takes 10,000; OpenSSH would take minutes to open them",
        Load::Idle { channels: 9_990 },
        ALONE,
    ),
    local(
        "stall",
        "stall",
        "bulk and small messages beside readers that stopped",
        Load::Stall,
        SELVES,
    ),
    long(50, local("rtt50-up", "rtt", "one stream up, 50 ms and 1 Gbit/s", UP, LONG)),
    long(50, local("rtt50-down", "rtt", "one stream down, 50 ms", DOWN, LONG)),
    long(50, local("rtt50-up8", "rtt", "eight streams up, 50 ms", UP_8, MANY)),
    long(50, local("rtt50-down8", "rtt", "eight streams down, 50 ms", DOWN_8, MANY)),
    long(200, local("rtt200-up", "rtt", "one stream up, 200 ms", UP, LONG)),
    long(200, local("rtt200-down", "rtt", "one stream down, 200 ms", DOWN, LONG)),
    long(200, local("rtt200-up8", "rtt", "eight streams up, 200 ms", UP_8, MANY)),
    long(200, local("rtt200-down8", "rtt", "eight streams down, 200 ms", DOWN_8, MANY)),
    long(
        50,
        local(
            "rtt50-hs",
            "rtt",
            "first byte of a fresh connection, 50 ms",
            Load::Login { parallel: 1 },
            ENDS,
        ),
    ),
];

impl Scenario {
    /// How long bulk runs before it is measured, beyond what it does anyway: windows grow by round trips.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_millis(u64::from(self.round_trip) * 15)
    }
}

/// The scenarios of these names or groups; all where none is named.
pub(crate) fn select(names: &[String]) -> Vec<Scenario> {
    let chosen = |it: &Scenario| names.iter().any(|name| name == it.name || name == it.group);
    ALL.into_iter().filter(|it| names.is_empty() || chosen(it)).collect()
}

/// Everything that chooses scenarios.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = ALL.iter().flat_map(|it| [it.name, it.group]).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_groups_choose_several() {
        let mut all: Vec<&str> = ALL.iter().map(|it| it.name).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ALL.len());
        assert_eq!(select(&["mem".to_owned()]).len(), 4);
        assert_eq!(select(&["up".to_owned()]).len(), 1);
        assert_eq!(select(&[]).len(), ALL.len());
    }
}
