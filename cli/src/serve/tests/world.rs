//! A world of the tests' own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use adit_forward::refusal::Refusal;
use adit_forward::socket::Stream;
use adit_gateway::answers::{Answer, Answers};
use adit_gateway::host::Name;
use adit_gateway::socket_path::SocketPath;
use adit_gateway::subject::Pinned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::serve::world::World;

/// What a target says to whoever reaches it. It sends back what it gets after that.
pub(super) const REACHED: &[u8] = b"reached";

/// A world in which every target is reached, and the tests say what names mean and what time it is.
/// All its clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Stub(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    now: SystemTime,
    /// What is known of names and paths.
    known: Answers,
    /// What each next question about a name is answered by.
    next: HashMap<String, Vec<Answer>>,
    asked: Vec<String>,
    dialled: Vec<Vec<Pinned>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            now: UNIX_EPOCH,
            known: Answers::default(),
            next: HashMap::new(),
            asked: Vec::new(),
            dialled: Vec::new(),
        }
    }
}

impl Stub {
    pub(super) fn set_now(&self, now: SystemTime) {
        self.0.lock().unwrap().now = now;
    }

    pub(super) fn set_known(&self, known: Answers) {
        self.0.lock().unwrap().known = known;
    }

    /// What the questions about a name are answered by, the last of them first.
    pub(super) fn answer_in_turn(&self, name: &str, answers: Vec<Answer>) {
        self.0.lock().unwrap().next.insert(name.to_owned(), answers);
    }

    /// The names that were asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    /// What was dialled.
    pub(super) fn dialled(&self) -> Vec<Vec<Pinned>> {
        self.0.lock().unwrap().dialled.clone()
    }
}

impl World for Stub {
    type Stream = Stream;

    fn now(&self) -> SystemTime {
        self.0.lock().unwrap().now
    }

    async fn look_up(&self, name: Name) -> Answer {
        let mut inner = self.0.lock().unwrap();
        inner.asked.push(name.to_string());
        let next = inner.next.get_mut(name.as_str()).and_then(Vec::pop);
        next.unwrap_or_else(|| inner.known.name(&name))
    }

    async fn follow(&self, path: SocketPath) -> Option<SocketPath> {
        self.0.lock().unwrap().known.path(&path).cloned()
    }

    async fn connect(&self, ways: Vec<Pinned>) -> Result<(Stream, Pinned), Refusal> {
        let first = ways[0].clone();
        self.0.lock().unwrap().dialled.push(ways);
        let (near, mut far) = UnixStream::pair()?;
        tokio::spawn(async move {
            far.write_all(REACHED).await?;
            let (mut from, mut to) = far.split();
            tokio::io::copy(&mut from, &mut to).await?;
            to.shutdown().await
        });
        Ok((Stream::Unix(near), first))
    }
}

/// Reads what a target says first.
pub(super) async fn reached(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let mut said = [0; REACHED.len()];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(said, REACHED);
}
