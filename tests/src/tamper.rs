//! A wire whose traffic is altered on its way.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// What is done to one direction, at this many bytes from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// A bit of the byte is flipped.
    Flip(usize),
    /// The byte is left out.
    Drop(usize),
    /// A byte is put in before it.
    Insert(usize),
    /// The stream ends before it.
    Cut(usize),
}

/// Which direction is harmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From client to server.
    ToServer,
    /// From server to client.
    ToClient,
}

/// A wire between a client and a server.
#[derive(Debug)]
pub struct Wire {
    /// The client's end.
    pub client: DuplexStream,
    /// The server's end.
    pub server: DuplexStream,
    /// The bytes carried so far to the server and to the client.
    pub carried: [Arc<AtomicUsize>; 2],
}

/// A wire on which `harm` is done once.
pub fn wire(harm: Option<(Direction, Harm)>) -> Wire {
    let (client, client_far) = duplex(64 * 1024);
    let (server, server_far) = duplex(64 * 1024);
    let (client_read, client_write) = tokio::io::split(client_far);
    let (server_read, server_write) = tokio::io::split(server_far);
    let carried = [Arc::default(), Arc::default()];
    let of = |wanted| harm.filter(|(direction, _)| *direction == wanted).map(|(_, harm)| harm);
    let [to_server, to_client] = carried.clone();
    tokio::spawn(carry(client_read, server_write, of(Direction::ToServer), to_server));
    tokio::spawn(carry(server_read, client_write, of(Direction::ToClient), to_client));
    Wire { client, server, carried }
}

async fn carry(
    mut from: tokio::io::ReadHalf<DuplexStream>,
    mut to: tokio::io::WriteHalf<DuplexStream>,
    harm: Option<Harm>,
    carried: Arc<AtomicUsize>,
) -> io::Result<()> {
    let mut at = 0;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let len = from.read(&mut buffer).await?;
        if len == 0 {
            return to.shutdown().await;
        }
        let mut chunk = buffer[..len].to_vec();
        let range = at..at + len;
        let here = |place: usize| range.contains(&place).then(|| place - range.start);
        match harm {
            Some(Harm::Flip(place)) => {
                if let Some(place) = here(place) {
                    chunk[place] ^= 1 << (place % 8);
                }
            }
            Some(Harm::Drop(place)) => {
                if let Some(place) = here(place) {
                    chunk.remove(place);
                }
            }
            Some(Harm::Insert(place)) => {
                if let Some(place) = here(place) {
                    chunk.insert(place, 0x2a);
                }
            }
            Some(Harm::Cut(place)) => {
                if let Some(place) = here(place) {
                    to.write_all(&chunk[..place]).await?;
                    return to.shutdown().await;
                }
            }
            None => {}
        }
        at += len;
        carried.store(at, Ordering::Relaxed);
        to.write_all(&chunk).await?;
    }
}
