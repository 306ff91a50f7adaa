//! Message numbers.

use std::fmt;

/// The number of a message, its first byte
/// ([RFC 4250 section 4.1](https://www.rfc-editor.org/rfc/rfc4250#section-4.1)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u8);

macro_rules! numbers {
    ($($name:ident = $value:literal,)*) => {
        impl Number {
            $(
                #[doc = concat!("`SSH_MSG_", stringify!($name), "`.")]
                pub const $name: Self = Self($value);
            )*

            /// The name without `SSH_MSG_`, where the number has one of its own.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

numbers! {
    DISCONNECT = 1,
    IGNORE = 2,
    UNIMPLEMENTED = 3,
    DEBUG = 4,
    SERVICE_REQUEST = 5,
    SERVICE_ACCEPT = 6,
    EXT_INFO = 7,
    KEXINIT = 20,
    NEWKEYS = 21,
    KEX_ECDH_INIT = 30,
    KEX_ECDH_REPLY = 31,
    KEX_DH_GEX_INIT = 32,
    KEX_DH_GEX_REPLY = 33,
    KEX_DH_GEX_REQUEST = 34,
    USERAUTH_REQUEST = 50,
    USERAUTH_FAILURE = 51,
    USERAUTH_SUCCESS = 52,
    USERAUTH_BANNER = 53,
    USERAUTH_INFO_REQUEST = 60,
    USERAUTH_INFO_RESPONSE = 61,
    GLOBAL_REQUEST = 80,
    REQUEST_SUCCESS = 81,
    REQUEST_FAILURE = 82,
    CHANNEL_OPEN = 90,
    CHANNEL_OPEN_CONFIRMATION = 91,
    CHANNEL_OPEN_FAILURE = 92,
    CHANNEL_WINDOW_ADJUST = 93,
    CHANNEL_DATA = 94,
    CHANNEL_EXTENDED_DATA = 95,
    CHANNEL_EOF = 96,
    CHANNEL_CLOSE = 97,
    CHANNEL_REQUEST = 98,
    CHANNEL_SUCCESS = 99,
    CHANNEL_FAILURE = 100,
    PING = 192,
    PONG = 193,
}

impl Number {
    /// `SSH_MSG_KEX_DH_GEX_GROUP`; what 31 means depends on the method.
    pub const KEX_DH_GEX_GROUP: Self = Self(31);
    /// `SSH_MSG_USERAUTH_PK_OK`; what 60 means depends on the method.
    pub const USERAUTH_PK_OK: Self = Self(60);
    /// `SSH_MSG_USERAUTH_PASSWD_CHANGEREQ`; what 60 means depends on the method.
    pub const USERAUTH_PASSWD_CHANGEREQ: Self = Self(60);
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "SSH_MSG_{name}"),
            None => write!(f, "message {}", self.0),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
