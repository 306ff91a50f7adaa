//! A client of ssh-agent, [RFC 9987](https://www.rfc-editor.org/rfc/rfc9987).

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adit_proto::event::HostProof;
use adit_proto::wire;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tracing::debug;

use crate::certificate::{Certificate, algorithm};
use crate::identity::agent::reply::Reply;
use crate::identity::agent::request::{Hash, Request, Use};
use crate::public_key::PublicKey;

mod reply;
mod request;

/// How long an agent may take to tell its keys.
const LIST_LIMIT: Duration = Duration::from_secs(10);

/// How long an agent may take to sign: it may ask its user, or wait for a touch.
const SIGN_LIMIT: Duration = Duration::from_secs(120);

/// The longest answer that is read, as in OpenSSH.
const LONGEST: u32 = 256 * 1024;

/// An agent: who holds private keys and signs with them.
///
/// Each request is made on a connection of its own, so that requests neither wait for one another
/// nor spoil one another's connection when they are given up.
#[derive(Debug, Clone)]
pub struct Agent {
    path: Arc<Path>,
}

/// A key that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its public key.
    pub public_key: PublicKey,
    /// The certificate that the agent holds with it. The agent lists the key without it by itself,
    /// where it has it.
    pub certificate: Option<Arc<Certificate>>,
    /// Its comment, often a file's name.
    pub comment: String,
}

/// What an agent is to be told before all else on a connection that is forwarded to a server, with
/// its length: `session-bind@openssh.com`
/// ([PROTOCOL.agent section 1](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.agent)).
/// It answers by one message, which need not be success.
pub fn forwarding(server: &HostProof) -> Bytes {
    Request::SessionBind(server, Use::Forwarding).encode().into()
}

impl Agent {
    /// The agent that listens on the socket `path`, which is not looked at yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: Arc::from(path.as_ref()) }
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys that the agent holds, in its order: those of the types that can be logged in with.
    /// Keys of other types are left out. It waits 10 seconds at most.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; nothing else is lost.
    pub async fn keys(&self) -> Result<Vec<Key>, Error> {
        let answer = self.ask(&Request::Identities, LIST_LIMIT).await?;
        match Reply::parse(&answer) {
            Some(Reply::Identities(keys)) => Ok(keys.into_iter().filter_map(usable).collect()),
            Some(Reply::Failure) => Err(self.error(Cause::Refused)),
            _ => Err(self.error(Cause::Malformed)),
        }
    }

    /// Has the agent sign `data` by `algorithm` with the key that it lists as `key`, a public key or
    /// a certificate as on the wire, and yields the signature as on the wire
    /// ([RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6)). It waits two
    /// minutes at most, since the agent may ask its user.
    ///
    /// With a `server` the agent is told first which session it signs for, so that it signs with
    /// keys that are good for some servers only. One that does not know that signs all the same.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the agent may still ask its user, in vain.
    pub async fn sign(
        &self,
        key: &[u8],
        algorithm: &str,
        data: &[u8],
        server: Option<&HostProof>,
    ) -> Result<Bytes, Error> {
        let request = Request::Sign { key, data, hash: Hash::of(algorithm) };
        let answer = match server {
            Some(server) => self.ask_bound(&request, server).await?,
            None => self.ask(&request, SIGN_LIMIT).await?,
        };
        match Reply::parse(&answer) {
            Some(Reply::Signature(signature)) => match wire::utf8(signature) {
                Ok((_, name)) if name == algorithm => Ok(answer.slice_ref(signature)),
                Ok((_, name)) => Err(self.error(Cause::Algorithm(name.to_owned()))),
                Err(_) => Err(self.error(Cause::Malformed)),
            },
            Some(Reply::Failure) => Err(self.error(Cause::Refused)),
            _ => Err(self.error(Cause::Malformed)),
        }
    }

    async fn ask_bound(&self, request: &Request<'_>, server: &HostProof) -> Result<Bytes, Error> {
        let answer = async {
            let mut stream = UnixStream::connect(&self.path).await.map_err(Cause::Connect)?;
            match exchange(&mut stream, &Request::SessionBind(server, Use::Login).encode()).await {
                Ok(answer) => {
                    debug!(bound = answer.first() == Some(&6), "agent was told the server");
                }
                Err(error) => {
                    debug!(%error, "the agent cannot be told the server");
                    stream = UnixStream::connect(&self.path).await.map_err(Cause::Connect)?;
                }
            }
            exchange(&mut stream, &request.encode()).await
        };
        self.in_time(answer, SIGN_LIMIT).await
    }

    async fn ask(&self, request: &Request<'_>, limit: Duration) -> Result<Bytes, Error> {
        let answer = async {
            let mut stream = UnixStream::connect(&self.path).await.map_err(Cause::Connect)?;
            exchange(&mut stream, &request.encode()).await
        };
        self.in_time(answer, limit).await
    }

