//! SSH_MSG_CHANNEL_OPEN, SSH_MSG_CHANNEL_OPEN_CONFIRMATION, SSH_MSG_CHANNEL_OPEN_FAILURE.

use std::fmt;

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::combinator::map;

use crate::message::channel_id::ChannelId;
use crate::message::codec::{Message, message};
use crate::message::number::Number;
use crate::wire::{self, Field, Put, Rest, Text};

/// Asks for a channel, [RFC 4254 section 5.1](https://www.rfc-editor.org/rfc/rfc4254#section-5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelOpen {
    /// What the channel is for.
    pub kind: Kind,
    /// The channel, as the sender counts.
    pub sender: ChannelId,
    /// How many bytes the sender takes before it adds to the window.
    pub window: u32,
    /// How many bytes of data one message to the sender may carry.
    pub max_packet: u32,
}

/// What a channel is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A program at the server,
    /// [RFC 4254 section 6.1](https://www.rfc-editor.org/rfc/rfc4254#section-6.1).
    Session,
    /// A connection that the server is to make,
    /// [RFC 4254 section 7.2](https://www.rfc-editor.org/rfc/rfc4254#section-7.2).
    DirectTcpip(Tcpip),
    /// A connection to a port that the server listens on,
    /// [RFC 4254 section 7.2](https://www.rfc-editor.org/rfc/rfc4254#section-7.2).
    ForwardedTcpip(Tcpip),
    /// A connection to a Unix socket that the server is to make,
    /// [PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    DirectStreamlocal {
        /// The socket's path.
        path: String,
    },
    /// A connection to a Unix socket that the server listens on,
    /// [PROTOCOL section 2.4](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    ForwardedStreamlocal {
        /// The socket's path.
        path: String,
    },
    /// A connection of an X11 client,
    /// [RFC 4254 section 6.3.2](https://www.rfc-editor.org/rfc/rfc4254#section-6.3.2).
    X11 {
        /// The address that it came from.
        originator: String,
        /// The port that it came from.
        originator_port: u32,
    },
    /// A connection to the agent of the user,
    /// [PROTOCOL](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    AuthAgent,
    /// A type that is not known here.
    Other {
        /// The type.
        name: String,
        /// What it carries.
        data: Rest,
    },
}

/// The two ends of a TCP connection through a channel,
/// [RFC 4254 section 7.2](https://www.rfc-editor.org/rfc/rfc4254#section-7.2).
///
/// For `direct-tcpip` the host is where the server is to connect to, for `forwarded-tcpip`
/// the address that was connected to, as the client asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcpip {
    /// Name or address of the target.
    pub host: String,
    /// Port of the target. The wire has 32 bits.
    pub port: u32,
    /// The address that the connection came from.
    pub originator: String,
    /// The port that the connection came from.
    pub originator_port: u32,
}

const SESSION: &str = "session";
const DIRECT_TCPIP: &str = "direct-tcpip";
const FORWARDED_TCPIP: &str = "forwarded-tcpip";
const DIRECT_STREAMLOCAL: &str = "direct-streamlocal@openssh.com";
const FORWARDED_STREAMLOCAL: &str = "forwarded-streamlocal@openssh.com";
const X11: &str = "x11";
const AUTH_AGENT: &str = "auth-agent@openssh.com";

impl Kind {
    /// The channel type as on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Session => SESSION,
            Self::DirectTcpip(_) => DIRECT_TCPIP,
            Self::ForwardedTcpip(_) => FORWARDED_TCPIP,
            Self::DirectStreamlocal { .. } => DIRECT_STREAMLOCAL,
            Self::ForwardedStreamlocal { .. } => FORWARDED_STREAMLOCAL,
            Self::X11 { .. } => X11,
            Self::AuthAgent => AUTH_AGENT,
            Self::Other { name, .. } => name,
        }
    }

    fn parse<'a>(name: &str, input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        match name {
            SESSION => Ok((input, Self::Session)),
            DIRECT_TCPIP => {
                map(|input| Tcpip::parse(input, packet), Self::DirectTcpip).parse(input)
            }
            FORWARDED_TCPIP => {
                map(|input| Tcpip::parse(input, packet), Self::ForwardedTcpip).parse(input)
            }
            DIRECT_STREAMLOCAL => {
                let (input, path) = String::parse(input, packet)?;
                // Two reserved fields that are to be ignored.
                let (input, _) = wire::string(input)?;
                let (input, _) = wire::uint32(input)?;
                Ok((input, Self::DirectStreamlocal { path }))
            }
            FORWARDED_STREAMLOCAL => {
                let (input, path) = String::parse(input, packet)?;
                // A reserved field that is to be ignored.
                let (input, _) = wire::string(input)?;
                Ok((input, Self::ForwardedStreamlocal { path }))
            }
            X11 => {
                let (input, originator) = String::parse(input, packet)?;
                let (input, originator_port) = wire::uint32(input)?;
                Ok((input, Self::X11 { originator, originator_port }))
            }
            AUTH_AGENT => Ok((input, Self::AuthAgent)),
            _ => {
                let (input, data) = Rest::parse(input, packet)?;
                Ok((input, Self::Other { name: name.to_owned(), data }))
            }
        }
    }

    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Session | Self::AuthAgent => {}
            Self::DirectTcpip(ends) | Self::ForwardedTcpip(ends) => ends.encode(out),
            Self::DirectStreamlocal { path } => {
                path.encode(out);
                out.put_string(b"");
                out.put_uint32(0);
            }
            Self::ForwardedStreamlocal { path } => {
                path.encode(out);
                out.put_string(b"");
            }
            Self::X11 { originator, originator_port } => {
                originator.encode(out);
                out.put_uint32(*originator_port);
            }
            Self::Other { data, .. } => data.encode(out),
        }
    }
}

