//! A long path: a relay that hands on every byte half a round trip later, at the speed of the path.
//!
//! What it stands in for is a link without loss between two hosts whose TCP is not in the way. It runs in the
//! process that makes the load, so what it costs counts for nobody, and plain TCP over it is the measure.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Context, Result};

/// 1 Gbit/s, in bytes.
const BYTES_PER_SECOND: u32 = 125_000_000;

/// What the path holds beyond what is under way: the queue of a router.
const QUEUE: usize = 1024 * 1024;

/// What is handed on at once.
const PIECE: usize = 32 * 1024;

/// How long a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay {
    /// The round trip.
    pub(crate) round_trip: Duration,
}

/// A path to an address, which takes no more connections when this is dropped.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    listener: Arc<TcpListener>,
}

impl Link {
    /// A path to `far`.
    pub(crate) fn start(delay: Delay, far: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen as a link")?;
        let address = listener.local_addr().context("listen as a link")?;
        let listener = Arc::new(listener);
        let accepting = Arc::clone(&listener);
        // All connections share the speed of the path, either way.
        let ways = [Arc::new(Wire::new()), Arc::new(Wire::new())];
        thread::spawn(move || {
            while let Ok((near, _)) = accepting.accept() {
                let ways = ways.clone();
                thread::spawn(move || join(delay, near, far, &ways));
            }
        });
        Ok(Self { address, listener })
    }

    /// The near end.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // On Linux this ends the wait for a connection; those that run end with their programs.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
    }
}

/// Carries a connection. What the near side says counts as said a round trip after it connected at the
/// earliest, and the far side hears of the connection half a round trip after that, as with a handshake of TCP.
fn join(delay: Delay, near: TcpStream, far: SocketAddr, ways: &[Arc<Wire>; 2]) {
    let connected = Instant::now() + delay.round_trip;
    let [forth, back] = ways;
    let forth = Way { delay, connected, wire: forth, transit: Arc::new(Transit::new(delay)) };
    let back = Way { delay, connected, wire: back, transit: Arc::new(Transit::new(delay)) };
    let carried = forth.gather(&near).and_then(|()| {
        sleep_until(connected + delay.round_trip / 2);
        let far = TcpStream::connect(far)?;
        forth.deliver(&far)?;
        back.gather(&far)?;
        back.deliver(&near)
    });
    if carried.is_err() {
        let _ = near.shutdown(Shutdown::Both);
        forth.transit.close();
    }
}

/// One direction of a connection.
struct Way<'a> {
    delay: Delay,
    connected: Instant,
    wire: &'a Arc<Wire>,
    transit: Arc<Transit>,
}

impl Way<'_> {
    /// Starts the thread that takes what one side says, from now on.
    fn gather(&self, from: &TcpStream) -> io::Result<()> {
        let mut from = from.try_clone()?;
        let (delay, connected) = (self.delay, self.connected);
        let (wire, transit) = (Arc::clone(self.wire), Arc::clone(&self.transit));
        thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let length = from.read(&mut piece).unwrap_or(0);
                piece.truncate(length);
                let sent = wire.send(Instant::now().max(connected), length);
                if transit.put(sent + delay.round_trip / 2, piece).is_err() {
                    let _ = from.shutdown(Shutdown::Read);
                    return;
                }
                if length == 0 {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Starts the thread that hands it to the other side when it is due.
    fn deliver(&self, to: &TcpStream) -> io::Result<()> {
        let mut to = to.try_clone()?;
        to.set_nodelay(true)?;
        let transit = Arc::clone(&self.transit);
        thread::spawn(move || {
            loop {
                let (due, piece) = transit.take();
                sleep_until(due);
                if piece.is_empty() || to.write_all(&piece).is_err() {
                    transit.close();
                    let _ = to.shutdown(Shutdown::Write);
                    return;
                }
            }
        });
        Ok(())
    }
}

fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// The speed of one way of the path, which its connections share.
#[derive(Debug)]
struct Wire {
    free: Mutex<Instant>,
}

impl Wire {
    fn new() -> Self {
        Self { free: Mutex::new(Instant::now()) }
    }

    /// When so many bytes, ready at `now`, have left.
    fn send(&self, now: Instant, bytes: usize) -> Instant {
        let takes = Duration::from_secs(1).mul_f64(
            f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / f64::from(BYTES_PER_SECOND),
        );
        let mut free = lock(&self.free);
        *free = now.max(*free) + takes;
        *free
    }
}

/// Bytes under way in one direction, with the time at which each arrives; no more than the path holds.
#[derive(Debug)]
struct Transit {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    closed: bool,
}

impl Transit {
    fn new(delay: Delay) -> Self {
        let under_way = f64::from(BYTES_PER_SECOND) * delay.round_trip.as_secs_f64() / 2.0;
        // Whole pieces, so that no float has to become an integer.
        let pieces = (0..).take_while(|piece| f64::from(*piece) * 32_768.0 < under_way).count();
        Self { state: Mutex::default(), changed: Condvar::new(), capacity: pieces * PIECE + QUEUE }
    }

    /// Waits until the path has room.
    fn put(&self, due: Instant, piece: Vec<u8>) -> Result<(), io::ErrorKind> {
        let mut state = lock(&self.state);
        while state.bytes > self.capacity && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Err(io::ErrorKind::BrokenPipe);
        }
        state.bytes += piece.len();
        state.pieces.push_back((due, piece));
        self.changed.notify_all();
        Ok(())
    }

    fn take(&self) -> (Instant, Vec<u8>) {
        let mut state = lock(&self.state);
        loop {
            if let Some((due, piece)) = state.pieces.pop_front() {
                state.bytes = state.bytes.saturating_sub(piece.len());
                self.changed.notify_all();
                return (due, piece);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::entry::Entry;
    use crate::bench::target::{Request, Target};

    #[test]
    fn an_answer_takes_two_round_trips_of_which_one_is_the_handshake() {
        let target = Target::start().unwrap();
        let delay = Delay { round_trip: Duration::from_millis(40) };
        let link = Link::start(delay, target.address()).unwrap();
        let started = Instant::now();
        let entry = Entry { address: link.address(), socks: None };
        entry.connect_and_hear(Request::Hold).unwrap();
        let took = started.elapsed();
        assert!(took >= 2 * delay.round_trip, "{took:?}");
    }

    #[test]
    fn a_wire_is_as_fast_as_it_says() {
        let (wire, now) = (Wire::new(), Instant::now());
        let half = usize::try_from(BYTES_PER_SECOND / 2).unwrap();
        let first = wire.send(now, half);
        let second = wire.send(now, half);
        assert!(first >= now + Duration::from_millis(499));
        assert!(second >= first + Duration::from_millis(499));
    }
}
