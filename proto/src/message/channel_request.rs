//! SSH_MSG_CHANNEL_REQUEST.

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::combinator::map;

use crate::message::channel_id::ChannelId;
use crate::message::codec::Message;
use crate::message::number::Number;
use crate::wire::{self, Field, Put, Rest, Text};

/// A request that concerns one channel,
/// [RFC 4254 section 5.4](https://www.rfc-editor.org/rfc/rfc4254#section-5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRequest {
    /// The channel, as the receiver counts.
    pub recipient: ChannelId,
    /// What is asked.
    pub kind: Kind,
    /// Whether an answer is wanted.
    pub want_reply: bool,
}

/// What a channel request asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A terminal, [RFC 4254 section 6.2](https://www.rfc-editor.org/rfc/rfc4254#section-6.2).
    PtyReq(Pty),
    /// X11 forwarding, [RFC 4254 section 6.3.1](https://www.rfc-editor.org/rfc/rfc4254#section-6.3.1).
    X11Req(X11),
    /// Agent forwarding, `auth-agent-req@openssh.com`.
    AuthAgentReq,
    /// A variable of the environment,
    /// [RFC 4254 section 6.4](https://www.rfc-editor.org/rfc/rfc4254#section-6.4).
    Env {
        /// Its name.
        name: Bytes,
        /// Its value.
        value: Bytes,
    },
    /// A shell, [RFC 4254 section 6.5](https://www.rfc-editor.org/rfc/rfc4254#section-6.5).
    Shell,
    /// A command, [RFC 4254 section 6.5](https://www.rfc-editor.org/rfc/rfc4254#section-6.5).
    Exec {
        /// The command line.
        command: Bytes,
    },
    /// A subsystem, [RFC 4254 section 6.5](https://www.rfc-editor.org/rfc/rfc4254#section-6.5).
    Subsystem {
        /// Its name.
        name: String,
    },
    /// The terminal has another size,
    /// [RFC 4254 section 6.7](https://www.rfc-editor.org/rfc/rfc4254#section-6.7).
    WindowChange(Size),
    /// Whether the client may do flow control,
    /// [RFC 4254 section 6.8](https://www.rfc-editor.org/rfc/rfc4254#section-6.8).
    XonXoff {
        /// Whether it may.
        client_can_do: bool,
    },
    /// A signal, [RFC 4254 section 6.9](https://www.rfc-editor.org/rfc/rfc4254#section-6.9).
    Signal {
        /// Its name, without `SIG`.
        name: String,
    },
    /// A break on the line of the terminal,
    /// [RFC 4335 section 3](https://www.rfc-editor.org/rfc/rfc4335#section-3).
    Break {
        /// For how many milliseconds; 0 is the receiver's own time.
        length: u32,
    },
    /// The program has ended,
    /// [RFC 4254 section 6.10](https://www.rfc-editor.org/rfc/rfc4254#section-6.10).
    ExitStatus {
        /// With this status.
        status: u32,
    },
    /// The program was ended by a signal,
    /// [RFC 4254 section 6.10](https://www.rfc-editor.org/rfc/rfc4254#section-6.10).
    ExitSignal(ExitSignal),
    /// The sender reads no more, `eow@openssh.com`,
    /// [PROTOCOL section 2.1](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    Eow,
    /// Whether the peer is there, `keepalive@openssh.com` on a channel.
    Keepalive,
    /// A request that is not known here.
    Other {
        /// Its name.
        name: String,
        /// What it carries.
        data: Rest,
    },
}

/// The size of a terminal, in characters and in pixels,
/// [RFC 4254 section 6.2](https://www.rfc-editor.org/rfc/rfc4254#section-6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u32,
    /// Lines.
    pub rows: u32,
    /// Pixels in a line; 0 where not known.
    pub width: u32,
    /// Lines of pixels; 0 where not known.
    pub height: u32,
}

/// A terminal, [RFC 4254 section 6.2](https://www.rfc-editor.org/rfc/rfc4254#section-6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pty {
    /// The value of `TERM`.
    pub term: String,
    /// The size.
    pub size: Size,
    /// Terminal modes, encoded as
    /// [RFC 4254 section 8](https://www.rfc-editor.org/rfc/rfc4254#section-8) says.
    pub modes: Bytes,
}

