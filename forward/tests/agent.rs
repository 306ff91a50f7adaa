//! Agent forwarding between two sessions joined in memory.

#![cfg(test)]

use std::io::ErrorKind;
use std::time::Duration;

use adit_channels::channel_open::{Kind, Reason};
use adit_channels::memory::{self, Path};
use adit_channels::session::{Config, Handle, OpenError, Session};
use adit_forward::agent::{Dialer, Door, Listener, Socket};
use adit_forward::channel::{Agent, Router, Routes};
use adit_forward::fixed::Fixed;
use adit_forward::relay::{Limits, relay};
use adit_forward::target::Target;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// How long anything may take that should come at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client with an agent, and its server.
struct Rig {
    door: Door,
    agent: UnixListener,
    server: Handle,
    folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let (here, there) = memory::pair(Path::default());
        let (client, server) =
            (Session::new(here, Config::default()), Session::new(there, Config::default()));
        tokio::spawn(client.driver);
        tokio::spawn(server.driver);
        let routes = Routes::default();
        tokio::spawn(Router::new(client.openings, routes.clone()).run());
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("agent");
        let agent = UnixListener::bind(&path).unwrap();
        let (listener, door) = Listener::new(&routes, path);
        let (session, dialer) = (client.handle, Dialer::new(Bytes::from_static(b"bound")));
        tokio::spawn(async move {
            let ended = relay(listener, dialer, Limits::default()).await;
            drop(session);
            ended
        });
        Self { door, agent, server: server.handle, folder }
    }

    /// The next connection to the agent, which is told first for whom it is.
    async fn asked(&self) -> UnixStream {
        let (mut asked, _) = timeout(PATIENCE, self.agent.accept()).await.unwrap().unwrap();
        let mut told = [0; 5];
        asked.read_exact(&mut told).await.unwrap();
        assert_eq!(told, *b"bound");
        asked.write_all(&[0, 0, 0, 1, 6]).await.unwrap();
        asked
    }

    async fn is_refused(&self, as_it: Reason) {
        let Err(OpenError::Refused(refusal)) = self.server.open(Kind::AuthAgent).await else {
            panic!("it is open")
        };
        assert_eq!(refusal.reason, as_it);
    }
}

async fn converse(mut one: impl AsyncReadExt + AsyncWriteExt + Unpin, mut other: UnixStream) {
    one.write_all(b"who").await.unwrap();
    let mut heard = [0; 3];
    timeout(PATIENCE, other.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, *b"who");
    other.write_all(b"you").await.unwrap();
    timeout(PATIENCE, one.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, *b"you");
}

#[tokio::test]
async fn each_connection_is_told_to_the_agent_before_it_asks() {
    let rig = Rig::new();
    let _admission = rig.door.open();
    for _ in 0..3 {
        let (channel, asked) = tokio::join!(rig.server.open(Kind::AuthAgent), rig.asked());
        converse(channel.unwrap(), asked).await;
    }
}

#[tokio::test]
async fn a_channel_that_nobody_asked_for_is_refused() {
    let rig = Rig::new();
    rig.is_refused(Reason::ADMINISTRATIVELY_PROHIBITED).await;
    let admission = rig.door.open();
    let second = rig.door.open();
    drop(admission);
    let (channel, asked) = tokio::join!(rig.server.open(Kind::AuthAgent), rig.asked());
    drop(second);
    rig.is_refused(Reason::ADMINISTRATIVELY_PROHIBITED).await;
    // What is open goes on.
    converse(channel.unwrap(), asked).await;
}

#[tokio::test]
async fn an_agent_that_is_gone_is_a_refusal() {
    let Rig { door, agent, server, folder } = Rig::new();
    let _admission = door.open();
    drop(agent);
    let Err(OpenError::Refused(refusal)) = server.open(Kind::AuthAgent).await else { panic!() };
    assert_eq!(refusal.reason, Reason::CONNECT_FAILED);
    drop(folder);
}

#[tokio::test]
async fn a_program_at_the_server_gets_through_from_end_to_end() {
    let rig = Rig::new();
    let _admission = rig.door.open();
    let folder = rig.folder.path().join("served");
    let socket = Socket::bind(&folder, "agent", None).unwrap();
    let path = socket.path().to_owned();
    let dialer = Agent::new(rig.server.clone());
    let target = Target::Unix(path.clone());
    let served = tokio::spawn(relay(Fixed::new(socket, target), dialer, Limits::default()));
    let (program, asked) = tokio::join!(UnixStream::connect(&path), rig.asked());
    converse(program.unwrap(), asked).await;
    served.abort();
    assert!(served.await.is_err());
    assert_eq!(UnixStream::connect(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!folder.exists());
}
