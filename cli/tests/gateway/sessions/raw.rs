//! A session as a peer has it that says each message by itself.

use adit_tests::message::channel_id::ChannelId;
use adit_tests::message::channel_open::Kind as Open;
use adit_tests::message::channel_request::{ChannelRequest, Kind};
use adit_tests::message::connection::ConnectionMessage;
use adit_tests::raw::Agreed;

use crate::guest::Guest;

/// Opens a session.
pub(super) async fn open(guest: &mut Guest, ours: u32) -> Agreed {
    guest.open(ours, Open::Session).await.unwrap()
}

/// Asks something of a session, without a wait.
pub(super) fn say(guest: &mut Guest, channel: Agreed, kind: Kind) {
    guest.say(ChannelRequest { recipient: channel.theirs, kind, want_reply: true });
}

/// Asks something of a session, and says whether it was granted.
pub(super) async fn ask(guest: &mut Guest, channel: Agreed, kind: Kind) -> bool {
    say(guest, channel, kind);
    answer(guest, channel.ours).await
}

/// The next answer, whatever else comes before it.
pub(super) async fn answer(guest: &mut Guest, ours: ChannelId) -> bool {
    loop {
        match guest.hear().await.unwrap() {
            ConnectionMessage::ChannelSuccess(it) if it.recipient == ours => return true,
            ConnectionMessage::ChannelFailure(it) if it.recipient == ours => return false,
            ConnectionMessage::ChannelClose(it) => panic!("{it:?}"),
            _ => {}
        }
    }
}

/// How a program's end is told.
pub(super) async fn exit(guest: &mut Guest, ours: ChannelId) -> Kind {
    loop {
        match guest.hear().await.unwrap() {
            ConnectionMessage::ChannelRequest(it) if it.recipient == ours => {
                if matches!(it.kind, Kind::ExitStatus { .. } | Kind::ExitSignal(_)) {
                    return it.kind;
                }
            }
            ConnectionMessage::ChannelClose(it) => panic!("closed before: {it:?}"),
            _ => {}
        }
    }
}