/// X11 forwarding,
/// [RFC 4254 section 6.3.1](https://www.rfc-editor.org/rfc/rfc4254#section-6.3.1).
#[derive(Clone, PartialEq, Eq)]
pub struct X11 {
    /// Whether only one connection is to be forwarded.
    pub single_connection: bool,
    /// The authentication protocol, for instance `MIT-MAGIC-COOKIE-1`.
    pub protocol: String,
    /// The cookie in hexadecimal digits. It is a secret.
    pub cookie: String,
    /// The screen's number.
    pub screen: u32,
}

impl std::fmt::Debug for X11 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("X11")
            .field("single_connection", &self.single_connection)
            .field("protocol", &self.protocol)
            .field("screen", &self.screen)
            .finish_non_exhaustive()
    }
}

/// The end of a program by a signal,
/// [RFC 4254 section 6.10](https://www.rfc-editor.org/rfc/rfc4254#section-6.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitSignal {
    /// The signal's name, without `SIG`.
    pub name: String,
    /// Whether a core file was written.
    pub core_dumped: bool,
    /// Words for people.
    pub message: Text,
    /// The language of the words, which nobody fills.
    pub language: Text,
}

const PTY_REQ: &str = "pty-req";
const X11_REQ: &str = "x11-req";
const AUTH_AGENT_REQ: &str = "auth-agent-req@openssh.com";
const ENV: &str = "env";
const SHELL: &str = "shell";
const EXEC: &str = "exec";
const SUBSYSTEM: &str = "subsystem";
const WINDOW_CHANGE: &str = "window-change";
const XON_XOFF: &str = "xon-xoff";
const SIGNAL: &str = "signal";
const BREAK: &str = "break";
const EXIT_STATUS: &str = "exit-status";
const EXIT_SIGNAL: &str = "exit-signal";
const EOW: &str = "eow@openssh.com";
const KEEPALIVE: &str = "keepalive@openssh.com";

impl Kind {
    /// The request's name as on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::PtyReq(_) => PTY_REQ,
            Self::X11Req(_) => X11_REQ,
            Self::AuthAgentReq => AUTH_AGENT_REQ,
            Self::Env { .. } => ENV,
            Self::Shell => SHELL,
            Self::Exec { .. } => EXEC,
            Self::Subsystem { .. } => SUBSYSTEM,
            Self::WindowChange(_) => WINDOW_CHANGE,
            Self::XonXoff { .. } => XON_XOFF,
            Self::Signal { .. } => SIGNAL,
            Self::Break { .. } => BREAK,
            Self::ExitStatus { .. } => EXIT_STATUS,
            Self::ExitSignal(_) => EXIT_SIGNAL,
            Self::Eow => EOW,
            Self::Keepalive => KEEPALIVE,
            Self::Other { name, .. } => name,
        }
    }

    fn parse<'a>(name: &str, input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let bytes = |input| Bytes::parse(input, packet);
        let text = |input| String::parse(input, packet);
        match name {
            PTY_REQ => map(|input| Pty::parse(input, packet), Self::PtyReq).parse(input),
            X11_REQ => map(|input| X11::parse(input, packet), Self::X11Req).parse(input),
            AUTH_AGENT_REQ => Ok((input, Self::AuthAgentReq)),
            ENV => map((bytes, bytes), |(name, value)| Self::Env { name, value }).parse(input),
            SHELL => Ok((input, Self::Shell)),
            EXEC => map(bytes, |command| Self::Exec { command }).parse(input),
            SUBSYSTEM => map(text, |name| Self::Subsystem { name }).parse(input),
            WINDOW_CHANGE => {
                map(|input| Size::parse(input, packet), Self::WindowChange).parse(input)
            }
            XON_XOFF => {
                map(wire::boolean, |client_can_do| Self::XonXoff { client_can_do }).parse(input)
            }
            SIGNAL => map(text, |name| Self::Signal { name }).parse(input),
            BREAK => map(wire::uint32, |length| Self::Break { length }).parse(input),
            EXIT_STATUS => map(wire::uint32, |status| Self::ExitStatus { status }).parse(input),
            EXIT_SIGNAL => {
                map(|input| ExitSignal::parse(input, packet), Self::ExitSignal).parse(input)
            }
            EOW => Ok((input, Self::Eow)),
            KEEPALIVE => Ok((input, Self::Keepalive)),
            _ => map(
                |input| Rest::parse(input, packet),
                |data| Self::Other { name: name.to_owned(), data },
            )
            .parse(input),
        }
    }

    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::AuthAgentReq | Self::Shell | Self::Eow | Self::Keepalive => {}
            Self::PtyReq(pty) => pty.encode(out),
            Self::X11Req(x11) => x11.encode(out),
            Self::Env { name, value } => {
                name.encode(out);
                value.encode(out);
            }
            Self::Exec { command } => command.encode(out),
            Self::Subsystem { name } | Self::Signal { name } => name.encode(out),
            Self::WindowChange(size) => size.encode(out),
            Self::XonXoff { client_can_do } => out.put_boolean(*client_can_do),
            Self::Break { length } => out.put_uint32(*length),
            Self::ExitStatus { status } => out.put_uint32(*status),
            Self::ExitSignal(signal) => signal.encode(out),
            Self::Other { data, .. } => data.encode(out),
        }
    }
}

