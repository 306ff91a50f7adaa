//! What a client and a master say to each other.

use bytes::Bytes;

use crate::control::field::Field;
use crate::control::frame::Frame;
use crate::control::malformed::Malformed;

/// Makes messages of lists of fields: their types, and how they become frames and are read.
macro_rules! messages {
    (
        $(#[$doc:meta])*
        $name:ident {
            $(
                $(#[$said:meta])*
                $kind:literal $variant:ident { $($(#[$of:meta])* $field:ident: $type:ty),* $(,)? }
            ),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(super) enum $name {
            $($(#[$said])* $variant { $($(#[$of])* $field: $type),* }),*
        }

        impl $name {
            /// Puts it into a frame.
            pub(super) fn encode(&self) -> Frame {
                #[allow(unused_mut, reason = "not every message has fields")]
                let mut body = Vec::new();
                let kind = match self {
                    $(Self::$variant { $($field),* } => {
                        $($field.put(&mut body);)*
                        $kind
                    }),*
                };
                Frame { kind, body }
            }

            /// Reads it from a frame.
            ///
            /// # Errors
            /// Where it is none.
            pub(super) fn decode(frame: &Frame) -> Result<Self, Malformed> {
                let mut rest = frame.body.as_slice();
                let message = match frame.kind {
                    $($kind => Self::$variant { $($field: Field::take(&mut rest)?),* },)*
                    kind => return Err(Malformed::Kind(kind)),
                };
                if rest.is_empty() { Ok(message) } else { Err(Malformed::TooLong) }
            }
        }
    };
}

messages! {
    /// What a client says.
    Ask {
        /// Whether the master is there.
        16 Check {},
        /// A tunnel is to be opened.
        17 Forward {
            /// `L`, `R` or `D`.
            flag: String,
            /// As behind that flag.
            words: String,
        },
        /// A tunnel is to be closed.
        18 Cancel {
            /// `L`, `R` or `D`.
            flag: String,
            /// As behind that flag.
            words: String,
        },
        /// The master is to end.
        19 Exit {},
        /// The master is to take no more clients.
        20 Stop {},
        /// What goes through the connection is to be told.
        21 Channels {},
        /// What the connection is is to be told.
        22 Conninfo {},
        /// A program is to run, over descriptors that come along: what it reads, where there is
        /// such a thing, what it says, and what it says to standard error.
        23 Session {
            /// 0 for a shell, 1 for a command, 2 for a subsystem.
            kind: u32,
            /// The command or the subsystem.
            words: Bytes,
            /// By a terminal.
            terminal: Option<Terminal>,
            /// With these variables.
            environment: Vec<(Bytes, Bytes)>,
            /// Whether it reaches the agent.
            agent: bool,
            /// Whether it reaches the display.
            display: bool,
            /// Whether the first descriptor is what it reads.
            reads: bool,
        },
        /// Two descriptors that come along, what is read and what is written, are to be joined to
        /// a target.
        24 Stdio {
            /// As behind `-W`.
            words: String,
        },
        /// The client stays, so that it learns of the end of the master.
        25 Stay {},
        /// The terminal has another size.
        32 Resize {
            /// The size.
            size: Size,
        },
        /// The program is to get a signal.
        33 Signal {
            /// Its name, without `SIG`.
            name: String,
        },
        /// The line of the terminal is to be broken.
        34 Break {
            /// For so many milliseconds.
            length: u32,
        },
    }
}

messages! {
    /// What a master says.
    Answer {
        /// It is there.
        64 Running {
            /// Its process.
            pid: u32,
        },
        /// It is done.
        65 Done {},
        /// The tunnel is open.
        66 Forwarded {
            /// The port, where it is entered by one.
            port: Option<u32>,
        },
        /// This is to be told.
        67 Told {
            /// The words, with the ends of their lines.
            words: String,
        },
        /// It cannot be done.
        68 Failed {
            /// The exit code by cause.
            exit: u32,
            /// Why.
            cause: String,
            /// What the user can do.
            hint: Option<String>,
        },
        /// The program runs.
        80 Started {},
        /// The server gives no terminal; the program runs without.
        81 NoTerminal {},
        /// The server forwards no X11; the program runs without.
        82 NoX11 {},
        /// The program has ended.
        83 Ended {
            /// With this status.
            status: u32,
        },
        /// The program was ended by a signal.
        84 Killed {
            /// Its name, without `SIG`.
            signal: String,
            /// Words of the server.
            message: String,
        },
        /// The program has ended, and the server does not say how; or what was joined has ended.
        85 Over {},
    }
}

/// A terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terminal {
    /// The value of `TERM`.
    pub(super) term: String,
    /// Its size.
    pub(super) size: Size,
    /// Its modes, as they go to the server.
    pub(super) modes: Bytes,
}

/// The size of a terminal: characters in a line, lines, and the same in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) [u32; 4]);

impl Field for Terminal {
    fn put(&self, to: &mut Vec<u8>) {
        self.term.put(to);
        self.size.put(to);
        self.modes.put(to);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        let (term, size) = (String::take(from)?, Size::take(from)?);
        Ok(Self { term, size, modes: Bytes::take(from)? })
    }
}

impl Field for Size {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.iter().for_each(|number| number.put(to));
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        let mut size = [0; 4];
        for number in &mut size {
            *number = u32::take(from)?;
        }
        Ok(Self(size))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..30).prop_map(Bytes::from)
    }

    fn size() -> impl Strategy<Value = Size> {
        any::<[u32; 4]>().prop_map(Size)
    }

    fn terminal() -> impl Strategy<Value = Terminal> {
        (any::<String>(), size(), bytes()).prop_map(|(term, size, modes)| Terminal {
            term,
            size,
            modes,
        })
    }

    fn session() -> impl Strategy<Value = Ask> {
        let environment = prop::collection::vec((bytes(), bytes()), 0..4);
        let program = (any::<u32>(), bytes(), prop::option::of(terminal()), environment);
        let rest = any::<(bool, bool, bool)>();
        (program, rest).prop_map(
            |((kind, words, terminal, environment), (agent, display, reads))| Ask::Session {
                kind,
                words,
                terminal,
                environment,
                agent,
                display,
                reads,
            },
        )
    }

    fn ask() -> impl Strategy<Value = Ask> {
        let spec = (any::<String>(), any::<String>());
        prop_oneof![
            Just(Ask::Check {}),
            spec.prop_map(|(flag, words)| Ask::Forward { flag, words }),
            spec.prop_map(|(flag, words)| Ask::Cancel { flag, words }),
            Just(Ask::Exit {}),
            Just(Ask::Stop {}),
            Just(Ask::Channels {}),
            Just(Ask::Conninfo {}),
            session(),
            any::<String>().prop_map(|words| Ask::Stdio { words }),
            Just(Ask::Stay {}),
            size().prop_map(|size| Ask::Resize { size }),
            any::<String>().prop_map(|name| Ask::Signal { name }),
            any::<u32>().prop_map(|length| Ask::Break { length }),
        ]
    }

    fn answer() -> impl Strategy<Value = Answer> {
        let text = any::<String>;
        prop_oneof![
            any::<u32>().prop_map(|pid| Answer::Running { pid }),
            Just(Answer::Done {}),
            any::<Option<u32>>().prop_map(|port| Answer::Forwarded { port }),
            text().prop_map(|words| Answer::Told { words }),
            (any::<u32>(), text(), any::<Option<String>>())
                .prop_map(|(exit, cause, hint)| Answer::Failed { exit, cause, hint }),
            Just(Answer::Started {}),
            Just(Answer::NoTerminal {}),
            Just(Answer::NoX11 {}),
            any::<u32>().prop_map(|status| Answer::Ended { status }),
            (text(), text()).prop_map(|(signal, message)| Answer::Killed { signal, message }),
            Just(Answer::Over {}),
        ]
    }

    /// What is made is read back, and any part of it is an error, and so is anything behind it.
    macro_rules! laws {
        ($name:ident, $type:ident, $strategy:expr) => {
            proptest! {
                #[test]
                fn $name(message in $strategy) {
                    let frame = message.encode();
                    prop_assert_eq!($type::decode(&frame), Ok(message));
                    let Frame { kind, body } = frame;
                    for length in 0..body.len() {
                        let cut = Frame { kind, body: body[..length].to_vec() };
                        prop_assert!($type::decode(&cut).is_err());
                    }
                    let more = [&body[..], &[0]].concat();
                    prop_assert_eq!($type::decode(&Frame { kind, body: more }), Err(Malformed::TooLong));
                }
            }
        };
    }

    laws!(what_a_client_says_is_read_back_whole_or_not_at_all, Ask, ask());
    laws!(what_a_master_says_is_read_back_whole_or_not_at_all, Answer, answer());

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(
            kind in 0_u32..100,
            body in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let frame = Frame { kind, body };
            if let Ok(ask) = Ask::decode(&frame) {
                prop_assert_eq!(&ask.encode(), &frame);
            }
            if let Ok(answer) = Answer::decode(&frame) {
                prop_assert_eq!(&answer.encode(), &frame);
            }
        }
    }

    #[test]
    fn a_false_number_of_things_takes_no_room() {
        let mut rest = &[0xff; 12][..];
        assert_eq!(Vec::<u32>::take(&mut rest), Err(Malformed::CutOff));
    }
}
