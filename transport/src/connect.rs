//! The client's side of a connection's beginning: who is asked for trust and credentials.

use std::future::{Future, poll_fn};
use std::sync::Arc;

use adit_proto::event::{Credential, Event, HostProof, Invitation, SignRequest};
use adit_proto::kex::proposal::{Agreement, Offers};
use adit_proto::message::disconnect::Reason;
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::userauth_interactive::UserauthInfoRequest;
use adit_proto::secret::Secret;
use adit_proto::{ClientConfig, Connection};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::link::{self, Link, now};

/// Answers what only the user of a client can answer.
///
/// A future that is dropped has not answered; the connection is dropped with it.
pub trait Ask: Send {
    /// Whether the server's host key is to be trusted. That the server has the key is proved.
    fn host_key(&mut self, proof: &HostProof) -> impl Future<Output = bool> + Send;

    /// The server has said who it is.
    fn identified(&mut self, _identification: &str) {}

    /// What both sides offered, also where they did not come to terms.
    fn offered(&mut self, _offers: Offers) {}

    /// The algorithms that were agreed on.
    fn agreed(&mut self, agreement: &Agreement);

    /// What the server says that it has, `server-sig-algs` among it
    /// ([RFC 8308 section 3.1](https://www.rfc-editor.org/rfc/rfc8308#section-3.1)).
    fn extensions(&mut self, extensions: &ExtInfo);

    /// Words that the server shows before login, fit for a terminal.
    fn banner(&mut self, words: &str);

    /// The next credential to try; `None` gives up.
    fn credential(
        &mut self,
        invitation: Invitation,
    ) -> impl Future<Output = Option<Credential>> + Send;

    /// What follows when the key that was offered would be taken; `None` gives up.
    fn key_accepted(&mut self) -> impl Future<Output = Option<Credential>> + Send;

    /// A signature as on the wire, or where it cannot be made, the next credential to try.
    fn sign(&mut self, request: SignRequest) -> impl Future<Output = Signed> + Send;

    /// The answers to the server's questions; `None` gives up.
    fn answer(
        &mut self,
        questions: UserauthInfoRequest,
    ) -> impl Future<Output = Option<Vec<Secret>>> + Send;

    /// What follows when the server wants another password; `None` gives up.
    fn change_password(&mut self, words: &str) -> impl Future<Output = Option<Credential>> + Send;
}

/// What became of a request to sign.
#[derive(Debug)]
pub enum Signed {
    /// A signature as on the wire.
    Signature(Bytes),
    /// None, and this credential is to be tried; `None` gives up.
    Instead(Option<Credential>),
}

/// Why a client did not come in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection ended.
    #[error(transparent)]
    Link(#[from] link::Error),
    /// The host key was not trusted.
    #[error("the host key is not trusted")]
    Untrusted,
    /// All credentials were tried.
    #[error("the login was refused")]
    Refused,
}

/// Exchanges keys and logs in, as client. The key exchange has the deadline of `config`; the
/// login has none but the server's, since the user may be asked.
///
/// Cancel safe in that nothing is left behind: dropping the future ends the connection.
///
/// # Errors
/// Where the connection ends before the login, or `ask` gives up.
pub async fn connect<S, A>(stream: S, config: &ClientConfig, ask: &mut A) -> Result<Link<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Ask,
{
    let connection = Connection::client(now(), config);
    let mut link = Link::new(stream, connection, Arc::from([]));
    loop {
        let event = poll_fn(|cx| link.poll_event(cx)).await;
        if let Some(offers) = link.connection().take_offers() {
            ask.offered(offers);
        }
        let event = event?;
        match step(&mut link, ask, event).await {
            Step::On => {}
            Step::LoggedIn => return Ok(link),
            Step::GivenUp(error) => {
                link.farewell().await;
                return Err(error);
            }
        }
    }
}

enum Step {
    On,
    LoggedIn,
    GivenUp(Error),
}

/// Answers one event. Where the answer itself ends the connection, the next event says why.
async fn step<S, A>(link: &mut Link<S>, ask: &mut A, event: Event) -> Step
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Ask,
{
    let credential = match event {
        Event::HostKey(proof) => return trust(link, ask, proof).await,
        Event::Authenticated => return Step::LoggedIn,
        Event::Identified(identification) => {
            ask.identified(&identification.to_string());
            return Step::On;
        }
        Event::Agreed(agreement) => {
            ask.agreed(&agreement);
            return Step::On;
        }
        Event::Extensions(extensions) => {
            ask.extensions(&extensions);
            return Step::On;
        }
        Event::Banner(words) => {
            ask.banner(&words);
            return Step::On;
        }
        Event::Sign(request) => match ask.sign(request).await {
            Signed::Signature(signature) => {
                let _ = link.connection().provide_signature(now(), signature);
                return Step::On;
            }
            Signed::Instead(credential) => credential,
        },
        Event::Asked(questions) => match ask.answer(questions).await {
            Some(answers) => {
                let _ = link.connection().respond(now(), answers);
                return Step::On;
            }
            None => None,
        },
        Event::Authenticate(invitation) => ask.credential(invitation).await,
        Event::KeyAccepted => ask.key_accepted().await,
        Event::ChangePassword(words) => ask.change_password(&words).await,
        event => {
            tracing::debug!(?event, "nothing to do");
            return Step::On;
        }
    };
    match credential {
        Some(credential) => {
            let _ = link.connection().authenticate(now(), credential);
            Step::On
        }
        None => {
            link.disconnect(Reason::NO_MORE_AUTH_METHODS_AVAILABLE, "no more login methods");
            Step::GivenUp(Error::Refused)
        }
    }
}

async fn trust<S, A>(link: &mut Link<S>, ask: &mut A, proof: HostProof) -> Step
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Ask,
{
    let trusted = ask.host_key(&proof).await;
    match link.connection().trust(now(), trusted) {
        Err(_) if !trusted => Step::GivenUp(Error::Untrusted),
        _ => Step::On,
    }
}
