//! What a peer must not do.

use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::disconnect::Reason;
use adit_proto::message::number::Number;

/// What the peer did that ends the connection.
///
/// What other implementations are known to do late or twice is tolerated where nothing is
/// lost by it, and no more:
///
/// | the peer sends | it is |
/// |---|---|
/// | a message on a channel that this side has closed, before the peer's own CLOSE | expected: data are dropped, requests refused silently |
/// | WINDOW_ADJUST, CHANNEL_SUCCESS or CHANNEL_FAILURE for a channel that is not open, or that it has closed, or that nothing was asked on | ignored, as OpenSSH does: they were under way |
/// | EOF a second time | ignored, as OpenSSH does |
/// | extended data of a type other than 1, or on a channel whose user does not want them | dropped; its window is given back |
/// | a request that nobody knows | refused, where it wants a reply |
/// | an open beyond a limit | refused for shortage |
/// | data, EOF, CLOSE or a request for a channel that is not open, or that it has closed | a violation |
/// | CONFIRMATION or OPEN_FAILURE for a channel that was not asked for | a violation |
/// | REQUEST_SUCCESS or REQUEST_FAILURE where no global request waits for an answer | a violation (OpenSSH ignores it): answers go by their order, and who counts wrong once is understood wrong from then on |
/// | data after EOF | a violation: to drop them would lose them silently |
/// | more data than its window has room for, in one message or in all | a violation, from the first byte (OpenSSH allows a tenth of the window) |
/// | WINDOW_ADJUST beyond 2^32 - 1 | a violation, [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2) |
/// | a maximum packet size of 0 | a violation: no data could ever be sent |
/// | questions without end while it reads no answers | a violation at a limit |
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The channel is not open, or the peer has closed it.
    #[error("{message} for {channel}, which is not open")]
    NotOpen {
        /// The channel, as this side counts.
        channel: ChannelId,
        /// What came.
        message: Number,
    },
    /// The channel is not one that an answer is awaited for.
    #[error("{message} for {channel}, which was not asked for")]
    NotAsked {
        /// The channel, as this side counts.
        channel: ChannelId,
        /// What came.
        message: Number,
    },
    /// No global request waits for an answer.
    #[error("{message}, and nothing was asked")]
    NothingAsked {
        /// What came.
        message: Number,
    },
    /// Data after the end of the data.
    #[error("data on {channel} after its end of file")]
    AfterEof {
        /// The channel, as this side counts.
        channel: ChannelId,
    },
    /// More data than the window has room for.
    #[error("{len} bytes of data on {channel} with a window of {window}")]
    WindowExceeded {
        /// The channel, as this side counts.
        channel: ChannelId,
        /// The length of the data.
        len: usize,
        /// What was left of the window.
        window: u32,
    },
    /// More data in one message than was allowed.
    #[error("{len} bytes of data on {channel} in one message, {limit} are allowed")]
    PacketTooLarge {
        /// The channel, as this side counts.
        channel: ChannelId,
        /// The length of the data.
        len: usize,
        /// What is allowed.
        limit: u32,
    },
    /// A window of 2^32 bytes or more.
    #[error("a window of more than 4294967295 bytes for {channel}")]
    WindowOverflow {
        /// The channel, as this side counts.
        channel: ChannelId,
    },
    /// A channel on which no data can ever be sent.
    #[error("a maximum packet size of 0 for {0}")]
    NoPacket(ChannelId),
    /// The peer asks and asks and reads no answers.
    #[error("more than {limit} {what} wait for answers")]
    TooMany {
        /// What it asks.
        what: &'static str,
        /// How many may wait.
        limit: usize,
    },
}

