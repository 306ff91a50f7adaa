//! A peer that says whatever it is told to.

use std::fmt;
use std::future::poll_fn;

use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{
    ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure, Kind, Tcpip,
};
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::global_reply::RequestFailure;
use adit_proto::message::global_request::{self, GlobalRequest};
use adit_proto::wire::Rest;
use adit_transport::link::{self, Link};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

/// A peer that says whatever it is told to, by the protocol or against it. Nothing runs behind it:
/// what it does not read stays unread.
pub struct Raw<S>(Link<S>);

/// A channel that both sides have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// As this peer counts.
    pub ours: ChannelId,
    /// As the other one counts.
    pub theirs: ChannelId,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// A peer on a link that is logged in.
    pub fn new(link: Link<S>) -> Self {
        Self(link)
    }

    /// Says this behind all that was said. It is written by what is awaited next.
    pub fn say(&mut self, message: impl Into<ConnectionMessage>) {
        self.0.send(&message.into());
    }

    /// Writes what was said, and reads nothing. That the connection has ended is told by
    /// [`hear`](Self::hear) only.
    pub async fn flush(&mut self) {
        poll_fn(|cx| self.0.poll_flush(cx)).await;
    }

    /// What the other side says next, but for questions whether this one is there, which are
    /// answered, and the host keys that it announces.
    ///
    /// # Errors
    /// Where the connection has ended.
    pub async fn hear(&mut self) -> Result<ConnectionMessage, link::Error> {
        loop {
            let message = poll_fn(|cx| self.0.poll_message(cx)).await?;
            match &message {
                ConnectionMessage::GlobalRequest(GlobalRequest {
                    kind: global_request::Kind::Keepalive,
                    want_reply: true,
                }) => self.say(RequestFailure {}),
                ConnectionMessage::GlobalRequest(GlobalRequest {
                    kind: global_request::Kind::HostKeys { .. },
                    want_reply: false,
                }) => {}
                _ => return Ok(message),
            }
        }
    }

    /// Reads until the connection ends, and says why it did.
    pub async fn end(&mut self) -> link::Error {
        loop {
            if let Err(error) = self.hear().await {
                return error;
            }
        }
    }

    /// Opens a channel, and waits for the answer.
    ///
    /// # Errors
    /// The other side's refusal.
    ///
    /// # Panics
    /// Where it says anything else.
    pub async fn open(&mut self, ours: u32, kind: Kind) -> Result<Agreed, ChannelOpenFailure> {
        self.say(open(ours, kind));
        match self.hear().await {
            Ok(ConnectionMessage::ChannelOpenConfirmation(it)) if it.recipient.0 == ours => {
                Ok(Agreed { ours: it.recipient, theirs: it.sender })
            }
            Ok(ConnectionMessage::ChannelOpenFailure(it)) if it.recipient.0 == ours => Err(it),
            other => panic!("no answer to an open: {other:?}"),
        }
    }

    /// Waits for a channel to be opened, and grants it.
    ///
    /// # Panics
    /// Where the other side says anything else.
    pub async fn grant(&mut self, ours: u32) -> (Agreed, Kind) {
        match self.hear().await {
            Ok(ConnectionMessage::ChannelOpen(open)) => {
                self.say(ChannelOpenConfirmation {
                    recipient: open.sender,
                    sender: ChannelId(ours),
                    window: 1 << 20,
                    max_packet: 1 << 15,
                    data: Rest::default(),
                });
                (Agreed { ours: ChannelId(ours), theirs: open.sender }, open.kind)
            }
            other => panic!("no channel was opened: {other:?}"),
        }
    }

    /// Sends this on a channel behind which somebody sends back what he gets, and waits for it.
    ///
    /// # Panics
    /// Where it does not come back.
    pub async fn echo(&mut self, channel: Agreed, words: &'static [u8]) {
        self.say(ChannelData { recipient: channel.theirs, data: Bytes::from_static(words) });
        self.expect(channel, words).await;
    }

    /// Waits for this on a channel.
    ///
    /// # Panics
    /// Where anything else comes.
    pub async fn expect(&mut self, channel: Agreed, words: &[u8]) {
        let mut came = Vec::new();
        while came.len() < words.len() {
            match self.hear().await {
                Ok(ConnectionMessage::ChannelData(it)) if it.recipient == channel.ours => {
                    came.extend_from_slice(&it.data);
                }
                Ok(ConnectionMessage::ChannelWindowAdjust(_)) => {}
                other => panic!("no data, but {other:?}"),
            }
        }
        assert_eq!(came, words);
    }
}

impl<S> fmt::Debug for Raw<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Raw").field(&self.0).finish()
    }
}

/// A request for a channel, with a window of some size.
pub fn open(ours: u32, kind: Kind) -> ChannelOpen {
    ChannelOpen { kind, sender: ChannelId(ours), window: 1 << 20, max_packet: 1 << 15 }
}

/// The two ends of a connection to a port of loopback, or from one there.
pub fn loopback(port: u16) -> Tcpip {
    Tcpip {
        host: "127.0.0.1".to_owned(),
        port: port.into(),
        originator: "127.0.0.1".to_owned(),
        originator_port: 50_000,
    }
}
