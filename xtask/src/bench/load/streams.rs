//! Streams that move as much as they can, until they are dropped.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crate::bench::entry::Entry;
use crate::bench::target::{BLOCK, Request};
use crate::error::{Context, Error, Result};

/// Where bulk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// One stream each way.
    Both,
}

impl Direction {
    fn requests(self) -> &'static [Request] {
        match self {
            Self::Up => &[Request::Sink],
            Self::Down => &[Request::Source],
            Self::Both => &[Request::Sink, Request::Source],
        }
    }
}

/// Some streams, each with a thread.
#[derive(Debug)]
pub(crate) struct Streams {
    sockets: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
    received: Arc<AtomicU64>,
}

impl Streams {
    /// Opens `count` streams in each direction that is meant.
    pub(crate) fn open(entry: Entry, direction: Direction, count: usize) -> Result<Self> {
        let received = Arc::new(AtomicU64::new(0));
        let mut streams = Self { sockets: Vec::new(), threads: Vec::new(), received };
        for request in
            direction.requests().iter().copied().cycle().take(count * direction.requests().len())
        {
            let socket = entry.connect(request)?;
            let (moving, received) =
                (socket.try_clone().context("a stream")?, Arc::clone(&streams.received));
            streams.sockets.push(socket);
            streams.threads.push(thread::spawn(move || match request {
                Request::Source => read(moving, &received),
                _ => write(moving),
            }));
        }
        Ok(streams)
    }

    /// How many bytes have come down.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// An error if a stream has ended, which none should.
    pub(crate) fn check(&self) -> Result<()> {
        if self.threads.iter().any(JoinHandle::is_finished) {
            return Err(Error::new("a stream ended before its time"));
        }
        Ok(())
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn read(mut stream: TcpStream, received: &AtomicU64) {
    let mut block = vec![0; BLOCK];
    while let Ok(length @ 1..) = stream.read(&mut block) {
        received.fetch_add(u64::try_from(length).unwrap_or_default(), Ordering::Relaxed);
    }
}

fn write(mut stream: TcpStream) {
    let block = vec![7; BLOCK];
    while stream.write_all(&block).is_ok() {}
}
