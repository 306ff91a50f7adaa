//! What happens while a program runs at the server.

use crate::session::escape::Escape;

/// What happens while a program runs at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The server runs the program.
    Started,
    /// The server gives no terminal; the program runs without.
    NoTerminal,
    /// The server forwards no X11; the program runs without.
    NoX11,
    /// The user typed an escape.
    Escape(Escape),
}
