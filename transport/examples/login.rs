//! A client and a server that come to terms in memory, with real cryptography.

use std::error::Error;
use std::sync::Arc;

use adit_transport::accept::{Decide, accept};
use adit_transport::client::Client;
use adit_transport::config::{ClientConfig, Common, HostKey, ServerConfig};
use adit_transport::event::{Decision, LoginMethod, LoginRequest, Proof};
use adit_transport::ident::Identification;
use adit_transport::identity::Identity;
use adit_transport::identity::private_key::PrivateKey;
use adit_transport::known_hosts::host::Host;
use adit_transport::login::candidate::Candidate;
use adit_transport::login::{Config, Login};
use adit_transport::name::NameList;
use adit_transport::prompt::Prompt;
use adit_transport::public_key::PublicKey;
use adit_transport::secret::Secret;
use adit_transport::trust::Trust;
use adit_transport::{link, provider};

/// Lets one key in.
struct Doorman(PublicKey);

impl Decide for Doorman {
    async fn decide(&mut self, request: LoginRequest) -> Decision {
        match request.method {
            LoginMethod::PublicKey { key, proof: Proof::Verified(_), .. }
                if key == *self.0.wire() =>
            {
                Decision::Accept
            }
            _ => Decision::Refuse { methods: NameList::parse("publickey").unwrap_or_default() },
        }
    }
}

/// Nobody to ask.
struct Nobody;

impl Prompt for Nobody {
    async fn ask(&mut self, _: &str) -> Option<String> {
        None
    }
    async fn ask_secret(&mut self, _: &str) -> Option<Secret> {
        None
    }
    fn tell(&mut self, words: &str) {
        println!("{words}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client_end, server_end) = tokio::io::duplex(64 * 1024);
    let (host_key, user_key) =
        (PrivateKey::generate_ed25519("host")?, PrivateKey::generate_ed25519("alice")?);
    let common = Common::new(provider::default(), Identification::own("example")?);

    let trust = Trust::pinned(Host::new("host", 22), vec![host_key.public_key().fingerprint()]);
    let mut doorman = Doorman(user_key.public_key().clone());
    let public = host_key.public_key();
    let algorithms = NameList::new(public.algorithms())?;
    let host_keys = vec![HostKey { key: public.wire().clone(), algorithms }];
    let server = Arc::new(ServerConfig::new(common.clone(), host_keys));
    let serving = accept(server_end, &server, Arc::from([host_key]), &mut doorman);

    let config = Config {
        destination: "alice@host".to_owned(),
        signatures: common.algorithms.signatures.clone(),
        interactive: 0,
        password: 0,
    };
    let identity = Candidate::ready(Identity::from_key(user_key, "memory"));
    let mut client = Client::new(trust, Login::new(config, [identity]), Nobody);
    let config = ClientConfig::new(common, "alice".to_owned());
    let connecting = client.connect(client_end, &config);

    let (served, connected) = tokio::join!(serving, connecting);
    let (served, connected): (link::Link<_>, link::Link<_>) = (served?, connected?);
    println!("client: logged in to {}", connected.peer_identification().unwrap_or_default());
    println!("server: logged in from {}", served.peer_identification().unwrap_or_default());
    println!("both: {:?}", client.agreement());
    Ok(())
}