    async fn in_time(
        &self,
        answer: impl Future<Output = Result<Bytes, Cause>>,
        limit: Duration,
    ) -> Result<Bytes, Error> {
        timeout(limit, answer)
            .await
            .unwrap_or(Err(Cause::Late(limit)))
            .map_err(|cause| self.error(cause))
    }

    fn error(&self, cause: Cause) -> Error {
        Error { path: Arc::clone(&self.path), cause }
    }
}

/// Sends a request and reads the answer, which it yields without its length.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &[u8],
) -> Result<Bytes, Cause> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let len = stream.read_u32().await?;
    if len > LONGEST {
        return Err(Cause::TooLong(len));
    }
    let mut answer = vec![0; usize::try_from(len).unwrap_or_default()];
    stream.read_exact(&mut answer).await?;
    Ok(Bytes::from(answer))
}

/// The types of keys that an agent can be asked to sign with.
const USABLE: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

fn usable((key, comment): (&[u8], &[u8])) -> Option<Key> {
    // What is shown must not steer a terminal.
    let comment = String::from_utf8_lossy(comment).replace(char::is_control, "?");
    let wire = Bytes::copy_from_slice(key);
    match PublicKey::from_wire(wire.clone()) {
        Ok(key) if algorithm::is_certificate(key.key_type()) => {
            match Certificate::from_wire(wire) {
                Ok(certificate) => {
                    let public_key = certificate.key().clone();
                    Some(Key { public_key, certificate: Some(Arc::new(certificate)), comment })
                }
                Err(error) => {
                    debug!(%error, comment, "malformed certificate of the agent left out");
                    None
                }
            }
        }
        Ok(public_key) if USABLE.contains(&public_key.key_type()) => {
            Some(Key { public_key, certificate: None, comment })
        }
        Ok(key) => {
            debug!(key_type = key.key_type(), comment, "agent key of unsupported type left out");
            None
        }
        Err(error) => {
            debug!(%error, comment, "malformed agent key left out");
            None
        }
    }
}

/// An agent did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("ssh-agent at {}: {cause}", path.display())]
pub struct Error {
    path: Arc<Path>,
    cause: Cause,
}

impl Error {
    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self.cause {
            Cause::Connect(_) => {
                Some("start one with ssh-agent, and see that SSH_AUTH_SOCK is set")
            }
            Cause::Refused => {
                Some("see with ssh-add -l whether it holds the key and is not locked")
            }
            Cause::Late(_) => Some("it may be waiting for a confirmation or a touch"),
            Cause::Algorithm(_) => Some("the agent is too old for this key; use another one"),
            Cause::Lost(_) | Cause::TooLong(_) | Cause::Malformed => None,
        }
    }
}

