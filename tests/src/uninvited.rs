//! What a peer sends that nobody asked for.

use adit_proto::message::channel_close::{ChannelClose, ChannelEof};
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{
    ChannelOpenConfirmation, ChannelOpenFailure, Kind, Reason,
};
use adit_proto::message::channel_request::{self, ChannelRequest};
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::global_reply::{RequestFailure, RequestSuccess};
use adit_proto::wire::{Rest, Text};
use bytes::Bytes;

use crate::raw::loopback;

/// Channels that a client must not open at a server that runs no programs.
pub fn at_a_gateway() -> Vec<Kind> {
    vec![
        Kind::Session,
        Kind::X11 { originator: "127.0.0.1".to_owned(), originator_port: 50_000 },
        Kind::AuthAgent,
        Kind::Other { name: "fnord@example.org".to_owned(), data: Rest::default() },
        Kind::ForwardedTcpip(loopback(8081)),
        Kind::ForwardedStreamlocal { path: "/run/app.sock".to_owned() },
    ]
}

/// Channels that a server must not open at a client that has asked it to listen neither on this
/// port nor on a socket.
pub fn at_a_client(port: u16) -> Vec<Kind> {
    let mut kinds = at_a_gateway();
    kinds.push(Kind::DirectTcpip(loopback(port)));
    kinds.push(Kind::DirectStreamlocal { path: "/run/app.sock".to_owned() });
    kinds.push(Kind::ForwardedTcpip(loopback(port)));
    kinds
}

/// Answers where nothing was asked, and messages for a channel that is not open. Each is reason
/// enough to end a connection.
pub fn answers() -> Vec<ConnectionMessage> {
    let recipient = ChannelId(77);
    let confirmation = ChannelOpenConfirmation {
        recipient,
        sender: ChannelId(0),
        window: 1 << 20,
        max_packet: 1 << 15,
        data: Rest::default(),
    };
    let failure = ChannelOpenFailure {
        recipient,
        reason: Reason::CONNECT_FAILED,
        description: Text("no".to_owned()),
        language: Text::default(),
    };
    let shell = channel_request::Kind::Shell;
    vec![
        RequestSuccess { data: Rest::default() }.into(),
        RequestFailure {}.into(),
        confirmation.into(),
        failure.into(),
        ChannelData { recipient, data: Bytes::from_static(b"x") }.into(),
        ChannelRequest { recipient, kind: shell, want_reply: true }.into(),
        ChannelEof { recipient }.into(),
        ChannelClose { recipient }.into(),
    ]
}
