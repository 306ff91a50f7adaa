//! A client that shows what it is told to show, certificates among it, and tries it once.

use std::fs;
use std::path::Path;

use adit_proto::config::{ClientConfig, Common};
use adit_proto::event::{Credential, HostProof, Invitation, SignRequest};
use adit_proto::ident::Identification;
use adit_proto::kex::proposal::Agreement;
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::userauth_interactive::UserauthInfoRequest;
use adit_proto::secret::Secret;
use adit_transport::certificate::{Certificate, algorithm};
use adit_transport::connect::{self, Ask, Signed};
use adit_transport::identity::private_key::{self, Parsed, PrivateKey};
use adit_transport::link::Link;
use adit_transport::provider;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

/// A client that logs in by one key, certified or not, trusting any host.
#[derive(Debug)]
pub struct Visitor {
    key: PrivateKey,
    /// What is shown: the key's public half, or a certificate of it.
    shown: Bytes,
    algorithm: &'static str,
    signature: &'static str,
    tried: bool,
}

impl Visitor {
    /// A visitor with the ed25519 key of a file, and the certificate of another one.
    ///
    /// # Panics
    /// Where a file is missing, or is not what it should be.
    pub fn new(key: &Path, certificate: Option<&Path>) -> Self {
        let key = match private_key::load(key).expect("a private key") {
            Parsed::Plain(key) => key,
            Parsed::Encrypted(_) => panic!("the key is encrypted"),
        };
        let Some(path) = certificate else {
            let shown = key.public_key().wire().clone();
            let algorithm = "ssh-ed25519";
            return Self { key, shown, algorithm, signature: algorithm, tried: false };
        };
        let text = fs::read_to_string(path).expect("a certificate");
        let (certificate, _comment) = Certificate::parse(&text).expect("a certificate");
        let algorithm = algorithm::of_type(certificate.key_type()).next().expect("an algorithm");
        let shown = certificate.wire().clone();
        Self { key, shown, algorithm: algorithm.name, signature: algorithm.signature, tried: false }
    }

    /// Connects and logs in as this user.
    ///
    /// # Errors
    /// Where the connection or the login does not come about.
    ///
    /// # Panics
    /// Where its own name is none.
    pub async fn connect<S>(mut self, stream: S, user: &str) -> Result<Link<S>, connect::Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let identification = Identification::own("adit_visitor").expect("a fixed name");
        let common = Common::new(provider::default(), identification);
        let config = ClientConfig::new(common, user.to_owned());
        connect::connect(stream, &config, &mut self).await
    }
}

impl Ask for Visitor {
    async fn host_key(&mut self, _: &HostProof) -> bool {
        true
    }

    fn agreed(&mut self, _: &Agreement) {}

    fn extensions(&mut self, _: &ExtInfo) {}

    fn banner(&mut self, _: &str) {}

    async fn credential(&mut self, _: Invitation) -> Option<Credential> {
        let key = self.shown.clone();
        let first = !std::mem::replace(&mut self.tried, true);
        first.then(|| Credential::PublicKey { key, algorithm: self.algorithm.to_owned() })
    }

    async fn key_accepted(&mut self) -> Option<Credential> {
        None
    }

    async fn sign(&mut self, request: SignRequest) -> Signed {
        match self.key.sign(self.signature, &request.data) {
            Some(signature) => Signed::Signature(signature),
            None => Signed::Instead(None),
        }
    }

    async fn answer(&mut self, _: UserauthInfoRequest) -> Option<Vec<Secret>> {
        None
    }

    async fn change_password(&mut self, _: &str) -> Option<Credential> {
        None
    }
}