/// Why an agent did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Nobody listens on the socket.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The connection was lost before the answer was complete.
    #[error("connection lost: {0}")]
    Lost(#[from] io::Error),
    /// It took too long.
    #[error("no answer in {} seconds", .0.as_secs())]
    Late(Duration),
    /// It would not or could not.
    #[error("it refused")]
    Refused,
    /// Its answer is longer than any can be.
    #[error("its answer is too long: {0} bytes")]
    TooLong(u32),
    /// Its answer cannot be understood.
    #[error("its answer is malformed")]
    Malformed,
    /// It signed by another algorithm than it was asked to.
    #[error("it signed by \"{0}\", which it was not asked for")]
    Algorithm(String),
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::Put;
    use tokio::net::UnixListener;

    use super::*;

    const ED25519: &str = include_str!("../../../testdata/keys/ed25519.pub");
    const CERTIFICATE: &str = include_str!("../../../testdata/certificates/ed25519.pub");

    fn key() -> PublicKey {
        PublicKey::parse(ED25519.trim_end()).unwrap().0
    }

    /// An agent that takes one connection, reads one request and gives one answer.
    struct Fake {
        agent: Agent,
        task: tokio::task::JoinHandle<Vec<u8>>,
        _folder: tempfile::TempDir,
    }

    impl Fake {
        fn answering(answer: Vec<u8>) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("agent");
            let listener = UnixListener::bind(&path).unwrap();
            let task = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request =
                    vec![0; usize::try_from(stream.read_u32().await.unwrap()).unwrap()];
                stream.read_exact(&mut request).await.unwrap();
                stream.write_all(&answer).await.unwrap();
                request
            });
            Self { agent: Agent::new(path), task, _folder: folder }
        }

        fn saying(body: &[u8]) -> Self {
            let mut answer = Vec::new();
            answer.put_string(body);
            Self::answering(answer)
        }

        async fn keys(self) -> Result<Vec<Key>, Cause> {
            let result = self.agent.keys().await.map_err(|error| error.cause);
            assert_eq!(self.task.await.unwrap(), [11]);
            result
        }

        async fn sign(self, algorithm: &str) -> Result<Bytes, Cause> {
            let result = self
                .agent
                .sign(key().wire(), algorithm, b"data", None)
                .await
                .map_err(|error| error.cause);
            assert_eq!(self.task.await.unwrap()[0], 13);
            result
        }
    }

    fn identities(keys: &[&[u8]]) -> Vec<u8> {
        let mut body = vec![12];
        body.put_uint32(u32::try_from(keys.len()).unwrap());
        for key in keys {
            body.put_string(key);
            body.put_string(b"comm\x1bent");
        }
        body
    }

    fn signature(name: &str) -> Vec<u8> {
        let mut signature = Vec::new();
        signature.put_string(name.as_bytes());
        signature.put_string(b"signed");
        signature
    }

    fn signed(name: &str) -> Vec<u8> {
        let mut body = vec![14];
        body.put_string(&signature(name));
        body
    }

    #[tokio::test]
    async fn keys_that_cannot_be_used_are_left_out() {
        let mut broken = Vec::new();
        broken.put_string(b"ssh-ed25519-cert-v01@openssh.com");
        let mut unknown = Vec::new();
        unknown.put_string(b"ssh-new@example.com");
        let (certificate, _) = Certificate::parse(CERTIFICATE).unwrap();
        let body = identities(&[&broken, b"junk", key().wire(), &unknown, certificate.wire()]);
        let keys = Fake::saying(&body).keys().await.unwrap();
        let comment = "comm?ent".to_owned();
        let plain = Key { public_key: key(), certificate: None, comment: comment.clone() };
        let public_key = certificate.key().clone();
        let certificate = Some(Arc::new(certificate));
        assert_eq!(keys, [plain, Key { public_key, certificate, comment }]);
    }

    #[tokio::test]
    async fn a_signature_is_yielded_as_on_the_wire() {
        let made = Fake::saying(&signed("ssh-ed25519")).sign("ssh-ed25519").await.unwrap();
        assert_eq!(made, signature("ssh-ed25519"));
    }

    #[tokio::test]
    async fn a_signature_by_another_algorithm_is_refused() {
        let result = Fake::saying(&signed("ssh-rsa")).sign("rsa-sha2-512").await;
        assert!(matches!(result, Err(Cause::Algorithm(name)) if name == "ssh-rsa"));
    }

    #[tokio::test]
    async fn a_refusal_is_told_as_such() {
        assert!(matches!(Fake::saying(&[5]).keys().await, Err(Cause::Refused)));
        assert!(matches!(Fake::saying(&[5]).sign("ssh-ed25519").await, Err(Cause::Refused)));
    }

    #[tokio::test]
    async fn answers_that_are_none_are_errors() {
        for body in [&[][..], &[6], &[12], &[14, 0, 0, 0, 9], &signed("ssh-ed25519")] {
            assert!(matches!(Fake::saying(body).keys().await, Err(Cause::Malformed)), "{body:?}");
        }
        for body in [&identities(&[])[..], &[14, 0, 0, 0, 1, 0]] {
            let result = Fake::saying(body).sign("ssh-ed25519").await;
            assert!(matches!(result, Err(Cause::Malformed)), "{body:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_is_not_read() {
        let result = Fake::answering(vec![0, 4, 0, 1, 12]).keys().await;
        assert!(matches!(result, Err(Cause::TooLong(0x4_0001))));
    }

    #[tokio::test]
    async fn an_agent_that_hangs_up_is_an_error() {
        for answer in [&[][..], &[0, 0], &[0, 0, 0, 9, 12]] {
            let result = Fake::answering(answer.to_vec()).keys().await;
            assert!(matches!(result, Err(Cause::Lost(_))), "{answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_agent_is_not_waited_for_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let _listener = UnixListener::bind(&path).unwrap();
        let error = Agent::new(&path).keys().await.unwrap_err();
        let expected = format!("ssh-agent at {}: no answer in 10 seconds", path.display());
        assert_eq!(error.to_string(), expected);
        let error =
            Agent::new(&path).sign(key().wire(), "ssh-ed25519", b"", None).await.unwrap_err();
        assert!(matches!(error.cause(), Cause::Late(SIGN_LIMIT)));
    }

    #[tokio::test]
    async fn where_no_agent_is_is_told_with_a_hint() {
        let error = Agent::new("/nonexistent/agent").keys().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "ssh-agent at /nonexistent/agent: cannot connect: \
             No such file or directory (os error 2)",
        );
        assert!(error.hint().unwrap().contains("SSH_AUTH_SOCK"));
    }
}
