//! A well-formed message of each number.

use adit_proto::message::channel_close::{ChannelClose, ChannelEof};
use adit_proto::message::channel_data::{ChannelData, ChannelExtendedData, ChannelWindowAdjust};
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{
    ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure, Kind, Reason as OpenReason,
};
use adit_proto::message::channel_reply::{ChannelFailure, ChannelSuccess};
use adit_proto::message::channel_request::{self, ChannelRequest};
use adit_proto::message::disconnect::{Disconnect, Reason};
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::global_reply::{RequestFailure, RequestSuccess};
use adit_proto::message::global_request::{self, GlobalRequest};
use adit_proto::message::informative::{Debug, Ignore, Unimplemented};
use adit_proto::message::kex::{KexEcdhInit, KexEcdhReply};
use adit_proto::message::newkeys::NewKeys;
use adit_proto::message::ping::{Ping, Pong};
use adit_proto::message::service::{ServiceAccept, ServiceRequest, USERAUTH};
use adit_proto::message::userauth::{UserauthBanner, UserauthFailure, UserauthSuccess};
use adit_proto::message::userauth_interactive::{List, UserauthInfoResponse};
use adit_proto::message::userauth_publickey::UserauthPkOk;
use adit_proto::message::userauth_request::Method;
use adit_proto::wire::{Rest, Text};
use bytes::Bytes;

use crate::pair::peer::{Peer, encoded};
use crate::pair::setup::names;
use crate::pair::stage::request;
use crate::toy;

/// The payload of a message with this number: one that is well-formed, where the number is one
/// that the core knows.
pub(crate) fn payload(number: u8, peer: &Peer) -> Bytes {
    match number {
        0..=29 => transport(number, peer),
        30..=79 => method(number),
        80..=127 => connection(number),
        192 => encoded(&Ping { data: Bytes::from_static(b"ping") }),
        193 => encoded(&Pong { data: Bytes::from_static(b"pong") }),
        _ => unknown(number),
    }
}

fn unknown(number: u8) -> Bytes {
    Bytes::from(vec![number, 0, 0, 0, 1, number])
}

fn transport(number: u8, peer: &Peer) -> Bytes {
    let service = USERAUTH.to_owned();
    match number {
        1 => encoded(&Disconnect {
            reason: Reason::BY_APPLICATION,
            description: Text::from("bye"),
            language: Text::default(),
        }),
        2 => encoded(&Ignore { data: Bytes::from_static(b"nothing") }),
        3 => encoded(&Unimplemented { sequence: 1 }),
        4 => encoded(&Debug {
            always_display: true,
            message: Text::from("words"),
            language: Text::default(),
        }),
        5 => encoded(&ServiceRequest { service }),
        6 => encoded(&ServiceAccept { service }),
        7 => encoded(&ExtInfo::default()),
        20 => encoded(&peer.offer),
        21 => encoded(&NewKeys {}),
        _ => unknown(number),
    }
}

fn method(number: u8) -> Bytes {
    let share = Bytes::from(vec![7; 32]);
    match number {
        30 => encoded(&KexEcdhInit { share }),
        31 => encoded(&KexEcdhReply {
            host_key: toy::public_key("host"),
            share,
            signature: toy::sign(&toy::public_key("host"), b"something else"),
        }),
        50 => encoded(&request("alice", Method::None)),
        51 => encoded(&UserauthFailure { methods: names("publickey"), partial_success: false }),
        52 => encoded(&UserauthSuccess {}),
        53 => encoded(&UserauthBanner { message: Text::from("hello"), language: Text::default() }),
        60 => encoded(&UserauthPkOk {
            algorithm: "toy-signature".to_owned(),
            key: toy::public_key("alice"),
        }),
        61 => encoded(&UserauthInfoResponse { responses: List(Vec::new()) }),
        _ => unknown(number),
    }
}

fn connection(number: u8) -> Bytes {
    let recipient = ChannelId(5);
    let data = Bytes::from_static(b"data");
    match number {
        80 => encoded(&GlobalRequest { kind: global_request::Kind::Keepalive, want_reply: true }),
        81 => encoded(&RequestSuccess { data: Rest(data) }),
        82 => encoded(&RequestFailure {}),
        90 => encoded(&ChannelOpen {
            kind: Kind::Session,
            sender: recipient,
            window: 1,
            max_packet: 2,
        }),
        91 => encoded(&ChannelOpenConfirmation {
            recipient,
            sender: recipient,
            window: 1,
            max_packet: 2,
            data: Rest(Bytes::new()),
        }),
        92 => encoded(&ChannelOpenFailure {
            recipient,
            reason: OpenReason::CONNECT_FAILED,
            description: Text::from("no"),
            language: Text::default(),
        }),
        93 => encoded(&ChannelWindowAdjust { recipient, bytes_to_add: 1 }),
        94 => encoded(&ChannelData { recipient, data }),
        95 => encoded(&ChannelExtendedData { recipient, data_type: 1, data }),
        96 => encoded(&ChannelEof { recipient }),
        97 => encoded(&ChannelClose { recipient }),
        98 => encoded(&ChannelRequest {
            recipient,
            kind: channel_request::Kind::Shell,
            want_reply: false,
        }),
        99 => encoded(&ChannelSuccess { recipient }),
        100 => encoded(&ChannelFailure { recipient }),
        _ => unknown(number),
    }
}
