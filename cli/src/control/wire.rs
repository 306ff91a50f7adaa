//! A connection between a client and a master: frames and descriptors over a Unix socket.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::geteuid;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::control::frame::Frame;
use crate::control::hello::Hello;
use crate::control::malformed::Malformed;

/// How much is received at a time.
const CHUNK: usize = 16 * 1024;

/// The most descriptors that come with a message.
pub(super) const DESCRIPTORS: usize = 3;

/// How long the other side may take to greet.
const GREETING: Duration = Duration::from_secs(10);

/// What is received.
#[derive(Debug)]
pub(super) struct Reader {
    stream: Arc<UnixStream>,
    received: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

/// What is sent. One message is sent after another.
#[derive(Debug)]
pub(super) struct Writer {
    stream: Arc<UnixStream>,
}

/// Why nothing is understood any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The socket broke.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// The other side says what means nothing.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Both directions of a connection.
pub(super) fn split(stream: UnixStream) -> (Reader, Writer) {
    let stream = Arc::new(stream);
    let reader =
        Reader { stream: Arc::clone(&stream), received: Vec::new(), descriptors: VecDeque::new() };
    (reader, Writer { stream })
}

/// Whether the other side is the same user as this process, or root.
///
/// # Errors
/// Where the system does not tell.
pub(super) fn is_of_user(stream: &UnixStream) -> io::Result<bool> {
    let other = stream.peer_cred()?.uid();
    Ok(other == 0 || other == geteuid().as_raw())
}

impl Reader {
    /// The next frame; nothing at the end. Cancel safe.
    ///
    /// # Errors
    /// Where the socket breaks, or what comes can be no frame.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, Fault> {
        loop {
            if let Some(frame) = Frame::take(&mut self.received)? {
                return Ok(Some(frame));
            }
            if self.receive().await? == 0 {
                let whole = self.received.is_empty();
                return if whole { Ok(None) } else { Err(Malformed::CutOff.into()) };
            }
        }
    }

    /// Who greets from the other side; a stranger where nobody does so in time.
    pub(super) async fn greeted(&mut self) -> Hello {
        match timeout(GREETING, self.next()).await {
            Ok(Ok(Some(frame))) => Hello::read(&frame),
            _ => Hello::Stranger,
        }
    }

    /// Descriptors that came with a message.
    ///
    /// # Errors
    /// Where there are fewer.
    pub(super) fn descriptors<const N: usize>(&mut self) -> Result<[OwnedFd; N], Malformed> {
        let left = self.descriptors.split_off(N.min(self.descriptors.len()));
        let taken: Vec<OwnedFd> = std::mem::replace(&mut self.descriptors, left).into();
        taken.try_into().map_err(|_| Malformed::Descriptors)
    }

    /// Receives something, and yields how many bytes.
    async fn receive(&mut self) -> Result<usize, Fault> {
        let mut chunk = [0; CHUNK];
        let Self { stream, received, descriptors } = self;
        let came = stream
            .async_io(Interest::READABLE, || {
                let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS))];
                let mut control = RecvAncillaryBuffer::new(&mut space);
                let mut into = [IoSliceMut::new(&mut chunk)];
                let came = recvmsg(&*stream, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)?;
                for message in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(rights) = message {
                        descriptors.extend(rights);
                    }
                }
                Ok(came)
            })
            .await?;
        if came.flags.contains(ReturnFlags::CTRUNC) || descriptors.len() > DESCRIPTORS {
            return Err(Malformed::Descriptors.into());
        }
        received.extend_from_slice(chunk.get(..came.bytes).unwrap_or_default());
        Ok(came.bytes)
    }
}

impl Writer {
    /// Sends a frame.
    ///
    /// # Errors
    /// Where it is too long, or the socket breaks.
    pub(super) async fn send(&self, frame: &Frame) -> Result<(), Fault> {
        self.send_with(frame, &[]).await
    }

    /// Sends a frame, and these descriptors with it.
    ///
    /// # Errors
    /// Where it is too long, or the socket breaks.
    pub(super) async fn send_with(
        &self,
        frame: &Frame,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Fault> {
        let bytes = frame.encode()?;
        let mut rest = bytes.as_slice();
        let mut with = descriptors;
        while !rest.is_empty() {
            let sent =
                self.stream.async_io(Interest::WRITABLE, || send(&self.stream, rest, with)).await?;
            rest = rest.get(sent..).unwrap_or_default();
            with = &[];
        }
        Ok(())
    }
}

fn send(stream: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = descriptors.is_empty() || control.push(SendAncillaryMessage::ScmRights(descriptors));
    if !fits {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    fn frame(kind: u32, size: usize) -> Frame {
        Frame { kind, body: vec![7; size] }
    }

    #[tokio::test]
    async fn frames_come_with_their_descriptors_in_order() {
        let (here, there) = UnixStream::pair().unwrap();
        assert!(is_of_user(&here).unwrap());
        let ((_, writer), (mut reader, _)) = (split(here), split(there));
        let (mut near, far) = io::pipe().unwrap();
        let sending = tokio::spawn(async move {
            writer.send(&frame(1, 0)).await.unwrap();
            writer.send_with(&frame(2, 100_000), &[far.as_fd()]).await.unwrap();
            writer.send(&frame(3, 5)).await.unwrap();
        });
        for expected in [frame(1, 0), frame(2, 100_000), frame(3, 5)] {
            assert_eq!(reader.next().await.unwrap(), Some(expected));
        }
        sending.await.unwrap();
        assert!(reader.next().await.unwrap().is_none());
        let [far] = reader.descriptors::<1>().unwrap();
        File::from(far).write_all(b"through").unwrap();
        let mut heard = String::new();
        near.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "through");
        assert!(reader.descriptors::<1>().is_err());
    }

    #[tokio::test]
    async fn who_ends_in_the_middle_of_a_frame_is_not_understood() {
        let (here, there) = UnixStream::pair().unwrap();
        here.try_write(&[0, 0, 0, 9, 1]).unwrap();
        drop(here);
        let ended = split(there).0.next().await;
        assert!(matches!(ended, Err(Fault::Malformed(Malformed::CutOff))), "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_greet_is_a_stranger() {
        let (_here, there) = UnixStream::pair().unwrap();
        assert_eq!(split(there).0.greeted().await, Hello::Stranger);
    }
}
