//! What a pair or a stage begins with.

use std::time::Duration;

use adit_proto::config::{ClientConfig, Common, ServerConfig};
use adit_proto::ident::Identification;
use adit_proto::name::NameList;

use crate::pair::answers::Answers;
use crate::toy;

/// Both sides, and the line between them.
pub(crate) struct Setup {
    pub(crate) client: ClientConfig,
    pub(crate) server: ServerConfig,
    pub(crate) client_answers: Answers,
    pub(crate) server_answers: Answers,
    pub(crate) latency: Duration,
    /// At most so many bytes arrive at a time.
    pub(crate) chunk: usize,
}

impl Setup {
    /// Both log in by a key, at once and without chunks.
    pub(crate) fn new() -> Self {
        Self::seeded(1)
    }

    /// The same; equal seeds make equal connections.
    pub(crate) fn seeded(seed: u64) -> Self {
        let common = |seed, software| {
            Common::new(toy::provider(seed), Identification::own(software).unwrap())
        };
        let client = common(seed.wrapping_mul(2), "test_client");
        let server = common(seed.wrapping_mul(2) + 1, "test_server");
        Self {
            client: ClientConfig::new(client, "alice".to_owned()),
            server: ServerConfig::new(server, vec![toy::host_key("host")]),
            client_answers: Answers::default(),
            server_answers: Answers::default(),
            latency: Duration::ZERO,
            chunk: usize::MAX,
        }
    }

    /// The same with these algorithms only, at both sides.
    pub(crate) fn only(mut self, exchange: &str, cipher: &str) -> Self {
        for common in [&mut self.client.common, &mut self.server.common] {
            common.algorithms.exchanges = names(exchange);
            common.algorithms.ciphers = names(cipher);
        }
        self
    }

    /// The same with this cipher and this MAC first, at both sides. The offers have the same
    /// length whichever is first, so that bytes stand in the same places.
    pub(crate) fn prefer(mut self, (cipher, mac): Suite) -> Self {
        let first = |first, all: &NameList| {
            let others = all.iter().filter(|name| *name != first);
            NameList::new([first].into_iter().chain(others)).unwrap()
        };
        for common in [&mut self.client.common, &mut self.server.common] {
            common.algorithms.ciphers = first(cipher, &common.algorithms.ciphers);
            common.algorithms.macs = first(mac, &common.algorithms.macs);
        }
        self
    }
}

/// A cipher and a MAC, which only some ciphers go with.
pub(crate) type Suite = (&'static str, &'static str);

/// Ciphers of every form.
pub(crate) const SUITES: [Suite; 4] = [
    ("toy-gcm", "toy-etm"),
    ("toy-ctr", "toy-etm"),
    ("toy-stream", "toy-etm"),
    ("toy-stream", "toy-mac"),
];

/// A list of names with commas between them.
pub(crate) fn names(joined: &str) -> NameList {
    NameList::parse(joined).unwrap()
}
