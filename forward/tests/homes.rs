//! Channels of a session that runs on another thread than those who accept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;

use adit_channels::memory::{self, Path};
use adit_channels::session::{Config, Handle, Session};
use adit_forward::accept::Accept;
use adit_forward::channel;
use adit_forward::entry::Bind;
use adit_forward::fixed::Fixed;
use adit_forward::origin::Origin;
use adit_forward::relay::Relay;
use adit_forward::stream::Stream;
use adit_forward::target::Target;
use adit_forward::tcp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// The names of the threads that have read.
type Readers = Arc<Mutex<BTreeSet<String>>>;

/// A connection that tells who reads it.
struct Watched {
    inner: tcp::Stream,
    readers: Readers,
}

/// A listener of such connections.
struct Port {
    inner: tcp::Listener,
    readers: Readers,
}

impl Accept for Port {
    type Stream = Watched;

    async fn accept(&mut self) -> io::Result<(Watched, Origin)> {
        let (inner, origin) = self.inner.accept().await?;
        Ok((Watched { inner, readers: Arc::clone(&self.readers) }, origin))
    }
}

impl Stream for Watched {
    fn settle(self) -> io::Result<Self> {
        Ok(Self { inner: self.inner.settle()?, readers: self.readers })
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let name = thread::current().name().unwrap_or_default().to_owned();
        self.readers.lock().unwrap().insert(name);
        Pin::new(&mut self.inner).poll_read(cx, into)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Runs a session whose peer says back what is said to it, until the sender is dropped.
fn sessions(stopped: oneshot::Receiver<()>, give: oneshot::Sender<Handle>) {
    runtime().block_on(async {
        let (here, there) = memory::pair(Path::default());
        let (here, there) =
            (Session::new(here, Config::default()), Session::new(there, Config::default()));
        tokio::spawn(here.driver);
        tokio::spawn(there.driver);
        let mut openings = there.openings;
        tokio::spawn(async move {
            while let Some(opening) = openings.next().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = tokio::io::split(opening.accept());
                    tokio::io::copy(&mut reader, &mut writer).await.unwrap();
                    writer.shutdown().await.unwrap();
                });
            }
        });
        give.send(here.handle).unwrap();
        // It is only ever dropped.
        let _ = stopped.await;
    });
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends so much through a tunnel, and yields what came back.
async fn converse(address: std::net::SocketAddr, sent: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let mut back = Vec::new();
    let (read, written) = tokio::join!(reader.read_to_end(&mut back), async {
        writer.write_all(sent).await?;
        writer.shutdown().await
    });
    read.unwrap();
    written.unwrap();
    back
}

#[test]
fn what_goes_through_a_channel_is_moved_by_the_thread_of_its_session() {
    let (stop, stopped) = oneshot::channel();
    let (give, given) = oneshot::channel();
    let home = thread::Builder::new().name("home".to_owned());
    let home = home.spawn(move || sessions(stopped, give)).unwrap();
    let readers = Readers::default();
    runtime().block_on(async {
        let session = given.await.unwrap();
        let inner = tcp::Listener::bind(&Bind::Default, 0).await.unwrap();
        let address = inner.addresses()[0];
        let listener = Port { inner, readers: Arc::clone(&readers) };
        let target = Target::Tcp { host: "echo".to_owned(), port: 7 };
        let relay = Relay::new(Fixed::new(listener, target), channel::Dialer::new(session));
        let relay = tokio::spawn(relay.run());
        let sent: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        for _ in 0..3 {
            assert!(converse(address, &sent).await == sent);
        }
        relay.abort();
    });
    drop(stop);
    home.join().unwrap();
    assert_eq!(*readers.lock().unwrap(), BTreeSet::from(["home".to_owned()]));
}
