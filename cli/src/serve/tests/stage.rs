//! A gateway in memory, and guests of it.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use adit_channels::channel_open::{Kind, Tcpip};
use adit_channels::global_request::{self, Bind};
use adit_channels::mux::Answer;
use adit_channels::session::{self, Channel, Handle, OpenError, Openings, Session};
use adit_forward::stop::{Signal, Switch};
use adit_forward::target::Target;
use adit_gateway::config::Config;
use adit_tests::keys::{Keys, Type};
use adit_tests::visitor::Visitor;
use adit_transport::config::Rekey;
use adit_transport::connect;
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use crate::memory::Memory;
use crate::serve::charter::Charter;
use crate::serve::gateway::{Ends, Gateway};
use crate::serve::ledger::{Book, Ledger, Scribe};
use crate::serve::tests::world::Stub;

/// A gateway in a world of its own, and its flow log.
pub(super) struct Stage {
    pub(super) gateway: Gateway<Stub>,
    pub(super) world: Stub,
    pub(super) switch: Switch,
    signal: Signal,
    scribe: Scribe,
    folder: TempDir,
}

/// Somebody who is logged in.
pub(super) struct Guest {
    pub(super) handle: Handle,
    /// What the gateway opens.
    pub(super) openings: Openings,
    /// Ends when the gateway is done with the connection.
    pub(super) served: JoinHandle<()>,
}

impl Stage {
    pub(super) fn new(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = adit_gateway::flow::Place::File(folder.path().join("flow.jsonl"));
        let (ledger, scribe) = Ledger::begin(Book::open(Some(&place)).unwrap()).unwrap();
        let charter = Charter::new(config, Rekey::default()).unwrap();
        let world = Stub::default();
        let gateway = Gateway::new(charter, world.clone(), ledger);
        let (switch, signal) = Switch::new();
        Self { gateway, world, switch, signal, scribe, folder }
    }

    /// Somebody comes from an address; `None` where it is turned away at once.
    pub(super) fn arrive(&self, from: IpAddr) -> Option<(DuplexStream, JoinHandle<()>)> {
        let peer = SocketAddr::new(from, 50_000);
        let visit = self.gateway.receive(peer)?;
        let (near, far) = tokio::io::duplex(64 * 1024);
        let ends = Ends { peer, own: SocketAddr::new(HERE, 22) };
        let served = self.gateway.clone().attend(Memory(far), ends, visit, self.signal.clone());
        Some((near, tokio::spawn(served)))
    }

    /// Somebody comes from an address and logs in.
    pub(super) async fn log_in(
        &self,
        visitor: Visitor,
        user: &str,
        from: IpAddr,
    ) -> Result<Guest, connect::Error> {
        let (stream, served) = self.arrive(from).expect("turned away");
        let link = visitor.connect(stream, user).await?;
        let session = Session::new(link, session::Config::default());
        let Session { handle, driver, openings, .. } = session;
        tokio::spawn(driver);
        Ok(Guest { handle, openings, served })
    }

    /// The lines of the flow log, all of them, in the end.
    pub(super) fn finish(self) -> Vec<serde_json::Value> {
        self.scribe.finish();
        let text = fs::read_to_string(self.folder.path().join("flow.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Guest {
    /// Asks for a connection.
    pub(super) async fn open(&self, target: &Target) -> Result<Channel, OpenError> {
        self.handle
            .open(match target {
                Target::Tcp { host, port } => Kind::DirectTcpip(Tcpip {
                    host: host.clone(),
                    port: u32::from(*port),
                    originator: "192.0.2.1".to_owned(),
                    originator_port: 7,
                }),
                Target::Unix(path) => {
                    Kind::DirectStreamlocal { path: path.to_str().unwrap().to_owned() }
                }
            })
            .await
    }

    /// The reason and the words by which a connection is refused.
    pub(super) async fn refused(&self, target: &Target) -> (u32, String) {
        match self.open(target).await {
            Err(OpenError::Refused(refused)) => (refused.reason.0, refused.description.0),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it was opened"),
        }
    }

    /// Asks to be told of connections to a place; the port where the gateway has chosen it, and
    /// `None` where it refuses.
    pub(super) async fn listen(&self, place: &Target) -> Option<Option<u16>> {
        let kind = match place {
            Target::Tcp { host, port } => global_request::Kind::TcpipForward(Bind {
                address: host.clone(),
                port: u32::from(*port),
            }),
            Target::Unix(path) => {
                global_request::Kind::StreamlocalForward { path: path.to_str().unwrap().to_owned() }
            }
        };
        match self.handle.global_request(kind).await.unwrap() {
            Answer::Granted(data) => {
                let chosen = data.first_chunk().map(|port| u32::from_be_bytes(*port));
                Some(chosen.map(|port| u16::try_from(port).unwrap()))
            }
            Answer::Refused => None,
        }
    }

    pub(super) async fn leave(self) {
        self.handle.disconnect();
        self.served.await.unwrap();
    }
}

/// A folder with a host key, and a user's, and a configuration that lets that user, `ann`, in.
pub(super) struct House {
    pub(super) folder: TempDir,
}

impl House {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["host", "ann"] {
            Keys::generate(folder.path(), name, Type::Ed25519);
        }
        Self { folder }
    }

    pub(super) fn at(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration, with more lines before `ann` and after it.
    pub(super) fn config(&self, before: &str, after: &str) -> Config {
        let key = fs::read_to_string(self.at().join("ann.pub")).unwrap();
        let text = format!(
            "host-keys = [\"host\"]\n{before}\n[[user]]\nname = \"ann\"\nkeys = ['''{}''']\n{after}",
            key.trim_end()
        );
        Config::parse(&text, "test", self.at()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn ann(&self) -> Visitor {
        Visitor::new(&self.at().join("ann"), None)
    }
}

/// A rule that allows everything.
pub(super) const ALL: &str = "[[rule]]\nname = \"all\"\naction = \"allow\"\n";

/// Where guests come from.
pub(super) const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

pub(super) fn tcp(host: &str, port: u16) -> Target {
    Target::Tcp { host: host.to_owned(), port }
}