/// Makes a struct a [`Field`] whose wire form is its fields in this order.
macro_rules! field {
    ($name:ident { $($field:ident),* }) => {
        impl Field for $name {
            fn parse<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
                $(let (input, $field) = Field::parse(input, packet)?;)*
                Ok((input, Self { $($field),* }))
            }
            fn encode(&self, out: &mut BytesMut) {
                $(self.$field.encode(out);)*
            }
        }
    };
}

field!(Size { columns, rows, width, height });
field!(Pty { term, size, modes });
field!(X11 { single_connection, protocol, cookie, screen });
field!(ExitSignal { name, core_dumped, message, language });

impl Message for ChannelRequest {
    const NUMBER: Number = Number::CHANNEL_REQUEST;

    fn parse_fields<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, recipient) = ChannelId::parse(input, packet)?;
        let (input, name) = wire::utf8(input)?;
        let (input, want_reply) = wire::boolean(input)?;
        let (input, kind) = Kind::parse(name, input, packet)?;
        Ok((input, Self { recipient, kind, want_reply }))
    }

    fn encode_fields(&self, out: &mut BytesMut) {
        self.recipient.encode(out);
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
    use crate::message::codec::strategy::{bytes, text};

    fn size() -> impl Strategy<Value = Size> {
        any::<[u32; 4]>().prop_map(|[columns, rows, width, height]| Size {
            columns,
            rows,
            width,
            height,
        })
    }

    fn x11() -> impl Strategy<Value = X11> {
        (any::<bool>(), ".{0,9}", "[0-9a-f]{0,9}", any::<u32>()).prop_map(
            |(single_connection, protocol, cookie, screen)| X11 {
                single_connection,
                protocol,
                cookie,
                screen,
            },
        )
    }

    fn exit_signal() -> impl Strategy<Value = ExitSignal> {
        (".{0,9}", any::<bool>(), text(), text()).prop_map(
            |(name, core_dumped, message, language)| ExitSignal {
                name,
                core_dumped,
                message,
                language,
            },
        )
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![
            (".{0,9}", size(), bytes()).prop_map(|(term, size, modes)| Kind::PtyReq(Pty {
                term,
                size,
                modes
            })),
            x11().prop_map(Kind::X11Req),
            Just(Kind::AuthAgentReq),
            (bytes(), bytes()).prop_map(|(name, value)| Kind::Env { name, value }),
            Just(Kind::Shell),
            bytes().prop_map(|command| Kind::Exec { command }),
            ".{0,9}".prop_map(|name| Kind::Subsystem { name }),
            size().prop_map(Kind::WindowChange),
            any::<bool>().prop_map(|client_can_do| Kind::XonXoff { client_can_do }),
            ".{0,9}".prop_map(|name| Kind::Signal { name }),
            any::<u32>().prop_map(|length| Kind::Break { length }),
            any::<u32>().prop_map(|status| Kind::ExitStatus { status }),
            exit_signal().prop_map(Kind::ExitSignal),
            Just(Kind::Eow),
            Just(Kind::Keepalive),
            ("other[a-z]{0,9}", bytes())
                .prop_map(|(name, data)| Kind::Other { name, data: Rest(data) }),
        ]
    }

    laws! {
        request: ChannelRequest = (any::<u32>(), kind(), any::<bool>()).prop_map(
            |(recipient, kind, want_reply)| ChannelRequest {
                recipient: ChannelId(recipient), kind, want_reply,
            });
    }

    #[test]
    fn debug_does_not_show_the_x11_cookie() {
        let request = X11 {
            single_connection: false,
            protocol: "MIT-MAGIC-COOKIE-1".to_owned(),
            cookie: "0123456789abcdef".to_owned(),
            screen: 0,
        };
        assert!(!format!("{request:?}").contains("0123456789abcdef"));
    }
}
