//! How the system is to carry a protocol of packets.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::tcp::debt::{Debt, Step};
use crate::tcp::gather::{self, Gather};
use crate::tcp::option;
use crate::tcp::unsent::Unsent;

/// What a connection of packets asks the system for while it runs, beside what every connection
/// asks for once. A system that has no such option is asked for nothing.
#[derive(Debug)]
pub(super) struct Packets {
    debt: Debt,
    /// None where the system may hold as much as it likes: within a machine all is sent at once,
    /// and a limit would only make for small calls.
    unsent: Option<Unsent>,
    gather: Option<Gathering>,
}

#[derive(Debug)]
struct Gathering {
    gather: Gather,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer runs.
    waits: bool,
}

impl Packets {
    pub(super) fn new(socket: &TcpStream) -> Self {
        let now = Instant::now();
        let is_far = socket.peer_addr().is_ok_and(|peer| !peer.ip().is_loopback());
        let unsent = is_far.then(|| Unsent::new(now));
        if let Some(unsent) = &unsent {
            option::limit_unsent(socket, unsent.limit());
        }
        Self { debt: Debt::Paid, unsent, gather: option::can_gather().then(|| Gathering::new(now)) }
    }

    /// The peer neither delays small segments nor is slow: it waits for no acknowledgement, and
    /// nothing is gathered.
    pub(super) fn is_sent_at_once(&mut self, socket: &TcpStream) {
        self.debt = Debt::Forgiven;
        if self.gather.take().is_some_and(|it| it.gather.gathers()) {
            option::tell_of(socket, 1);
        }
    }

    /// The same for a connection that goes on on another runtime, by whose clock it then waits.
    /// What it has learned of the flow is forgotten.
    pub(super) fn settle(&self, socket: &TcpStream) -> Self {
        option::tell_of(socket, 1);
        let mut settled = Self::new(socket);
        if self.gather.is_none() {
            settled.is_sent_at_once(socket);
        }
        settled
    }

    /// So much was read.
    pub(super) fn handle_read(&mut self, socket: &TcpStream, len: usize) {
        self.debt.handle_read();
        if let Some(gathering) = &mut self.gather {
            gathering.waits = false;
            if gathering.gather.handle_read(len, Instant::now) {
                option::tell_of(socket, gather::MUCH);
            }
        }
    }

    /// So much was written.
    pub(super) fn handle_write(&mut self, socket: &TcpStream, len: usize) {
        self.debt.handle_write();
        if let Some(unsent) = &mut self.unsent
            && unsent.handle_write(len, Instant::now())
        {
            option::limit_unsent(socket, unsent.limit());
        }
    }

    /// There was nothing to be read, as far as the system tells.
    pub(super) fn handle_silence(&mut self, socket: &TcpStream, cx: &mut Context<'_>) {
        if let Some(gathering) = &mut self.gather
            && gathering.waits_in_vain(cx)
        {
            // What has come is told of then, at once.
            option::tell_of(socket, 1);
        }
        match self.debt.handle_silence() {
            Step::Wait => {}
            Step::GiveWay => cx.waker().wake_by_ref(),
            Step::Acknowledge => option::acknowledge(socket),
        }
    }
}

impl Gathering {
    fn new(now: Instant) -> Self {
        let timer = Box::pin(tokio::time::sleep_until(now));
        Self { gather: Gather::new(now), timer, waits: false }
    }

    fn waits_in_vain(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.gather.gathers() {
            return false;
        }
        if !std::mem::replace(&mut self.waits, true) {
            self.timer.as_mut().reset(Instant::now() + gather::PATIENCE);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.waits = false;
        self.gather.handle_vain();
        true
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::stream::Stream as _;
    use crate::tcp::Stream;

    /// Two ends, the first of which gathers.
    async fn ends() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        let mut near = Stream::from(near).for_packets();
        let (socket, packets) = near.parts();
        let mut pieces = 0;
        while !packets.gathers() {
            packets.handle_read(socket, gather::MUCH);
            pieces += 1;
            assert!(pieces < 1000);
        }
        (near, far)
    }

    impl Packets {
        fn gathers(&self) -> bool {
            self.gather.as_ref().is_some_and(|it| it.gather.gathers())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn little_waits_for_the_patience_and_what_follows_it_for_nothing() {
        let (mut near, mut far) = ends().await;
        for word in [b"one", b"two"] {
            far.write_all(word).await.unwrap();
            let mut read = [0; 8];
            assert_eq!(near.read(&mut read).await.unwrap(), 3);
            assert_eq!(&read[..3], word);
            assert!(!near.parts().1.gathers());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn much_waits_for_nothing() {
        let (mut near, mut far) = ends().await;
        let writes = tokio::spawn(async move { far.write_all(&[7; 4 * gather::MUCH]).await });
        // The system may have room for less.
        assert!(near.read(&mut vec![0; gather::MUCH]).await.unwrap() > gather::MUCH / 2);
        assert!(near.parts().1.gathers());
        writes.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_nothing() {
        let (mut near, far) = ends().await;
        drop(far);
        assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(near.parts().1.gathers());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_settles_elsewhere_does_not_wait_for_much() {
        let (near, mut far) = ends().await;
        let mut near = near.settle().unwrap();
        let began = Instant::now();
        far.write_all(b"now").await.unwrap();
        assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 3);
        assert_eq!(began.elapsed(), std::time::Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_of_a_peer_that_sends_all_at_once_is_gathered() {
        let (mut near, mut far) = ends().await;
        near.is_sent_at_once();
        let began = Instant::now();
        far.write_all(b"now").await.unwrap();
        assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 3);
        assert_eq!(began.elapsed(), std::time::Duration::ZERO);
    }
}
