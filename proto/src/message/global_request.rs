//! SSH_MSG_GLOBAL_REQUEST.

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::multi::many0;

use crate::message::codec::Message;
use crate::message::number::Number;
use crate::wire::{self, Field, Put, Rest};

/// A request that concerns no channel,
/// [RFC 4254 section 4](https://www.rfc-editor.org/rfc/rfc4254#section-4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalRequest {
    /// What is asked.
    pub kind: Kind,
    /// Whether an answer is wanted.
    pub want_reply: bool,
}

/// What a global request asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// To listen on a TCP port,
    /// [RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1).
    TcpipForward(Bind),
    /// To listen on it no more,
    /// [RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1).
    CancelTcpipForward(Bind),
    /// To listen on a Unix socket,
    /// [PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    StreamlocalForward {
        /// The socket's path.
        path: String,
    },
    /// To listen on it no more,
    /// [PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    CancelStreamlocalForward {
        /// The socket's path.
        path: String,
    },
    /// To open no more sessions,
    /// [PROTOCOL section 2.2](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    NoMoreSessions,
    /// Whether the peer is there, `keepalive@openssh.com`; any answer says yes.
    Keepalive,
    /// All host keys of the server,
    /// [PROTOCOL section 2.5](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    HostKeys {
        /// The keys, as on the wire.
        keys: Vec<Bytes>,
    },
    /// To prove that the server has these host keys,
    /// [PROTOCOL section 2.5](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    HostKeysProve {
        /// The keys, as on the wire.
        keys: Vec<Bytes>,
    },
    /// A request that is not known here.
    Other {
        /// Its name.
        name: String,
        /// What it carries.
        data: Rest,
    },
}

/// Where to listen, [RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bind {
    /// The address; empty is all addresses, `localhost` the loopback ones.
    pub address: String,
    /// The port. The wire has 32 bits; 0 lets the server choose.
    pub port: u32,
}

const TCPIP_FORWARD: &str = "tcpip-forward";
const CANCEL_TCPIP_FORWARD: &str = "cancel-tcpip-forward";
const STREAMLOCAL_FORWARD: &str = "streamlocal-forward@openssh.com";
const CANCEL_STREAMLOCAL_FORWARD: &str = "cancel-streamlocal-forward@openssh.com";
const NO_MORE_SESSIONS: &str = "no-more-sessions@openssh.com";
const KEEPALIVE: &str = "keepalive@openssh.com";
const HOSTKEYS: &str = "hostkeys-00@openssh.com";
const HOSTKEYS_PROVE: &str = "hostkeys-prove-00@openssh.com";

impl Kind {
    /// The request's name as on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::TcpipForward(_) => TCPIP_FORWARD,
            Self::CancelTcpipForward(_) => CANCEL_TCPIP_FORWARD,
            Self::StreamlocalForward { .. } => STREAMLOCAL_FORWARD,
            Self::CancelStreamlocalForward { .. } => CANCEL_STREAMLOCAL_FORWARD,
            Self::NoMoreSessions => NO_MORE_SESSIONS,
            Self::Keepalive => KEEPALIVE,
            Self::HostKeys { .. } => HOSTKEYS,
            Self::HostKeysProve { .. } => HOSTKEYS_PROVE,
            Self::Other { name, .. } => name,
        }
    }

    fn parse<'a>(name: &str, input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let path = |input| String::parse(input, packet);
        let keys = |input| many0(|input| Bytes::parse(input, packet)).parse(input);
        let (input, kind) = match name {
            TCPIP_FORWARD => Bind::parse(input, packet).map(|(i, b)| (i, Self::TcpipForward(b)))?,
            CANCEL_TCPIP_FORWARD => {
                Bind::parse(input, packet).map(|(i, b)| (i, Self::CancelTcpipForward(b)))?
            }
            STREAMLOCAL_FORWARD => {
                path(input).map(|(i, path)| (i, Self::StreamlocalForward { path }))?
            }
            CANCEL_STREAMLOCAL_FORWARD => {
                path(input).map(|(i, path)| (i, Self::CancelStreamlocalForward { path }))?
            }
            NO_MORE_SESSIONS => (input, Self::NoMoreSessions),
            KEEPALIVE => (input, Self::Keepalive),
            HOSTKEYS => keys(input).map(|(i, keys)| (i, Self::HostKeys { keys }))?,
            HOSTKEYS_PROVE => keys(input).map(|(i, keys)| (i, Self::HostKeysProve { keys }))?,
            _ => {
                let (input, data) = Rest::parse(input, packet)?;
                (input, Self::Other { name: name.to_owned(), data })
            }
        };
        Ok((input, kind))
    }

    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::TcpipForward(bind) | Self::CancelTcpipForward(bind) => bind.encode(out),
            Self::StreamlocalForward { path } | Self::CancelStreamlocalForward { path } => {
                path.encode(out);
            }
            Self::NoMoreSessions | Self::Keepalive => {}
            Self::HostKeys { keys } | Self::HostKeysProve { keys } => {
                keys.iter().for_each(|key| key.encode(out));
            }
            Self::Other { data, .. } => data.encode(out),
        }
    }
}

impl Field for Bind {
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, address) = String::parse(input, packet)?;
        let (input, port) = wire::uint32(input)?;
        Ok((input, Self { address, port }))
    }
    fn encode(&self, out: &mut BytesMut) {
        self.address.encode(out);
        out.put_uint32(self.port);
    }
}

impl Message for GlobalRequest {
    const NUMBER: Number = Number::GLOBAL_REQUEST;

    fn parse_fields<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, name) = wire::utf8(input)?;
        let (input, want_reply) = wire::boolean(input)?;
        let (input, kind) = Kind::parse(name, input, packet)?;
        Ok((input, Self { kind, want_reply }))
    }

    fn encode_fields(&self, out: &mut BytesMut) {
        out.put_string(self.kind.name().as_bytes());
        out.put_boolean(self.want_reply);
        self.kind.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::codec::laws;
    use crate::message::codec::strategy::bytes;

    fn bind() -> impl Strategy<Value = Bind> {
        (".{0,9}", any::<u32>()).prop_map(|(address, port)| Bind { address, port })
    }

    fn keys() -> impl Strategy<Value = Vec<Bytes>> {
        proptest::collection::vec(bytes(), 0..4)
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            bind().prop_map(Kind::TcpipForward),
            bind().prop_map(Kind::CancelTcpipForward),
            ".{0,9}".prop_map(|path| Kind::StreamlocalForward { path }),
            ".{0,9}".prop_map(|path| Kind::CancelStreamlocalForward { path }),
            Just(Kind::NoMoreSessions),
            Just(Kind::Keepalive),
            keys().prop_map(|keys| Kind::HostKeys { keys }),
            keys().prop_map(|keys| Kind::HostKeysProve { keys }),
            ("other[a-z]{0,9}", bytes())
                .prop_map(|(name, data)| Kind::Other { name, data: Rest(data) }),
        ]
    }

    laws! {
        request: GlobalRequest = (kind(), any::<bool>()).prop_map(
            |(kind, want_reply)| GlobalRequest { kind, want_reply });
    }
}
