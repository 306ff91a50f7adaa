//! What a launcher is told.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use crate::environment::Environment;

/// The three descriptors that every program has.
pub(crate) const STREAMS: usize = 3;

/// More than any orders are.
const MOST: usize = 16 << 20;

/// What a launcher is told to do. It comes with the three descriptors of the program, by a socket
/// that nobody else has: what is in it shows in no list of processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// As whom the program runs, where that is not who the launcher runs as.
    pub(crate) switch: Option<Switch>,
    /// Where it runs.
    pub(crate) home: PathBuf,
    /// The file that is run.
    pub(crate) program: PathBuf,
    /// What it calls itself.
    pub(crate) name: OsString,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// All that it finds in its environment.
    pub(crate) environment: Environment,
    /// What its descriptors are.
    pub(crate) streams: Kind,
    /// The limits that the gateway has changed for itself, as they were: open files, and the size
    /// of core files.
    pub(crate) limits: Limits,
}

/// What the descriptors of a program are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Pipes.
    Pipes,
    /// A terminal, which is to be the controlling one.
    Terminal,
}

/// A user to become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Switch {
    /// The name, by which its groups are found.
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Limits of a process before a gateway has changed them for itself; `None` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How many files may be open.
    pub files: Option<u64>,
    /// The size of a core file.
    pub core: Option<u64>,
}

impl Orders {
    /// Hands over the three descriptors and how long the orders are. The rest are the bytes that
    /// this yields, and have to be written next.
    pub(crate) fn send(
        &self,
        socket: impl AsFd,
        streams: &[BorrowedFd<'_>; STREAMS],
    ) -> io::Result<Vec<u8>> {
        let bytes = serde_json::to_vec(self)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?.to_be_bytes();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(streams)) {
            return Err(io::Error::other("there is no room for descriptors"));
        }
        let sent = sendmsg(socket, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
        if sent == length.len() { Ok(bytes) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    /// Takes orders, and what comes with them.
    pub(crate) fn receive(socket: &mut UnixStream) -> io::Result<(Self, [OwnedFd; STREAMS])> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut length = [0; 4];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL;
        let received = recvmsg(&*socket, &mut [IoSliceMut::new(&mut length)], &mut control, flags)?;
        let mut streams = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                streams.extend(descriptors);
            }
        }
        let streams = streams.try_into().map_err(|_| io::Error::other("no descriptors came"))?;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        if received.bytes != 4 || length > MOST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; length];
        socket.read_exact(&mut bytes)?;
        Ok((serde_json::from_slice(&bytes)?, streams))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn orders_arrive_with_their_descriptors_whatever_bytes_are_in_them() {
        let mut environment = Environment::default();
        environment.set("A", OsString::from_vec(vec![0xff, 1, b'"']));
        let orders = Orders {
            switch: Some(Switch { name: "ann".to_owned(), uid: 7, gid: 8 }),
            home: "/".into(),
            program: "/bin/sh".into(),
            name: "-sh".into(),
            arguments: vec![OsString::from_vec((1..=255).collect())],
            environment,
            streams: Kind::Pipes,
            limits: Limits { files: Some(1024), core: None },
        };
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let (one, mut two) = UnixStream::pair().unwrap();
        let bytes = orders.send(&near, &[one.as_fd(), one.as_fd(), one.as_fd()]).unwrap();
        near.write_all(&bytes).unwrap();
        let (came, streams) = Orders::receive(&mut far).unwrap();
        assert_eq!(came, orders);
        drop(one);
        let [stdin, ..] = streams;
        UnixStream::from(stdin).write_all(b"x").unwrap();
        let mut read = [0];
        two.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"x");
    }

    #[test]
    fn what_are_no_orders_is_an_error() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.write_all(&[0, 0, 0, 2, b'{', b'}']).unwrap();
        assert!(Orders::receive(&mut far).is_err(), "there are no descriptors");
    }
}
