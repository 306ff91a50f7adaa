//! A server on the way, the destination among them.

use std::time::Duration;

use adit_forward::refusal::Refusal;
use adit_forward::target::Target;
use adit_transport::client::{Client, Error};
use adit_transport::config::Algorithms;
use adit_transport::known_hosts::host::Host;
use adit_transport::link::Link;
use adit_transport::name::NameList;
use adit_transport::public_key::PublicKey;
use adit_transport::public_key::fingerprint::Fingerprint;
use adit_transport::trust::Trust;
use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::client::learner::Learner;
use crate::client::manner::Manner;
use crate::client::stream::Stream;
use crate::client::{explanation, identities, terms};
use crate::failure::{Exit, Failure};
use crate::prompt::{Mode, Terminal};
use crate::settings::Settings;

/// How long a server may take to be reached where the settings say nothing. It is longer than
/// systems try, so that their cause is told.
const REACH: Duration = Duration::from_secs(150);

/// How long a login may take in which nobody is asked. Each answer of the server has a limit of
/// its own, which is shorter; this is for one that has an answer without end.
const LOGIN: Duration = Duration::from_secs(300);

/// How long a login may take in which the user may be asked.
const LOGIN_BY_HAND: Duration = Duration::from_secs(600);

/// A server on the way, and how it is to be entered.
#[derive(Debug)]
pub(crate) struct Hop {
    /// What is set for it.
    pub(crate) settings: Settings,
    place: Place,
}

/// Which of how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// From 1 on.
    pub(crate) number: usize,
    /// How many there are, the destination included.
    pub(crate) of: usize,
}

impl Hop {
    /// A server.
    pub(crate) fn new(settings: Settings, place: Place) -> Self {
        Self { settings, place }
    }

    /// What messages call it: its host, and where there are several, which of them it is.
    pub(crate) fn name(&self) -> String {
        match self.place {
            Place { of: 1, .. } => self.settings.host.clone(),
            Place { number, of } => format!("hop {number} of {of} ({})", self.settings.host),
        }
    }

    /// Where it listens.
    pub(crate) fn target(&self) -> Target {
        Target::Tcp { host: self.settings.host.clone(), port: self.settings.port }
    }

    /// How long it may take to be reached.
    pub(crate) fn patience(&self) -> Duration {
        self.settings.connect_timeout.unwrap_or(REACH)
    }

    /// Makes ready to enter: reads keys and known hosts. What cannot be read is told and left
    /// out.
    pub(crate) async fn prepare(&self, manner: Manner) -> Entrance<'_> {
        let settings = &self.settings;
        let known = terms::trust(settings, self.known_as());
        let algorithms = terms::in_order(settings, &known);
        let trust = match manner {
            Manner::First => known,
            Manner::Again(key) => Trust::pinned(self.known_as(), vec![key]),
        };
        let candidates = identities::gather(settings).await;
        let login = terms::login(settings, candidates);
        let batch = settings.batch_mode || manner != Manner::First;
        let (mode, login_limit) =
            if batch { (Mode::Batch, LOGIN) } else { (Mode::Ask, LOGIN_BY_HAND) };
        let client = Client::new(trust, login, Terminal::new(mode));
        Entrance { hop: self, manner, client, algorithms, login_limit, begun: Instant::now() }
    }

    /// Makes ready to look at its host key of one of these algorithms, and to go no further.
    pub(super) fn look(&self, wanted: &[&str]) -> Entrance<'_> {
        let mut algorithms = self.settings.algorithms.clone();
        algorithms.host_keys = NameList::new(wanted.iter().copied()).unwrap_or_default();
        let login = terms::login(&self.settings, Vec::new());
        let client = Client::new(
            Trust::pinned(self.known_as(), Vec::new()),
            login,
            Terminal::new(Mode::Batch),
        );
        let (manner, begun) = (Manner::First, Instant::now());
        Entrance { hop: self, manner, client, algorithms, login_limit: LOGIN, begun }
    }

    /// How it is looked up among known hosts.
    pub(super) fn known_as(&self) -> Host {
        match &self.settings.host_key_alias {
            Some(alias) => Host::alias(alias),
            None => Host::new(&self.settings.host, self.settings.port),
        }
    }

    /// That it cannot be reached.
    pub(crate) fn unreachable(&self, why: &str) -> Failure {
        let message = format!("cannot connect to {}: {why}", self.target());
        self.located(Failure::new(Exit::Unreachable, message))
    }

    /// That the server before it does not lead to it.
    pub(crate) fn not_led_to(&self, by: &str, why: &Refusal) -> Failure {
        let hint = match why {
            Refusal::NotAllowed => {
                "that server must allow forwarding there: AllowTcpForwarding and PermitOpen in \
                 its sshd_config, or --permit of adit serve"
            }
            Refusal::NameNotFound => "the name is looked up by that server, and not here",
            _ => "the connection is made by that server: check what it can reach",
        };
        self.unreachable(&format!("{by} answers: {why}")).hint(hint)
    }

    fn located(&self, failure: Failure) -> Failure {
        if self.place.of == 1 { failure } else { failure.at(self.name()) }
    }

    /// Why a connection did not come about, in words.
    fn explain(&self, error: &Error) -> Failure {
        let failure = explanation::explain(&self.name(), &self.settings, error);
        match error {
            // It names the host by itself.
            Error::Untrusted(_) => self.located(failure),
            _ => failure,
        }
    }
}

