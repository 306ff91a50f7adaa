//! What a user types that is not for the program.

use bytes::{Bytes, BytesMut};

/// What is typed, taken apart into data and escapes: a character after the end of a line, such as
/// `~`, and one more behind it. The escaping character twice stands for itself.
///
/// ```text
///               escape character                 a known one
///  line begins ------------------> escaping ----------------------> its escape
///      ^                              |  any other: both are data      |
///      '--- end of a line --- text <--'<-------------------------------'
/// ```
#[derive(Debug)]
pub(crate) struct Escapes {
    character: Option<u8>,
    at: At,
}

/// Where in what is typed it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineBegins,
    Escaping,
    Text,
}

/// A piece of what is typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// It is for the program.
    Data(Bytes),
    /// It is not.
    Escape(Escape),
}

/// An escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// `.`: the connection is broken off.
    Quit,
    /// `B`: a break is sent.
    Break,
    /// `C`: a command line for tunnels.
    CommandLine,
    /// `R`: keys are exchanged anew.
    Rekey,
    /// `V` and `v`: less and more is logged.
    Quieter,
    /// `v`: more is logged.
    Louder,
    /// `^Z`: the program here is stopped.
    Suspend,
    /// `&`: it goes to the background when the program has ended.
    Background,
    /// `#`: what goes through the connection is told.
    Connections,
    /// `?`: what escapes there are is told.
    Help,
}

impl Escapes {
    /// Those that begin with this character, if any.
    pub(crate) fn new(character: Option<u8>) -> Self {
        Self { character, at: At::LineBegins }
    }

    /// Takes more of what is typed.
    pub(crate) fn take(&mut self, chunk: Bytes) -> Vec<Piece> {
        let Some(character) = self.character else { return vec![Piece::Data(chunk)] };
        let (mut pieces, mut data) = (Vec::new(), BytesMut::with_capacity(chunk.len()));
        for octet in chunk {
            match self.at {
                At::LineBegins if octet == character => self.at = At::Escaping,
                At::Escaping if octet == character => {
                    data.extend_from_slice(&[octet]);
                    self.at = At::Text;
                }
                At::Escaping => match escape(octet) {
                    Some(escape) => {
                        if !data.is_empty() {
                            pieces.push(Piece::Data(data.split().freeze()));
                        }
                        pieces.push(Piece::Escape(escape));
                        // What follows may be the next one.
                        self.at = At::LineBegins;
                    }
                    None => {
                        data.extend_from_slice(&[character, octet]);
                        self.at = after(octet);
                    }
                },
                At::LineBegins | At::Text => {
                    data.extend_from_slice(&[octet]);
                    self.at = after(octet);
                }
            }
        }
        if !data.is_empty() {
            pieces.push(Piece::Data(data.freeze()));
        }
        pieces
    }
}

fn after(octet: u8) -> At {
    if matches!(octet, b'\r' | b'\n') { At::LineBegins } else { At::Text }
}

fn escape(octet: u8) -> Option<Escape> {
    Some(match octet {
        b'.' => Escape::Quit,
        b'B' => Escape::Break,
        b'C' => Escape::CommandLine,
        b'R' => Escape::Rekey,
        b'V' => Escape::Quieter,
        b'v' => Escape::Louder,
        0x1a => Escape::Suspend,
        b'&' => Escape::Background,
        b'#' => Escape::Connections,
        b'?' => Escape::Help,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(escapes: &mut Escapes, typed: &[u8]) -> Vec<Piece> {
        escapes.take(Bytes::copy_from_slice(typed))
    }

    fn data(text: &'static str) -> Piece {
        Piece::Data(text.into())
    }

    #[test]
    fn an_escape_stands_at_the_begin_of_a_line_only() {
        let mut escapes = Escapes::new(Some(b'~'));
        assert_eq!(taken(&mut escapes, b"~?"), [Piece::Escape(Escape::Help)]);
        assert_eq!(taken(&mut escapes, b"a~.\r"), [data("a~.\r")]);
        assert_eq!(
            taken(&mut escapes, b"~#x\r~."),
            [Piece::Escape(Escape::Connections), data("x\r"), Piece::Escape(Escape::Quit)]
        );
    }

    #[test]
    fn an_escape_may_come_in_pieces_and_twice_it_is_itself() {
        let mut escapes = Escapes::new(Some(b'~'));
        assert_eq!(taken(&mut escapes, b"\n~"), [data("\n")]);
        assert_eq!(taken(&mut escapes, b"~."), [data("~.")]);
        assert_eq!(taken(&mut escapes, b"\r~x"), [data("\r~x")]);
        assert_eq!(taken(&mut escapes, b"\r~\r"), [data("\r~\r")]);
        assert_eq!(taken(&mut escapes, b"~B"), [Piece::Escape(Escape::Break)]);
    }

    #[test]
    fn without_a_character_all_is_data() {
        assert_eq!(taken(&mut Escapes::new(None), b"\r~."), [data("\r~.")]);
    }
}
