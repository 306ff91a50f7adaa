//! What a connection is told at its start.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::ident::Identification;
use crate::message::userauth_request::PUBLICKEY;
use crate::name::NameList;
use crate::provider::{Provider, Standing};

/// What both roles need to know.
#[derive(Debug, Clone)]
pub struct Common {
    /// The cryptography.
    pub provider: Arc<Provider>,
    /// This side's identification string.
    pub identification: Identification,
    /// The algorithms to offer, all of which the provider must have.
    pub algorithms: Algorithms,
    /// When keys are to be exchanged again.
    pub rekey: Rekey,
    /// How long a key exchange may take, the wait for the peer's identification string
    /// included and the wait for [`trust`](crate::connection::Connection::trust) not.
    pub exchange_timeout: Duration,
}

impl Common {
    /// The provider's usual algorithms in the provider's order, and defaults for all else.
    pub fn new(provider: Arc<Provider>, identification: Identification) -> Self {
        let algorithms = Algorithms::of(&provider);
        Self {
            provider,
            identification,
            algorithms,
            rekey: Rekey::default(),
            exchange_timeout: Duration::from_secs(60),
        }
    }
}

/// The name of no compression
/// ([RFC 4253 section 6.2](https://www.rfc-editor.org/rfc/rfc4253#section-6.2)).
pub const NONE: &str = "none";

/// Algorithms in order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Algorithms {
    /// Key exchange methods.
    pub exchanges: NameList,
    /// Signature algorithms of host keys. A server offers those that its keys have.
    pub host_keys: NameList,
    /// Ciphers, for both directions.
    pub ciphers: NameList,
    /// MACs for the ciphers that need one, for both directions.
    pub macs: NameList,
    /// Compression methods, `none` among them, for both directions.
    pub compressions: NameList,
    /// Signature algorithms that a server takes from users, told as `server-sig-algs`
    /// ([RFC 8308 section 3.1](https://www.rfc-editor.org/rfc/rfc8308#section-3.1)).
    pub signatures: NameList,
}

impl Algorithms {
    /// Those of the provider that are usual for either role. Nothing is compressed.
    pub fn of(provider: &Provider) -> Self {
        Self::standing(provider, &[Standing::Usual])
    }

    /// Those of the provider that are usual for a client.
    pub fn of_client(provider: &Provider) -> Self {
        Self::standing(provider, &[Standing::Usual, Standing::Client])
    }

    /// All that the provider has, those included that are offered only where they are named.
    pub fn all(provider: &Provider) -> Self {
        let all = [Standing::Usual, Standing::Client, Standing::Named];
        let methods = provider.compressions.iter().map(|it| it.name());
        Self {
            compressions: names([NONE].into_iter().chain(methods)),
            ..Self::standing(provider, &all)
        }
    }

    /// Certificates of hosts are left out: whether one is to be believed is not known here.
    fn standing(provider: &Provider, standings: &[Standing]) -> Self {
        let exchanges = provider.exchanges.iter().map(|it| (it.name(), it.standing()));
        let group_exchanges = provider.group_exchanges.iter().map(|it| (it.name(), it.standing()));
        let ciphers = provider.ciphers.iter().map(|it| it.name());
        let stream_ciphers = provider.stream_ciphers.iter().map(|it| it.name());
        let macs = provider.macs.iter().map(|it| (it.name(), it.standing()));
        let plain = provider.verifiers.iter().filter(|it| it.signature_name() == it.name());
        let wanted = |(name, standing)| standings.contains(&standing).then_some(name);
        Self {
            exchanges: names(exchanges.chain(group_exchanges).filter_map(wanted)),
            host_keys: names(plain.map(|it| it.name())),
            ciphers: names(ciphers.chain(stream_ciphers)),
            macs: names(macs.filter_map(wanted)),
            compressions: names([NONE].into_iter()),
            signatures: names(provider.verifiers.iter().map(|it| it.name())),
        }
    }
}

/// A list of names that are constants of a provider; one that is no name is left out whole.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> NameList {
    NameList::new(names).unwrap_or_default()
}

/// When keys are to be exchanged again,
/// [RFC 4253 section 9](https://www.rfc-editor.org/rfc/rfc4253#section-9).
///
/// Before the sequence number could wrap they are in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rekey {
    /// After so many bytes in one direction. At 64 GiB AES would come to the limit of
    /// [RFC 4344 section 3.2](https://www.rfc-editor.org/rfc/rfc4344#section-3.2).
    pub bytes: u64,
    /// After so long, where there was any traffic. Zero is as none.
    pub time: Option<Duration>,
}

impl Default for Rekey {
    /// 32 GiB or an hour.
    fn default() -> Self {
        Self { bytes: 32 << 30, time: Some(Duration::from_secs(3600)) }
    }
}

/// What a client is told.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// What both roles need to know.
    pub common: Common,
    /// The user to log in.
    pub user: String,
    /// How long the server may take to answer a login request. The user's time does not count.
    pub answer_timeout: Duration,
}

impl ClientConfig {
    /// This user, and three minutes for each answer: a server may ask others, and most give up
    /// by themselves, with words, after two.
    pub fn new(common: Common, user: String) -> Self {
        Self { common, user, answer_timeout: Duration::from_secs(180) }
    }
}

/// What a server is told.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// What both roles need to know.
    pub common: Common,
    /// The public halves of the host keys.
    pub host_keys: Vec<HostKey>,
    /// The login methods that are told where a request is refused without a decision: its
    /// method is not known, or its signature does not verify.
    pub methods: NameList,
    /// Words to show before login; none where empty.
    pub banner: String,
    /// How long a login may take from the start of the connection.
    pub login_timeout: Duration,
    /// How many login requests may be refused, the first of method `none` not counted.
    pub max_login_attempts: u32,
}

impl ServerConfig {
    /// These host keys, and defaults for all else: login by key within two minutes and six
    /// attempts.
    pub fn new(common: Common, host_keys: Vec<HostKey>) -> Self {
        Self {
            common,
            host_keys,
            methods: names([PUBLICKEY].into_iter()),
            banner: String::new(),
            login_timeout: Duration::from_secs(120),
            max_login_attempts: 6,
        }
    }
}

/// The public half of a host key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// The key as on the wire.
    pub key: Bytes,
    /// The signature algorithms that it can be used with, best first.
    pub algorithms: NameList,
}
