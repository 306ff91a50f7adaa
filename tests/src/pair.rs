//! A client and a server of our own, joined in memory, with real cryptography.

use std::sync::Arc;

use adit_proto::config::{ClientConfig, Common, HostKey, ServerConfig};
use adit_proto::event::{Decision, LoginMethod, LoginRequest, Proof};
use adit_proto::ident::Identification;
use adit_proto::name::NameList;
use adit_transport::accept::{Decide, accept};
use adit_transport::client::{self, Client};
use adit_transport::identity::Identity;
use adit_transport::identity::private_key::PrivateKey;
use adit_transport::known_hosts::KnownHosts;
use adit_transport::known_hosts::host::Host;
use adit_transport::link::{self, Link};
use adit_transport::login::candidate::Candidate;
use adit_transport::login::{Config, Login};
use adit_transport::prompt::Prompt;
use adit_transport::provider;
use adit_transport::secret::Secret;
use adit_transport::trust::{Policy, Trust};
use tokio::io::{AsyncRead, AsyncWrite};

/// What both sides are told; change it before they are joined.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The client.
    pub client: ClientConfig,
    /// The server. Its host keys are filled in when it begins.
    pub server: ServerConfig,
}

impl Default for Pair {
    fn default() -> Self {
        let client = ClientConfig::new(common("adit_client"), "alice".to_owned());
        let server = ServerConfig::new(common("adit_server"), Vec::new());
        Self { client, server }
    }
}

fn common(software: &str) -> Common {
    let identification = Identification::own(software).expect("a fixed name");
    Common::new(provider::default(), identification)
}

/// Lets everybody in who has shown to have a key, and nobody else.
struct Anybody;

impl Decide for Anybody {
    async fn decide(&mut self, request: LoginRequest) -> Decision {
        match request.method {
            LoginMethod::PublicKey { proof: Proof::Verified(_), .. } => Decision::Accept,
            _ => {
                let methods = NameList::parse("publickey").expect("a fixed name");
                Decision::Refuse { methods }
            }
        }
    }
}

/// Nobody to ask.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Prompt for Nobody {
    async fn ask(&mut self, _: &str) -> Option<String> {
        None
    }
    async fn ask_secret(&mut self, _: &str) -> Option<Secret> {
        None
    }
    fn tell(&mut self, _: &str) {}
}

impl Pair {
    /// Connects as client, with a key of its own, trusting any host.
    ///
    /// # Errors
    /// Where the connection does not come about.
    pub async fn connect<S>(&self, stream: S) -> Result<Link<S>, client::Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let key = PrivateKey::generate_ed25519("alice").expect("there is randomness");
        let identity = Candidate::ready(Identity::from_key(key, "memory"));
        let host = Host::new("host", 22);
        let trust = Trust::new(Policy::AcceptNew, host, KnownHosts::default(), None);
        let config = Config {
            destination: "alice@host".to_owned(),
            signatures: self.client.common.algorithms.signatures.clone(),
            interactive: 0,
            password: 0,
        };
        let login = Login::new(config, [identity]);
        Client::new(trust, login, Nobody).connect(stream, &self.client).await
    }

    /// Accepts as server, with a host key of its own, whoever has a key.
    ///
    /// # Errors
    /// Where the connection does not come about.
    pub async fn accept<S>(&self, stream: S) -> Result<Link<S>, link::Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let key = PrivateKey::generate_ed25519("host").expect("there is randomness");
        let public = key.public_key();
        let mut config = self.server.clone();
        config.host_keys.push(HostKey {
            key: public.wire().clone(),
            algorithms: NameList::new(public.algorithms()).expect("fixed names"),
        });
        accept(stream, &Arc::new(config), Arc::from([key]), &mut Anybody).await
    }
}
