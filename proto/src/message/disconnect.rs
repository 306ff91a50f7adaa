//! SSH_MSG_DISCONNECT.

use std::fmt;

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::combinator::map;

use crate::message::codec::message;
use crate::wire::{self, Field, Put, Text};

message! {
    /// Ends the connection at once,
    /// [RFC 4253 section 11.1](https://www.rfc-editor.org/rfc/rfc4253#section-11.1).
    Disconnect = DISCONNECT {
        /// Why, for programs.
        reason: Reason,
        /// Why, for people.
        description: Text,
        /// The language of the description, which nobody fills.
        language: Text,
    }
}

/// Why a connection is ended,
/// [RFC 4250 section 4.2.2](https://www.rfc-editor.org/rfc/rfc4250#section-4.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason(pub u32);

macro_rules! reasons {
    ($($name:ident = $value:literal $words:literal,)*) => {
        impl Reason {
            $(
                #[doc = concat!("`SSH_DISCONNECT_", stringify!($name), "`.")]
                pub const $name: Self = Self($value);
            )*

            /// What the reason says, in words.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                    _ => "no known reason",
                }
            }
        }
    };
}

reasons! {
    HOST_NOT_ALLOWED_TO_CONNECT = 1 "host not allowed to connect",
    PROTOCOL_ERROR = 2 "protocol error",
    KEY_EXCHANGE_FAILED = 3 "key exchange failed",
    RESERVED = 4 "reserved",
    MAC_ERROR = 5 "integrity check failed",
    COMPRESSION_ERROR = 6 "compression error",
    SERVICE_NOT_AVAILABLE = 7 "service not available",
    PROTOCOL_VERSION_NOT_SUPPORTED = 8 "protocol version not supported",
    HOST_KEY_NOT_VERIFIABLE = 9 "host key not verifiable",
    CONNECTION_LOST = 10 "connection lost",
    BY_APPLICATION = 11 "by application",
    TOO_MANY_CONNECTIONS = 12 "too many connections",
    AUTH_CANCELLED_BY_USER = 13 "login cancelled by user",
    NO_MORE_AUTH_METHODS_AVAILABLE = 14 "no more login methods available",
    ILLEGAL_USER_NAME = 15 "illegal user name",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.words())
    }
}

impl Field for Reason {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> wire::Parsed<'a, Self> {
        map(wire::uint32, Self).parse(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_uint32(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        disconnect: Disconnect = (any::<u32>(), text(), text()).prop_map(
            |(reason, description, language)| Disconnect {
                reason: Reason(reason), description, language,
            });
    }
}
