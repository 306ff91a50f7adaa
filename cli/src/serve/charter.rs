//! What holds at the moment.

use std::sync::Arc;

use adit_gateway::config::Config;
use adit_gateway::register::METHODS;
use adit_transport::certificate::algorithm;
use adit_transport::config::{Common, HostKey, Rekey, ServerConfig};
use adit_transport::ident::Identification;
use adit_transport::name::NameList;
use adit_transport::provider;

use crate::failure::{Exit, Failure};
use crate::serve::host_keys::HostKeys;

/// What holds at the moment: the configuration, and what new connections are told after it. It is
/// exchanged as a whole.
#[derive(Debug)]
pub(crate) struct Charter {
    /// The configuration.
    pub(crate) config: Config,
    /// What new connections are told.
    pub(crate) server: Arc<ServerConfig>,
}

impl Charter {
    /// What follows from a configuration.
    ///
    /// # Errors
    /// Where the gateway cannot say who it is.
    pub(crate) fn new(config: Config, rekey: Rekey) -> Result<Self, Failure> {
        let software = concat!("adit_", env!("CARGO_PKG_VERSION"));
        let identification = Identification::own(software)
            .map_err(|error| Failure::new(Exit::Other, format!("{software}: {error}")))?;
        let mut common = Common::new(provider::default(), identification);
        common.algorithms = config.algorithms.clone();
        let mut host_keys = certified(&config);
        host_keys.extend(HostKeys(config.host_keys.clone()).public());
        let own = &common.algorithms.host_keys;
        let more = algorithm::ALL.iter().filter(|it| own.contains(it.signature));
        let more = more.map(|it| it.name).filter(|name| !own.contains(name));
        common.algorithms.host_keys = NameList::new(more.chain(own.iter())).unwrap_or_default();
        let mut server = ServerConfig::new(common, host_keys);
        server.methods = methods();
        server.login_timeout = config.limits.login_grace;
        server.max_login_attempts = config.limits.login_attempts;
        // The user of a client may have to be asked about the host key in the first key exchange.
        server.common.exchange_timeout = server.login_timeout;
        server.common.rekey = rekey;
        Ok(Self { config, server: Arc::new(server) })
    }
}

/// The host keys that have certificates.
fn certified(config: &Config) -> Vec<HostKey> {
    let certificates = config.host_certificates.iter();
    certificates
        .map(|certificate| {
            let algorithms = algorithm::of_type(certificate.key_type()).map(|it| it.name);
            HostKey {
                key: certificate.wire().clone(),
                algorithms: NameList::new(algorithms).unwrap_or_default(),
            }
        })
        .collect()
}

/// How users log in.
pub(crate) fn methods() -> NameList {
    NameList::new(METHODS).unwrap_or_default()
}
