//! The path of data through both ends of a tunnel, in memory and on one thread, so that its instructions can be
//! counted: `cargo run --release -p adit-tests --bin hot_path -- up 64`.
//!
//! `up` and `down` move so many MiB, `connections` makes so many short ones. All of a tunnel takes part but sockets:
//! pipe, channel, mux, link, sealing and opening, at the client and at the server.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use adit_channels::session::{Config, Session};
use adit_forward::channel;
use adit_forward::dial::Dial;
use adit_forward::listen::{Inbound, Listen};
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::relay::{Limits, relay};
use adit_forward::stream::Stream;
use adit_forward::target::Target;
use adit_proto::name::NameList;
use adit_tests::pair::Pair;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::sync::mpsc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a socket of the kernel holds, about.
const SOCKET: usize = 256 * 1024;

const BLOCK: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;

/// Bytes of a short connection, either way.
const SHORT: usize = 100;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Up,
    Down,
    Connections,
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [load, count] = words.as_slice() else {
        return Err("arguments: up MIB, down MIB or connections COUNT".into());
    };
    let load = match load.as_str() {
        "up" => Load::Up,
        "down" => Load::Down,
        "connections" => Load::Connections,
        other => return Err(format!("no such load: {other}").into()),
    };
    let count = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(run(load, count))
}

async fn run(load: Load, count: usize) -> Result<()> {
    let mut pair = Pair::default();
    // The default order depends on what was the fastest just now.
    let cipher = NameList::parse("aes128-gcm@openssh.com")?;
    pair.client.common.algorithms.ciphers = cipher;
    let (near, far) = duplex(SOCKET);
    let (client, server) = tokio::join!(pair.connect(near), pair.accept(far));
    let (client, server) = (client?, server?);
    let (client, server) =
        (Session::new(client, Config::default()), Session::new(server, Config::default()));
    tokio::spawn(client.driver);
    tokio::spawn(server.driver);
    let (programs, arriving) = mpsc::channel(1);
    let (limits, served) = (Limits::default(), channel::Direct::new(server.openings));
    tokio::spawn(relay(Programs { arriving }, channel::Dialer::new(client.handle), limits));
    tokio::spawn(relay(served, Far { load }, limits));
    match load {
        Load::Up | Load::Down => bulk(load, &programs, count * MIB).await,
        Load::Connections => {
            for _ in 0..count {
                short(&programs).await?;
            }
            Ok(())
        }
    }
}

/// A program that asks for a connection through the tunnel.
async fn connect(programs: &mpsc::Sender<Memory>) -> Result<DuplexStream> {
    let (ours, theirs) = duplex(SOCKET);
    programs.send(Memory(theirs)).await.map_err(|_| "the tunnel has ended")?;
    Ok(ours)
}

async fn bulk(load: Load, programs: &mpsc::Sender<Memory>, bytes: usize) -> Result<()> {
    let mut stream = connect(programs).await?;
    stream.write_all(&u64::try_from(bytes)?.to_be_bytes()).await?;
    match load {
        Load::Up => write(&mut stream, bytes).await?,
        _ => read(&mut stream, bytes).await?,
    }
    // The other side's word that it has all.
    stream.shutdown().await?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await?;
    if rest.is_empty() { Ok(()) } else { Err("more came than was sent".into()) }
}

async fn short(programs: &mpsc::Sender<Memory>) -> Result<()> {
    let mut stream = connect(programs).await?;
    let mut words = [7; SHORT];
    stream.write_all(&words).await?;
    stream.read_exact(&mut words).await?;
    stream.shutdown().await?;
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn write(stream: &mut DuplexStream, bytes: usize) -> io::Result<()> {
    let block = vec![7; BLOCK];
    for _ in 0..bytes / BLOCK {
        stream.write_all(&block).await?;
    }
    Ok(())
}

async fn read(stream: &mut DuplexStream, bytes: usize) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        match stream.read(&mut block).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => left = left.saturating_sub(length),
        }
    }
    Ok(())
}

/// The target of every connection.
struct Far {
    load: Load,
}

impl Dial for Far {
    type Stream = Memory;

    async fn dial(&self, _: &Target, _: &Origin) -> std::result::Result<Memory, Refusal> {
        let (ours, theirs) = duplex(SOCKET);
        tokio::spawn(serve(self.load, ours));
        Ok(Memory(theirs))
    }
}

/// What fails here is noticed at the near end, as a stream that ends too soon.
async fn serve(load: Load, mut stream: DuplexStream) -> io::Result<()> {
    if load == Load::Connections {
        let mut words = [0; SHORT];
        stream.read_exact(&mut words).await?;
        stream.write_all(&words).await?;
    } else {
        let bytes = usize::try_from(stream.read_u64().await?).map_err(io::Error::other)?;
        match load {
            Load::Up => read(&mut stream, bytes).await?,
            _ => write(&mut stream, bytes).await?,
        }
    }
    stream.shutdown().await?;
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

/// Programs that connect, in place of a listening socket.
struct Programs {
    arriving: mpsc::Receiver<Memory>,
}

impl Listen for Programs {
    type Inbound = Program;

    async fn next(&mut self) -> io::Result<Program> {
        let stream = self.arriving.recv().await;
        stream.map(Program).ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }
}

struct Program(Memory);

impl Inbound for Program {
    type Stream = Memory;

    async fn target(&mut self) -> io::Result<(Target, Origin)> {
        Ok((Target::Tcp { host: "target".to_owned(), port: 80 }, Origin::Unix))
    }

    async fn accept(self) -> io::Result<Memory> {
        Ok(self.0)
    }

    async fn refuse(self, _: Refusal) {}
}

/// In place of a socket. Nothing is cut off here, so it need not tell a reset from an end.
struct Memory(DuplexStream);

impl Stream for Memory {}

impl AsyncRead for Memory {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}
