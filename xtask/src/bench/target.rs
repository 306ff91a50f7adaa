//! The program behind the tunnel. The first byte of a connection says what it does.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::{Context, Result};

/// How many connections are attended to at once; those that are held count only until they are.
const ATTENDANTS: usize = 160;

/// What bulk is read and written by.
pub(crate) const BLOCK: usize = 128 * 1024;

/// Bytes of a short connection, either way.
pub(crate) const SHORT: usize = 100;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Read all, and count it.
    Sink,
    /// Write for as long as it is read.
    Source,
    /// Give back what comes.
    Echo,
    /// Take [`SHORT`] bytes, give as many, end.
    Short,
    /// Give one byte, then do nothing and keep the connection.
    Hold,
}

impl Request {
    const ALL: [Self; 5] = [Self::Sink, Self::Source, Self::Echo, Self::Short, Self::Hold];

    /// Its byte.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Sink => b'u',
            Self::Source => b'd',
            Self::Echo => b'e',
            Self::Short => b's',
            Self::Hold => b'h',
        }
    }
}

/// A listener with its attendants, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    listener: Arc<TcpListener>,
    shared: Arc<Shared>,
    attendants: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    sunk: AtomicU64,
    held: Mutex<Vec<TcpStream>>,
}

impl Target {
    /// Listens on a port of the loopback address.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen as a target")?;
        let address = listener.local_addr().context("listen as a target")?;
        let (listener, shared) = (Arc::new(listener), Arc::new(Shared::default()));
        let attendants = (0..ATTENDANTS)
            .map(|_| {
                let (listener, shared) = (Arc::clone(&listener), Arc::clone(&shared));
                thread::spawn(move || attend(&listener, &shared))
            })
            .collect();
        Ok(Self { address, listener, shared, attendants })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes have come to [`Request::Sink`].
    pub(crate) fn sunk(&self) -> u64 {
        self.shared.sunk.load(Ordering::Relaxed)
    }
}

impl Drop for Target {
    /// Attendants that still serve end with the tunnel that they serve; they are not waited for.
    fn drop(&mut self) {
        // On Linux this ends every wait for a connection.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for attendant in self.attendants.drain(..) {
            if attendant.is_finished() {
                let _ = attendant.join();
            }
        }
    }
}

fn attend(listener: &TcpListener, shared: &Shared) {
    while let Ok((stream, _)) = listener.accept() {
        // Whoever connected may be gone; the next one is not.
        let _ = serve(stream, shared);
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let request = Request::ALL.into_iter().find(|request| [request.byte()] == byte);
    match request.ok_or(io::ErrorKind::InvalidData)? {
        Request::Sink => sink(&mut stream, shared),
        Request::Source => source(&mut stream),
        Request::Echo => echo(&mut stream),
        Request::Short => short(&mut stream),
        Request::Hold => {
            stream.write_all(&byte)?;
            shared.held.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
            Ok(())
        }
    }
}

fn sink(stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match stream.read(&mut block)? {
            0 => return Ok(()),
            length => {
                let length = u64::try_from(length).unwrap_or_default();
                shared.sunk.fetch_add(length, Ordering::Relaxed);
            }
        }
    }
}

fn source(stream: &mut TcpStream) -> io::Result<()> {
    let block = vec![7; BLOCK];
    loop {
        stream.write_all(&block)?;
    }
}

fn echo(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(buffer.get(..length).unwrap_or_default())?,
        }
    }
}

fn short(stream: &mut TcpStream) -> io::Result<()> {
    let mut words = [0; SHORT];
    stream.read_exact(&mut words)?;
    stream.write_all(&words)?;
    stream.shutdown(Shutdown::Write)?;
    // The end of the other side, so that this one does not reset what it still has under way.
    stream.read(&mut words).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(target: &Target, request: Request) -> TcpStream {
        let mut stream = TcpStream::connect(target.address()).unwrap();
        stream.write_all(&[request.byte()]).unwrap();
        stream
    }

    #[test]
    fn each_request_does_what_it_says() {
        let target = Target::start().unwrap();
        let mut byte = [0];
        ask(&target, Request::Hold).read_exact(&mut byte).unwrap();
        assert_eq!(byte, [Request::Hold.byte()]);
        ask(&target, Request::Source).read_exact(&mut byte).unwrap();
        let mut words = [3; SHORT];
        for request in [Request::Echo, Request::Short] {
            let mut stream = ask(&target, request);
            stream.write_all(&words).unwrap();
            stream.read_exact(&mut words).unwrap();
        }
        let mut stream = ask(&target, Request::Sink);
        stream.write_all(&words).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut byte).unwrap(), 0);
        assert_eq!(target.sunk(), 100);
    }

    #[test]
    fn a_dropped_target_listens_no_more() {
        let target = Target::start().unwrap();
        let address = target.address();
        drop(target);
        assert!(TcpStream::connect(address).is_err());
    }
}
