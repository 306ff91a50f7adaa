//! A link as the pipe under a session.

use std::task::{Context, Poll};

use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::disconnect::Reason;
use adit_transport::link::{Error, Link};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::mux::EarlyCredit;
use crate::pipe::Pipe;

/// OpenSSH gives credit for what was taken once more than three of its largest messages came,
/// whatever is left of its window.
const OPENSSH: u32 = 4;

impl<S: AsyncRead + AsyncWrite + Unpin> Pipe for Link<S> {
    type Error = Error;

    fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<ConnectionMessage>, Error>> {
        Link::poll_message(self, cx).map(|message| message.map(Some))
    }

    fn send(&mut self, message: &ConnectionMessage) {
        Link::send(self, message);
    }

    fn backlog(&self) -> usize {
        Link::backlog(self)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Link::poll_flush(self, cx).map(Ok)
    }

    fn disconnect(&mut self, reason: Reason, description: &str) {
        Link::disconnect(self, reason, description);
    }

    fn rekey(&mut self) {
        Link::rekey(self);
    }

    fn early_credit(&self) -> Option<EarlyCredit> {
        let early = EarlyCredit { messages: OPENSSH, once_announced: self.peer_is_server() };
        self.peer_is_openssh().then_some(early)
    }
}
