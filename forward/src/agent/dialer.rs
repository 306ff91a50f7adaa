//! The way to an agent.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::dial::Dial;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;
use crate::unix;

/// How long the agent may take to be reached, and to take note of who asks.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest answer to what it is told, in bytes. It is a number of one byte.
const LONGEST: u32 = 1024;

/// Dials an agent, and tells it first for which server it is asked, so that it can hold keys that
/// are good for some ways only.
#[derive(Debug, Clone)]
pub struct Dialer {
    binding: Bytes,
}

impl Dialer {
    /// Tells the agent this message before all others: `session-bind@openssh.com` for the session
    /// with the server that it is forwarded to
    /// ([PROTOCOL.agent section 1](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.agent)),
    /// with its length.
    pub fn new(binding: Bytes) -> Self {
        Self { binding }
    }

    /// A connection to an agent that was told. One that does not know such messages serves all the
    /// same: it has no keys that would need them.
    async fn reach(&self, path: &Path) -> Result<UnixStream, Refusal> {
        let mut agent = unix::connect(path).await?;
        match self.bind(&mut agent).await {
            Ok(()) => Ok(agent),
            Err(error) => {
                tracing::debug!(%error, "the agent cannot be told of the server");
                unix::connect(path).await
            }
        }
    }

    async fn bind(&self, agent: &mut UnixStream) -> io::Result<()> {
        agent.write_all(&self.binding).await?;
        let len = agent.read_u32().await?;
        if len == 0 || len > LONGEST {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut answer = vec![0; usize::try_from(len).unwrap_or_default()];
        agent.read_exact(&mut answer).await?;
        tracing::debug!(bound = answer.first() == Some(&6), "the agent was told of the server");
        Ok(())
    }
}

impl Dial for Dialer {
    type Stream = UnixStream;

    async fn dial(&self, target: &Target, _: &Origin) -> Result<UnixStream, Refusal> {
        let Target::Unix(path) = target else { return Err(Refusal::NotAllowed) };
        timeout(PATIENCE, self.reach(path)).await.unwrap_or(Err(Refusal::TimedOut))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio::net::UnixListener;

    use super::*;

    /// An agent that gives these answers to what it is told first, one for each connection, and
    /// then says what it hears.
    async fn dial(answers: &'static [&'static [u8]]) -> Result<UnixStream, Refusal> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("agent");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut asked, _) = listener.accept().await.unwrap();
                let mut told = [0; 5];
                asked.read_exact(&mut told).await.unwrap();
                assert_eq!(told, *b"bound");
                asked.write_all(answer).await.unwrap();
                tokio::spawn(async move {
                    let (mut reader, mut writer) = asked.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
            let (mut asked, _) = listener.accept().await.unwrap();
            let (mut reader, mut writer) = asked.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
            drop(folder);
        });
        let dialer = Dialer::new(Bytes::from_static(b"bound"));
        dialer.dial(&Target::Unix(path), &Origin::Unix).await
    }

    async fn serves(mut agent: UnixStream) {
        agent.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        agent.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, *b"hello");
    }

    #[tokio::test]
    async fn an_agent_is_told_before_it_is_asked_whatever_it_answers() {
        serves(dial(&[&[0, 0, 0, 1, 6]]).await.unwrap()).await;
        serves(dial(&[&[0, 0, 0, 1, 5]]).await.unwrap()).await;
        serves(dial(&[&[0, 0, 0, 3, 5, 0, 0]]).await.unwrap()).await;
    }

    #[tokio::test]
    async fn an_agent_whose_answer_is_none_is_asked_anew() {
        serves(dial(&[&[0, 0, 0, 0]]).await.unwrap()).await;
        serves(dial(&[&[255, 0, 0, 0]]).await.unwrap()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_says_nothing_is_given_up() {
        assert_eq!(dial(&[&[]]).await.unwrap_err(), Refusal::TimedOut);
    }

    #[tokio::test]
    async fn no_agent_is_a_refusal() {
        let dialer = Dialer::new(Bytes::new());
        let nowhere = Target::Unix("/nonexistent/agent".into());
        let refusal = dialer.dial(&nowhere, &Origin::Unix).await.unwrap_err();
        assert_eq!(refusal, Refusal::NameNotFound);
        let host = Target::Tcp { host: "localhost".to_owned(), port: 1 };
        assert_eq!(dialer.dial(&host, &Origin::Unix).await.unwrap_err(), Refusal::NotAllowed);
    }
}
