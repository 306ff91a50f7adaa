//! What a program that runs at the server is to be told.

use adit_channels::channel_request::Size;
use bytes::Bytes;

/// What a program that runs at the server is to be told, by whoever has it run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    /// The terminal has another size.
    Resize(Size),
    /// A signal, by its name without `SIG`.
    #[allow(dead_code, reason = "a shared connection passes them on")]
    Signal(String),
    /// A break on the line of the terminal, of so many milliseconds.
    Break {
        /// 0 is the server's own time.
        length: u32,
    },
    /// The user is to see these words on standard error, with the ends of lines of a terminal.
    Say(Bytes),
    /// It is to be broken off.
    Quit,
}
