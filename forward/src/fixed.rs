//! A listening socket whose connections all go to one target.

use std::io;

use crate::accept::Accept;
use crate::listen;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::stream::Stream;
use crate::target::Target;

/// A listening socket whose connections all go to one target: the near end of a local
/// tunnel.
#[derive(Debug)]
pub struct Fixed<A> {
    accept: A,
    target: Target,
}

impl<A: Accept> Fixed<A> {
    /// Sends what a socket accepts to a target.
    pub fn new(accept: A, target: Target) -> Self {
        Self { accept, target }
    }
}

impl<A: Accept> listen::Listen for Fixed<A> {
    type Inbound = Inbound<A::Stream>;

    async fn next(&mut self) -> io::Result<Self::Inbound> {
        let (stream, origin) = self.accept.accept().await?;
        Ok(Inbound { stream, origin, target: self.target.clone() })
    }
}

/// A connection of such a socket.
///
/// It was accepted by the system before anybody knew whether its target can be reached, so a
/// refusal can only be a reset.
#[derive(Debug)]
pub struct Inbound<S> {
    stream: S,
    origin: Origin,
    target: Target,
}

impl<S: Stream> listen::Inbound for Inbound<S> {
    type Stream = S;

    async fn target(&mut self) -> io::Result<(Target, Origin)> {
        Ok((self.target.clone(), self.origin.clone()))
    }

    async fn accept(self) -> io::Result<S> {
        Ok(self.stream)
    }

    async fn refuse(self, _: Refusal) {
        drop(self.stream);
    }
}