/// A server about to be entered.
pub(crate) struct Entrance<'a> {
    hop: &'a Hop,
    manner: Manner,
    client: Client<Terminal>,
    algorithms: Algorithms,
    login_limit: Duration,
    /// When it began to be reached.
    begun: Instant,
}

impl Entrance<'_> {
    /// Who enters, and what has become of that.
    pub(crate) fn client(&self) -> &Client<Terminal> {
        &self.client
    }

    /// Exchanges keys and logs in, over a stream that leads there. What is left of
    /// `ConnectTimeout` is for the exchange of keys.
    pub(super) async fn enter(&mut self, stream: Stream) -> Result<Entered, Failure> {
        let hop = self.hop;
        let mut config = terms::config(&hop.settings, self.algorithms.clone())?;
        if hop.settings.connect_timeout.is_some() {
            let left = hop.patience().saturating_sub(self.begun.elapsed());
            config.common.exchange_timeout = left.max(Duration::from_secs(1));
        }
        let limit = config.common.exchange_timeout + self.login_limit;
        match timeout(limit, self.client.connect(stream, &config)).await {
            Ok(Err(Error::Untrusted(_))) if self.manner != Manner::First => {
                let message = "it shows another host key than to the connection before";
                Err(hop.located(Failure::new(Exit::HostKey, message)).hint(
                    "several servers may stand behind one name, or somebody between you and it",
                ))
            }
            Ok(Err(error)) => Err(hop.explain(&error)),
            Ok(Ok(mut link)) => {
                let Some(key) = self.client.host_key_shown().map(PublicKey::fingerprint) else {
                    return Err(Failure::new(Exit::Other, format!("{} has no key", hop.name())));
                };
                if link.peer_is_adit() {
                    link.stream().is_sent_at_once();
                }
                let session_id = link.session_id().unwrap_or_default().to_vec();
                let (trust, update) = (self.client.take_trust(), hop.settings.update_host_keys);
                let mode = if hop.settings.batch_mode { Mode::Batch } else { Mode::Ask };
                let learner = Learner::new(trust, &session_id, update, Terminal::new(mode));
                let binding = self.client.agent_binding().unwrap_or_default();
                Ok(Entered { link, key, binding, learner })
            }
            Err(_) => {
                let message =
                    format!("{}: the login was not over within {} s", hop.name(), limit.as_secs());
                Err(Failure::new(Exit::Lost, message).hint("the server does not answer any more"))
            }
        }
    }
}

