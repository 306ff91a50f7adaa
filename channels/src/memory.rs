//! A pipe in memory, for tests and examples.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use adit_proto::message::codec::Malformed;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::disconnect::Reason;
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::pipe::Pipe;

/// What lies between the two ends of a pipe in memory.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// How many bytes may be under way in one direction; what is sent beyond waits at the
    /// end that sends, and is its backlog.
    pub capacity: usize,
    /// How long a message is under way. Zero needs no runtime.
    pub delay: Duration,
}

impl Default for Path {
    /// A path without delay that holds 64 KiB.
    fn default() -> Self {
        Self { capacity: 64 * 1024, delay: Duration::ZERO }
    }
}

/// Two ends of a pipe. Messages go as bytes, as over a real one.
pub fn pair(path: Path) -> (End, End) {
    let (there, back) = (Arc::new(Way::default()), Arc::new(Way::default()));
    (End::new(path, there.clone(), back.clone()), End::new(path, back, there))
}

/// One end of a pipe in memory.
///
/// Dropping it without [`disconnect`](Pipe::disconnect) cuts the pipe.
#[derive(Debug)]
pub struct End {
    path: Path,
    outgoing: Arc<Way>,
    incoming: Arc<Way>,
    /// Sent, and not under way yet.
    held: VecDeque<Bytes>,
    backlog: usize,
    leaving: bool,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Why a pipe in memory broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The other end was dropped without a word.
    #[error("the other end is gone")]
    Cut,
    /// A message was not what its number says, or had an unknown one.
    #[error("an unreadable message came")]
    Malformed(Option<Malformed>),
}

/// One direction.
#[derive(Debug, Default)]
struct Way(Mutex<Flow>);

#[derive(Debug, Default)]
struct Flow {
    /// Messages and when they arrive.
    messages: VecDeque<(Option<Instant>, Bytes)>,
    bytes: usize,
    end: Option<Finish>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    Orderly,
    Cut,
}

impl Way {
    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, end: Finish) {
        let mut flow = self.lock();
        flow.end.get_or_insert(end);
        wake(&mut flow.reader);
    }
}

impl End {
    fn new(path: Path, outgoing: Arc<Way>, incoming: Arc<Way>) -> Self {
        let held = VecDeque::new();
        Self { path, outgoing, incoming, held, backlog: 0, leaving: false, alarm: None }
    }

    /// The next message, where one has arrived.
    fn arrived(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut flow = self.incoming.lock();
        match flow.messages.front() {
            Some((Some(at), _)) if *at > Instant::now() => {
                let alarm = self.alarm.insert(Box::pin(sleep_until(*at)));
                // The clock of the alarm is coarser: it may say that it is time already.
                if alarm.as_mut().poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Some(_) => {
                let message = flow.messages.pop_front().map(|(_, message)| message);
                let len = message.as_ref().map_or(0, Bytes::len);
                flow.bytes = flow.bytes.saturating_sub(len);
                wake(&mut flow.writer);
                Poll::Ready(message)
            }
            None if flow.end.is_some() => Poll::Ready(None),
            None => {
                flow.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Pipe for End {
    type Error = Error;

    fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<ConnectionMessage>, Error>> {
        let _ = self.poll_flush(cx)?;
        match self.arrived(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(message)) => {
                let message = ConnectionMessage::decode(&message);
                let message = message.map_err(|malformed| Error::Malformed(Some(malformed)))?;
                Poll::Ready(Ok(Some(message.ok_or(Error::Malformed(None))?)))
            }
            Poll::Ready(None) => match self.incoming.lock().end {
                Some(Finish::Cut) => Poll::Ready(Err(Error::Cut)),
                _ => Poll::Ready(Ok(None)),
            },
        }
    }

    fn send(&mut self, message: &ConnectionMessage) {
        let mut bytes = BytesMut::new();
        message.encode(&mut bytes);
        self.backlog = self.backlog.saturating_add(bytes.len());
        self.held.push_back(bytes.freeze());
    }

    fn backlog(&self) -> usize {
        self.backlog
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let at = (!self.path.delay.is_zero()).then(|| Instant::now() + self.path.delay);
        let mut flow = self.outgoing.lock();
        while flow.bytes < self.path.capacity
            && let Some(message) = self.held.pop_front()
        {
            self.backlog = self.backlog.saturating_sub(message.len());
            flow.bytes = flow.bytes.saturating_add(message.len());
            flow.messages.push_back((at, message));
            wake(&mut flow.reader);
        }
        if !self.held.is_empty() {
            flow.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        drop(flow);
        if self.leaving {
            self.outgoing.finish(Finish::Orderly);
        }
        Poll::Ready(Ok(()))
    }

    fn disconnect(&mut self, _: Reason, _: &str) {
        self.leaving = true;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.outgoing.finish(Finish::Cut);
        self.incoming.lock().messages.clear();
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use adit_proto::message::channel_data::ChannelData;
    use adit_proto::message::channel_id::ChannelId;

    use super::*;

    fn message(len: usize) -> ConnectionMessage {
        ChannelData { recipient: ChannelId(1), data: Bytes::from(vec![7; len]) }.into()
    }

    async fn next(end: &mut End) -> Result<Option<ConnectionMessage>, Error> {
        poll_fn(|cx| end.poll_message(cx)).await
    }

    async fn flush(end: &mut End) {
        poll_fn(|cx| end.poll_flush(cx)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn messages_arrive_in_order_and_then_the_end() {
        let (mut here, mut there) = pair(Path::default());
        here.send(&message(1));
        here.send(&message(2));
        here.disconnect(Reason::BY_APPLICATION, "");
        flush(&mut here).await;
        assert_eq!(next(&mut there).await, Ok(Some(message(1))));
        assert_eq!(next(&mut there).await, Ok(Some(message(2))));
        assert_eq!(next(&mut there).await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_backlog_until_the_other_end_reads() {
        let (mut here, mut there) = pair(Path { capacity: 10, delay: Duration::ZERO });
        here.send(&message(100));
        here.send(&message(100));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(here.poll_flush(&mut cx).is_pending());
        assert!((100..200).contains(&here.backlog()));
        next(&mut there).await.unwrap();
        flush(&mut here).await;
        assert_eq!(here.backlog(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_under_way_as_long_as_the_path_says() {
        let delay = Duration::from_millis(50);
        let (mut here, mut there) = pair(Path { delay, ..Path::default() });
        let start = Instant::now();
        here.send(&message(1));
        flush(&mut here).await;
        next(&mut there).await.unwrap();
        assert!(start.elapsed() >= delay && start.elapsed() < 2 * delay);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_is_dropped_cuts_the_pipe() {
        let (here, mut there) = pair(Path::default());
        drop(here);
        assert_eq!(next(&mut there).await, Err(Error::Cut));
    }
}
