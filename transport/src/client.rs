//! A client that trusts by known hosts, logs in by identities, and asks its user for the rest.

use adit_proto::ClientConfig;
use adit_proto::event::{Credential, HostProof, Invitation, SignRequest};
use adit_proto::kex::proposal::Agreement;
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::userauth_interactive::UserauthInfoRequest;
use adit_proto::secret::Secret;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

pub use adit_proto::kex::proposal::Offers;

use crate::connect::{self, Ask, Signed};
use crate::identity::agent;
use crate::link::{self, Link};
use crate::login::Login;
use crate::login::attempt::Attempt;
use crate::prompt::Prompt;
use crate::public_key::PublicKey;
use crate::trust::{Trust, Untrusted};

/// Why a client did not come in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection ended.
    #[error(transparent)]
    Link(#[from] link::Error),
    /// The server's host key is not trusted.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// All credentials were tried.
    #[error("the login was refused")]
    Refused {
        /// What was tried.
        attempts: Vec<Attempt>,
        /// The keys that were not tried any more, since the server ended the connection.
        untried: Vec<String>,
        /// The methods that the server offered last, with commas between them.
        methods: String,
        /// The words by which the server ended the connection, where it did: it has had enough.
        ended: Option<String>,
    },
}

/// A client that knows whom it trusts and how it logs in.
#[derive(Debug)]
pub struct Client<P> {
    trust: Trust,
    login: Login,
    prompt: P,
    identification: Option<String>,
    offers: Option<Offers>,
    agreement: Option<Agreement>,
    shown: Option<PublicKey>,
    accepted: Option<String>,
    untrusted: Option<Untrusted>,
}

impl<P: Prompt> Client<P> {
    /// A client.
    pub fn new(trust: Trust, login: Login, prompt: P) -> Self {
        Self {
            trust,
            login,
            prompt,
            identification: None,
            offers: None,
            agreement: None,
            shown: None,
            accepted: None,
            untrusted: None,
        }
    }

    /// Exchanges keys and logs in. See [`connect::connect`].
    ///
    /// # Errors
    /// Where the connection ends, the host key is not trusted, or the login is refused.
    pub async fn connect<S>(&mut self, stream: S, config: &ClientConfig) -> Result<Link<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connected = connect::connect(stream, config, self).await;
        if connected.is_ok() {
            self.accepted = self.login.trying().map(str::to_owned);
        }
        connected.map_err(|error| match error {
            connect::Error::Link(error) => self.explain(error),
            connect::Error::Untrusted => match self.untrusted.take() {
                Some(untrusted) => untrusted.into(),
                None => link::Error::Protocol(adit_proto::Error::HostKey(
                    adit_proto::error::HostKey::Untrusted,
                ))
                .into(),
            },
            connect::Error::Refused => self.refused(None),
        })
    }

    /// Who the server said it is.
    pub fn identification(&self) -> Option<&str> {
        self.identification.as_deref()
    }

    /// What both sides offered, also where they did not come to terms.
    pub fn offers(&self) -> Option<&Offers> {
        self.offers.as_ref()
    }

    /// What was tried to log in, in vain or for more.
    pub fn attempts(&self) -> &[Attempt] {
        self.login.attempts()
    }

    /// What let the user in.
    pub fn accepted(&self) -> Option<&str> {
        self.accepted.as_deref()
    }

    /// The trust, which knows after [`connect`](Self::connect) why the server was trusted.
    /// In its place stays one that trusts nobody.
    pub fn take_trust(&mut self) -> Trust {
        let nobody = Trust::pinned(self.trust.host().clone(), Vec::new());
        std::mem::replace(&mut self.trust, nobody)
    }

    /// The algorithms that were agreed on.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }

    /// The host key that the server has shown, and proved to have where it was let on.
    pub fn host_key_shown(&self) -> Option<&PublicKey> {
        self.shown.as_ref()
    }

    /// What an agent is to be told on a connection that is forwarded to this server, see
    /// [`agent::forwarding`]. `None` where no server has proved who it is.
    pub fn agent_binding(&self) -> Option<Bytes> {
        self.login.server().map(agent::forwarding)
    }

    /// A server that has had enough attempts ends the connection; that is a refused login.
    fn explain(&mut self, error: link::Error) -> Error {
        let words = match &error {
            link::Error::Protocol(adit_proto::Error::Disconnected { description, .. }) => {
                self.login.end();
                description.clone()
            }
            _ => return error.into(),
        };
        if self.login.attempts().is_empty() {
            return error.into();
        }
        tracing::debug!(%error, "the server ended the login");
        self.refused(Some(words))
    }

    fn refused(&self, ended: Option<String>) -> Error {
        Error::Refused {
            attempts: self.login.attempts().to_vec(),
            untried: self.login.untried().collect(),
            methods: self.login.server_methods().map(ToString::to_string).unwrap_or_default(),
            ended,
        }
    }
}

impl<P: Prompt> Ask for Client<P> {
    async fn host_key(&mut self, proof: &HostProof) -> bool {
        // One that cannot be read is never trusted.
        let Ok(key) = PublicKey::from_wire(proof.key.clone()) else { return false };
        self.shown = Some(key.clone());
        match self.trust.check(&key, &mut self.prompt).await {
            Ok(()) => {
                self.login.bind(proof.clone());
                true
            }
            Err(untrusted) => {
                self.untrusted = Some(untrusted);
                false
            }
        }
    }

    fn identified(&mut self, identification: &str) {
        self.identification = Some(identification.to_owned());
    }

    fn offered(&mut self, offers: Offers) {
        self.offers = Some(offers);
    }

    fn agreed(&mut self, agreement: &Agreement) {
        tracing::info!(
            kex = agreement.exchange,
            host_key = agreement.host_key,
            cipher_out = agreement.cipher_client_to_server,
            cipher_in = agreement.cipher_server_to_client,
            mac_out = agreement.mac_client_to_server,
            mac_in = agreement.mac_server_to_client,
            compression_out = agreement.compression_client_to_server,
            compression_in = agreement.compression_server_to_client,
            "agreed"
        );
        self.agreement = Some(agreement.clone());
    }

    fn extensions(&mut self, extensions: &ExtInfo) {
        self.login.learn(extensions);
    }

    fn banner(&mut self, words: &str) {
        self.prompt.tell(words.trim_end());
    }

    async fn credential(&mut self, invitation: Invitation) -> Option<Credential> {
        self.login.credential(invitation, &mut self.prompt).await
    }

    async fn key_accepted(&mut self) -> Option<Credential> {
        self.login.key_accepted(&mut self.prompt).await
    }

    async fn sign(&mut self, request: SignRequest) -> Signed {
        self.login.sign(request, &mut self.prompt).await
    }

    async fn answer(&mut self, questions: UserauthInfoRequest) -> Option<Vec<Secret>> {
        self.login.answer(questions, &mut self.prompt).await
    }

    async fn change_password(&mut self, words: &str) -> Option<Credential> {
        self.login.change_password(words, &mut self.prompt).await
    }
}