impl Field for Tcpip {
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, host) = String::parse(input, packet)?;
        let (input, port) = wire::uint32(input)?;
        let (input, originator) = String::parse(input, packet)?;
        let (input, originator_port) = wire::uint32(input)?;
        Ok((input, Self { host, port, originator, originator_port }))
    }

    fn encode(&self, out: &mut BytesMut) {
        self.host.encode(out);
        out.put_uint32(self.port);
        self.originator.encode(out);
        out.put_uint32(self.originator_port);
    }
}

impl Message for ChannelOpen {
    const NUMBER: Number = Number::CHANNEL_OPEN;

    fn parse_fields<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, name) = wire::utf8(input)?;
        let (input, sender) = ChannelId::parse(input, packet)?;
        let (input, window) = wire::uint32(input)?;
        let (input, max_packet) = wire::uint32(input)?;
        let (input, kind) = Kind::parse(name, input, packet)?;
        Ok((input, Self { kind, sender, window, max_packet }))
    }

    fn encode_fields(&self, out: &mut BytesMut) {
        out.put_string(self.kind.name().as_bytes());
        self.sender.encode(out);
        out.put_uint32(self.window);
        out.put_uint32(self.max_packet);
        self.kind.encode(out);
    }
}

message! {
    /// Grants a channel,
    /// [RFC 4254 section 5.1](https://www.rfc-editor.org/rfc/rfc4254#section-5.1).
    ChannelOpenConfirmation = CHANNEL_OPEN_CONFIRMATION {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
        /// The channel, as the sender counts.
        sender: ChannelId,
        /// How many bytes the sender takes before it adds to the window.
        window: u32,
        /// How many bytes of data one message to the sender may carry.
        max_packet: u32,
        /// What the channel type adds; nothing for all types known here.
        data: Rest,
    }
}

message! {
    /// Refuses a channel,
    /// [RFC 4254 section 5.1](https://www.rfc-editor.org/rfc/rfc4254#section-5.1).
    ChannelOpenFailure = CHANNEL_OPEN_FAILURE {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
        /// Why, for programs.
        reason: Reason,
        /// Why, for people.
        description: Text,
        /// The language of the description, which nobody fills.
        language: Text,
    }
}

/// Why a channel is refused,
/// [RFC 4254 section 5.1](https://www.rfc-editor.org/rfc/rfc4254#section-5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason(pub u32);

impl Reason {
    /// `SSH_OPEN_ADMINISTRATIVELY_PROHIBITED`: a rule forbids it.
    pub const ADMINISTRATIVELY_PROHIBITED: Self = Self(1);
    /// `SSH_OPEN_CONNECT_FAILED`: the target did not answer.
    pub const CONNECT_FAILED: Self = Self(2);
    /// `SSH_OPEN_UNKNOWN_CHANNEL_TYPE`: the type is not known.
    pub const UNKNOWN_CHANNEL_TYPE: Self = Self(3);
    /// `SSH_OPEN_RESOURCE_SHORTAGE`: there are too many.
    pub const RESOURCE_SHORTAGE: Self = Self(4);
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ADMINISTRATIVELY_PROHIBITED => f.write_str("administratively prohibited"),
            Self::CONNECT_FAILED => f.write_str("connect failed"),
            Self::UNKNOWN_CHANNEL_TYPE => f.write_str("unknown channel type"),
            Self::RESOURCE_SHORTAGE => f.write_str("resource shortage"),
            Self(code) => write!(f, "reason {code}"),
        }
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
    use proptest::prelude::*;

    use super::*;
    use crate::message::codec::laws;
    use crate::message::codec::strategy::bytes;

    fn tcpip() -> impl Strategy<Value = Tcpip> {
        (".{0,9}", any::<u32>(), ".{0,9}", any::<u32>()).prop_map(
            |(host, port, originator, originator_port)| Tcpip {
                host,
                port,
                originator,
                originator_port,
            },
        )
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            Just(Kind::Session),
            Just(Kind::AuthAgent),
            tcpip().prop_map(Kind::DirectTcpip),
            tcpip().prop_map(Kind::ForwardedTcpip),
            ".{0,9}".prop_map(|path| Kind::DirectStreamlocal { path }),
            ".{0,9}".prop_map(|path| Kind::ForwardedStreamlocal { path }),
            (".{0,9}", any::<u32>()).prop_map(|(originator, originator_port)| Kind::X11 {
                originator,
                originator_port
            }),
            ("other[a-z]{0,9}", bytes())
                .prop_map(|(name, data)| Kind::Other { name, data: Rest(data) }),
        ]
    }

    laws! {
        open: ChannelOpen = (kind(), any::<[u32; 3]>()).prop_map(
            |(kind, [sender, window, max_packet])| ChannelOpen {
                kind, sender: ChannelId(sender), window, max_packet,
            });
        confirmation: ChannelOpenConfirmation = (any::<[u32; 4]>(), bytes()).prop_map(
            |([recipient, sender, window, max_packet], data)| ChannelOpenConfirmation {
                recipient: ChannelId(recipient),
                sender: ChannelId(sender),
                window,
                max_packet,
                data: Rest(data),
            });
        failure: ChannelOpenFailure = (any::<[u32; 2]>(), text(), text()).prop_map(
            |([recipient, reason], description, language)| ChannelOpenFailure {
                recipient: ChannelId(recipient), reason: Reason(reason), description, language,
            });
    }
}
