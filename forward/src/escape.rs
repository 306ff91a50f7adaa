//! Text as one part of a specification: what would end or change the part is escaped.

use std::fmt::{self, Write};

/// Shows text so that [`crate::spec`] reads it back as one part.
///
/// Colons and backslashes get a backslash, and so do a bracket or white space at the front.
/// Control characters, which no specification has, are shown escaped: such text came from
/// elsewhere, perhaps from a peer, and must not steer the terminal or the log it ends in.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.starts_with(|first: char| first == '[' || first.is_whitespace()) {
            f.write_char('\\')?;
        }
        for character in self.0.chars() {
            match character {
                ':' | '\\' => write!(f, "\\{character}")?,
                _ if character.is_control() => write!(f, "{}", character.escape_default())?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// Shows a host where a port follows: an IPv6 address in brackets, all else [`Escaped`].
pub(crate) struct Host<'a>(pub(crate) &'a str);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = |character: char| character.is_ascii_graphic() && !"[]\\".contains(character);
        if self.0.contains(':') && self.0.chars().all(address) {
            write!(f, "[{}]", self.0)
        } else {
            Escaped(self.0).fmt(f)
        }
    }
}

/// Shows text of a peer: control characters escaped, and not more of it than `limit` characters.
pub(crate) struct Foreign<'a> {
    pub(crate) text: &'a str,
    pub(crate) limit: usize,
}

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.text.chars();
        for character in characters.by_ref().take(self.limit) {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        if characters.next().is_some() { f.write_str("...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_part_is_escaped() {
        assert_eq!(Escaped("/run/a:b\\c").to_string(), "/run/a\\:b\\\\c");
        assert_eq!(Escaped("[/x").to_string(), "\\[/x");
        assert_eq!(Escaped(" /x").to_string(), "\\ /x");
    }

    #[test]
    fn only_addresses_get_brackets() {
        assert_eq!(Host("::1").to_string(), "[::1]");
        assert_eq!(Host("fe80::1%eth0").to_string(), "[fe80::1%eth0]");
        assert_eq!(Host("a:]").to_string(), "a\\:]");
        assert_eq!(Host("localhost").to_string(), "localhost");
    }

    #[test]
    fn foreign_text_cannot_steer_a_terminal_nor_fill_a_log() {
        let shown = Foreign { text: "a\u{1b}[2J\nbcdef", limit: 8 }.to_string();
        assert_eq!(shown, "a\\u{1b}[2J\\nbc...");
    }
}
