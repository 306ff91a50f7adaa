//! The messages of the connection protocol.

use bytes::{Bytes, BytesMut};

use crate::message::channel_close::{ChannelClose, ChannelEof};
use crate::message::channel_data::{ChannelData, ChannelExtendedData, ChannelWindowAdjust};
use crate::message::channel_open::{ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure};
use crate::message::channel_reply::{ChannelFailure, ChannelSuccess};
use crate::message::channel_request::ChannelRequest;
use crate::message::codec::{Malformed, Message};
use crate::message::global_reply::{RequestFailure, RequestSuccess};
use crate::message::global_request::GlobalRequest;
use crate::message::number::Number;

macro_rules! connection {
    ($($name:ident,)*) => {
        /// A message of the connection protocol, numbers 80 to 127,
        /// [RFC 4254 section 9](https://www.rfc-editor.org/rfc/rfc4254#section-9).
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum ConnectionMessage {
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name),
            )*
        }

        impl ConnectionMessage {
            /// Reads the message that `payload` is. `None` where its number is not known.
            ///
            /// # Errors
            /// [`Malformed`] where it is not what its number says.
            pub fn decode(payload: &Bytes) -> Result<Option<Self>, Malformed> {
                let message = match payload.first().copied().map(Number) {
                    $(Some($name::NUMBER) => Self::$name($name::decode(payload)?),)*
                    _ => return Ok(None),
                };
                Ok(Some(message))
            }

            /// Writes the message.
            pub fn encode(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$name(message) => message.encode(out),)*
                }
            }

            /// The message's number.
            pub fn number(&self) -> Number {
                match self {
                    $(Self::$name(_) => $name::NUMBER,)*
                }
            }
        }

        $(
            impl From<$name> for ConnectionMessage {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }
        )*
    };
}

connection! {
    GlobalRequest,
    RequestSuccess,
    RequestFailure,
    ChannelOpen,
    ChannelOpenConfirmation,
    ChannelOpenFailure,
    ChannelWindowAdjust,
    ChannelData,
    ChannelExtendedData,
    ChannelEof,
    ChannelClose,
    ChannelRequest,
    ChannelSuccess,
    ChannelFailure,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::channel_id::ChannelId;

    #[test]
    fn an_unknown_number_is_no_message() {
        assert_eq!(ConnectionMessage::decode(&Bytes::from_static(&[127])), Ok(None));
        assert_eq!(ConnectionMessage::decode(&Bytes::new()), Ok(None));
    }

    #[test]
    fn a_message_is_read_as_written() {
        let message = ConnectionMessage::from(ChannelEof { recipient: ChannelId(7) });
        let mut out = BytesMut::new();
        message.encode(&mut out);
        assert_eq!(ConnectionMessage::decode(&out.freeze()), Ok(Some(message)));
    }

    proptest! {
        #[test]
        fn arbitrary_payloads_do_not_panic(
            number in 80_u8..128,
            fields in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let payload = [&[number], &fields[..]].concat();
            drop(ConnectionMessage::decode(&Bytes::from(payload)));
        }
    }
}