impl Entrance<'_> {
    /// The host key that the server shows and proves to have.
    pub(super) async fn key(mut self, stream: Stream) -> Result<PublicKey, Failure> {
        let hop = self.hop;
        let config = terms::config(&hop.settings, self.algorithms)?;
        let limit = hop.patience().min(config.common.exchange_timeout);
        let Ok(ended) = timeout(limit, self.client.connect(stream, &config)).await else {
            return Err(hop.unreachable("it showed no host key in time"));
        };
        match (ended, self.client.host_key_shown()) {
            (_, Some(key)) => Ok(key.clone()),
            (Err(error), None) => Err(hop.explain(&error)),
            (Ok(_), None) => Err(Failure::new(Exit::Protocol, "the server showed no host key")),
        }
    }
}

/// A server that was entered.
#[derive(Debug)]
pub(crate) struct Entered {
    /// The connection.
    pub(crate) link: Link<Stream>,
    /// The host key that it has shown.
    pub(crate) key: Fingerprint,
    /// What an agent is told that is forwarded to it.
    pub(crate) binding: Bytes,
    /// Who learns its further host keys.
    pub(crate) learner: Learner,
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use adit_transport::accept::{Decide, accept};
    use adit_transport::config::{Common, ServerConfig};
    use adit_transport::event::{Decision, LoginRequest};
    use adit_transport::ident::Identification;
    use adit_transport::provider;
    use tempfile::TempDir;
    use tokio::io::{DuplexStream, duplex};

    use super::*;
    use crate::memory::Memory;
    use crate::serve::host_keys::HostKeys;
    use crate::settings::sources::tests::settings;

    /// Never knows whether to let anybody in.
    struct Ponder;

    impl Decide for Ponder {
        async fn decide(&mut self, _: LoginRequest) -> Decision {
            pending().await
        }
    }

    /// The second of three servers, which is entered by a key in this folder.
    fn hop(folder: &TempDir, more: &[&str]) -> Hop {
        let key = folder.path().join("key");
        HostKeys::load(std::slice::from_ref(&key)).unwrap();
        let identity = format!("IdentityFile={}", key.display());
        let files = ["UserKnownHostsFile=none", "GlobalKnownHostsFile=none", "IdentityAgent=none"];
        let trust = ["BatchMode=yes", "StrictHostKeyChecking=no", &identity];
        let options: Vec<&str> = files.iter().chain(&trust).chain(more).copied().collect();
        Hop::new(settings("me@inner", &options), Place { number: 2, of: 3 })
    }

    async fn enter(hop: &Hop, near: DuplexStream) -> (Failure, Duration) {
        let begun = Instant::now();
        let mut entrance = hop.prepare(Manner::First).await;
        let failure = entrance.enter(Box::new(Memory(near))).await.unwrap_err();
        (failure, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_given_up() {
        let folder = TempDir::new().unwrap();
        for (more, limit) in [(&[][..], 60), (&["ConnectTimeout=7"], 7)] {
            let (near, _far) = duplex(100_000);
            let (failure, took) = enter(&hop(&folder, more), near).await;
            assert_eq!(failure.exit, Exit::Protocol);
            assert!(format!("{failure:?}").contains("hop 2 of 3 (inner): "), "{failure:?}");
            assert_eq!(took.as_secs(), limit);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_decides_is_given_up() {
        let folder = TempDir::new().unwrap();
        let hop = hop(&folder, &[]);
        let (near, far) = duplex(100_000);
        let keys = HostKeys::load(&[folder.path().join("host")]).unwrap();
        let identification = Identification::own("adit_test").unwrap();
        let config =
            ServerConfig::new(Common::new(provider::default(), identification), keys.public());
        let server = tokio::spawn(async move {
            accept(far, &Arc::new(config), Arc::clone(&keys.0), &mut Ponder).await
        });
        let (failure, took) = enter(&hop, near).await;
        assert!(format!("{failure:?}").contains("hop 2 of 3 (inner)"), "{failure:?}");
        assert!(took > Duration::from_secs(60) && took <= LOGIN, "{took:?}");
        server.abort();
    }
}