impl Violation {
    /// What the peer is told when the connection is ended for it.
    pub fn reason(&self) -> Reason {
        match self {
            // No rule of the protocol is broken, a limit of this side is reached.
            Self::TooMany { .. } => Reason::BY_APPLICATION,
            _ => Reason::PROTOCOL_ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_proto::message::channel_close::{ChannelClose, ChannelEof};
    use adit_proto::message::channel_data::{
        ChannelData, ChannelExtendedData, ChannelWindowAdjust, STDERR,
    };
    use adit_proto::message::channel_open::ChannelOpenConfirmation;
    use adit_proto::message::channel_reply::{ChannelFailure, ChannelSuccess};
    use adit_proto::message::channel_request::{self, ChannelRequest};
    use adit_proto::message::connection::ConnectionMessage;
    use adit_proto::message::global_reply::{RequestFailure, RequestSuccess};
    use adit_proto::message::global_request;
    use adit_proto::wire::Rest;
    use bytes::Bytes;

    use super::*;
    use crate::mux::event::Event;
    use crate::mux::id::Id;
    use crate::mux::limits::Limits;
    use crate::mux::load::Load;
    use crate::mux::pair::{Pair, open, tunnel};
    use crate::mux::request::{Answer, Reply};
    use crate::mux::stream::Stream;

    /// Hands `here` a message that its peer would not send.
    fn forge(pair: &mut Pair, message: impl Into<ConnectionMessage>) -> Result<(), Violation> {
        pair.here.handle_message(pair.now, message.into())
    }

    fn data(id: Id, len: usize) -> ChannelData {
        ChannelData { recipient: id.number(), data: Bytes::from(vec![7; len]) }
    }

    #[test]
    fn a_violation_says_what_the_peer_did() {
        let channel = ChannelId(7);
        let cases = [
            (
                Violation::NotOpen { channel, message: Number::CHANNEL_DATA },
                "SSH_MSG_CHANNEL_DATA for channel 7, which is not open",
            ),
            (
                Violation::WindowExceeded { channel, len: 9, window: 8 },
                "9 bytes of data on channel 7 with a window of 8",
            ),
            (
                Violation::NothingAsked { message: Number::REQUEST_SUCCESS },
                "SSH_MSG_REQUEST_SUCCESS, and nothing was asked",
            ),
            (
                Violation::TooMany { what: "global requests", limit: 3 },
                "more than 3 global requests wait for answers",
            ),
        ];
        for (violation, words) in cases {
            assert_eq!(violation.to_string(), words);
        }
    }

    #[test]
    fn the_peer_is_told_whose_rule_it_broke() {
        let flood = Violation::TooMany { what: "opens", limit: 3 };
        assert_eq!(flood.reason(), Reason::BY_APPLICATION);
        assert_eq!(Violation::NoPacket(ChannelId(0)).reason(), Reason::PROTOCOL_ERROR);
    }

    #[test]
    fn messages_for_a_channel_that_this_side_has_closed_are_dropped() {
        let (mut pair, here, there) = open();
        pair.here.close(here);
        pair.there.write(there, Stream::Main, b"late").unwrap();
        pair.there.request(there, channel_request::Kind::Shell, Reply::Wanted).unwrap();
        pair.there.finish(there);
        while let Some(message) = pair.there.poll_message() {
            pair.here.handle_message(pair.now, message).unwrap();
        }
        assert_eq!(pair.here.load().inbox, 0);
        pair.exchange();
        assert_eq!((pair.here.load(), pair.events().0), (Load::default(), vec![]));
    }

    #[test]
    fn stray_credit_and_answers_are_tolerated() {
        let (mut pair, here, _) = open();
        let recipient = here.number();
        forge(&mut pair, ChannelSuccess { recipient }).unwrap();
        forge(&mut pair, ChannelEof { recipient }).unwrap();
        forge(&mut pair, ChannelEof { recipient }).unwrap();
        forge(&mut pair, ChannelClose { recipient }).unwrap();
        for recipient in [recipient, ChannelId(99)] {
            forge(&mut pair, ChannelWindowAdjust { recipient, bytes_to_add: 9 }).unwrap();
            forge(&mut pair, ChannelSuccess { recipient }).unwrap();
            forge(&mut pair, ChannelFailure { recipient }).unwrap();
        }
        let events = pair.events().0;
        assert_eq!(events, [Event::Readable(here, Stream::Main), Event::Closed(here)]);
    }

    #[test]
    fn messages_for_channels_that_are_not_open_are_violations() {
        let messages = |recipient| {
            let kind = channel_request::Kind::Shell;
            [
                ConnectionMessage::from(ChannelEof { recipient }),
                ChannelClose { recipient }.into(),
                ChannelData { recipient, data: Bytes::new() }.into(),
                ChannelExtendedData { recipient, data_type: STDERR, data: Bytes::new() }.into(),
                ChannelRequest { recipient, kind, want_reply: false }.into(),
            ]
        };
        for message in messages(ChannelId(9)) {
            let (mut pair, ..) = open();
            let violation = Violation::NotOpen { channel: ChannelId(9), message: message.number() };
            assert_eq!(forge(&mut pair, message), Err(violation));
        }
        for message in messages(ChannelId(0)) {
            let (mut pair, here, _) = open();
            forge(&mut pair, ChannelClose { recipient: here.number() }).unwrap();
            let violation =
                Violation::NotOpen { channel: here.number(), message: message.number() };
            assert_eq!(forge(&mut pair, message), Err(violation));
        }
    }

    #[test]
    fn a_channel_that_was_offered_and_not_granted_is_not_open() {
        let mut pair = Pair::new(&Limits::default());
        pair.there.open(tunnel()).unwrap();
        pair.exchange();
        let offer = pair.here.next_offer().unwrap();
        assert!(forge(&mut pair, data(offer.id, 1)).is_err());
    }

    #[test]
    fn answers_to_opens_that_were_not_made_are_violations() {
        let (mut pair, here, _) = open();
        let confirmation = |recipient, max_packet| ChannelOpenConfirmation {
            recipient,
            sender: ChannelId(0),
            window: 0,
            max_packet,
            data: Rest::default(),
        };
        let (channel, message) = (here.number(), Number::CHANNEL_OPEN_CONFIRMATION);
        let violation = Err(Violation::NotAsked { channel, message });
        assert_eq!(forge(&mut pair, confirmation(here.number(), 1)), violation);

        let mut pair = Pair::new(&Limits::default());
        let id = pair.here.open(tunnel()).unwrap();
        assert!(forge(&mut pair, confirmation(id.number(), 1)).is_err(), "not sent yet");

        let mut pair = Pair::new(&Limits::default());
        let id = pair.here.open(tunnel()).unwrap();
        pair.exchange();
        let violation = Err(Violation::NoPacket(id.number()));
        assert_eq!(forge(&mut pair, confirmation(id.number(), 0)), violation);
    }

    #[test]
    fn answers_to_global_requests_that_were_not_made_are_violations() {
        let success = RequestSuccess { data: Rest::default() };
        for message in [ConnectionMessage::from(success), RequestFailure {}.into()] {
            let violation = Violation::NothingAsked { message: message.number() };
            assert_eq!(forge(&mut open().0, message.clone()), Err(violation.clone()));
            // One answer is enough, and what wants none must not get one.
            let (mut pair, ..) = open();
            pair.here.global_request(global_request::Kind::NoMoreSessions, Reply::Unwanted);
            pair.here.global_request(global_request::Kind::Keepalive, Reply::Wanted);
            pair.exchange();
            assert_eq!(pair.events().0, [Event::GlobalAnswered(Answer::Refused)]);
            assert_eq!(forge(&mut pair, message), Err(violation));
        }
    }

    #[test]
    fn an_answer_before_its_question_was_sent_is_a_violation() {
        let (mut pair, ..) = open();
        pair.here.global_request(global_request::Kind::Keepalive, Reply::Wanted);
        assert!(forge(&mut pair, RequestFailure {}).is_err());
    }

    #[test]
    fn data_after_eof_are_a_violation() {
        let (mut pair, here, _) = open();
        forge(&mut pair, ChannelEof { recipient: here.number() }).unwrap();
        let violation = Err(Violation::AfterEof { channel: here.number() });
        assert_eq!(forge(&mut pair, data(here, 1)), violation);
    }

    #[test]
    fn a_violation_is_for_good() {
        let (mut pair, here, _) = open();
        pair.here.write(here, Stream::Main, b"unsent").unwrap();
        let violation = forge(&mut pair, data(here, 40_000)).unwrap_err();
        assert_eq!(forge(&mut pair, data(here, 1)), Err(violation));
        assert!(!pair.here.has_message() && pair.here.poll_message().is_none());
    }

    #[test]
    fn a_window_beyond_32_bits_is_a_violation() {
        let (mut pair, here, _) = open();
        let adjust = ChannelWindowAdjust { recipient: here.number(), bytes_to_add: u32::MAX };
        let violation = Violation::WindowOverflow { channel: here.number() };
        assert_eq!(forge(&mut pair, adjust), Err(violation));
    }
}
