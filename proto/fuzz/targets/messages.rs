//! Decoders of all messages: what they take is written as it is read.

#![no_main]

use std::fmt::Debug;

use adit_proto::message::channel_close::{ChannelClose, ChannelEof};
use adit_proto::message::channel_data::{ChannelData, ChannelExtendedData, ChannelWindowAdjust};
use adit_proto::message::channel_open::{ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure};
use adit_proto::message::channel_reply::{ChannelFailure, ChannelSuccess};
use adit_proto::message::channel_request::ChannelRequest;
use adit_proto::message::codec::Message;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::disconnect::Disconnect;
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::global_reply::{RequestFailure, RequestSuccess};
use adit_proto::message::global_request::GlobalRequest;
use adit_proto::message::informative;
use adit_proto::message::kex::{KexEcdhInit, KexEcdhReply};
use adit_proto::message::kexinit::KexInit;
use adit_proto::message::newkeys::NewKeys;
use adit_proto::message::ping::{Ping, Pong};
use adit_proto::message::service::{ServiceAccept, ServiceRequest};
use adit_proto::message::userauth::{UserauthBanner, UserauthFailure, UserauthSuccess};
use adit_proto::message::userauth_interactive::{UserauthInfoRequest, UserauthInfoResponse};
use adit_proto::message::userauth_password::UserauthPasswdChangereq;
use adit_proto::message::userauth_publickey::UserauthPkOk;
use adit_proto::message::userauth_request::UserauthRequest;
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;

fn check<M: Message + PartialEq + Debug>(payload: &Bytes) {
    let Ok(message) = M::decode(payload) else { return };
    let mut again = BytesMut::new();
    message.encode(&mut again);
    let again = again.freeze();
    assert_eq!(M::decode(&again).as_ref(), Ok(&message));
    // It cannot be shown in a way that fails, either.
    let _ = format!("{message:?}");
}

macro_rules! check_all {
    ($payload:ident: $($message:ty,)*) => {
        $(check::<$message>($payload);)*
    };
}

fn check_transport(payload: &Bytes) {
    check_all! { payload:
        Disconnect,
        ExtInfo,
        KexEcdhInit,
        KexEcdhReply,
        KexInit,
        NewKeys,
        Ping,
        Pong,
        ServiceAccept,
        ServiceRequest,
        informative::Debug,
        informative::Ignore,
        informative::Unimplemented,
    }
    if let Ok(told) = ExtInfo::decode(payload) {
        let _ = told.server_sig_algs();
    }
}

fn check_login(payload: &Bytes) {
    check_all! { payload:
        UserauthBanner,
        UserauthFailure,
        UserauthInfoRequest,
        UserauthInfoResponse,
        UserauthPasswdChangereq,
        UserauthPkOk,
        UserauthRequest,
        UserauthSuccess,
    }
}

fn check_connection(payload: &Bytes) {
    check_all! { payload:
        ChannelClose,
        ChannelData,
        ChannelEof,
        ChannelExtendedData,
        ChannelFailure,
        ChannelOpen,
        ChannelOpenConfirmation,
        ChannelOpenFailure,
        ChannelRequest,
        ChannelSuccess,
        ChannelWindowAdjust,
        GlobalRequest,
        RequestFailure,
        RequestSuccess,
    }
    if let Ok(Some(message)) = ConnectionMessage::decode(payload) {
        let mut again = BytesMut::new();
        message.encode(&mut again);
        assert_eq!(ConnectionMessage::decode(&again.freeze()), Ok(Some(message)));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let payload = Bytes::copy_from_slice(bytes);
    check_transport(&payload);
    check_login(&payload);
    check_connection(&payload);
});
