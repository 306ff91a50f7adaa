//! The modes of a terminal, as `pty-req` carries them.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// A mode of a terminal, by its number in
/// [RFC 4254 section 8](https://www.rfc-editor.org/rfc/rfc4254#section-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(pub u8);

/// The end of a list of modes.
const END: u8 = 0;

/// From this number on the length of what follows is not known.
const UNKNOWN: u8 = 160;

/// Makes the constants.
macro_rules! opcodes {
    ($($name:ident = $number:expr, $words:expr;)*) => {
        impl Opcode {
            $(#[doc = $words] pub const $name: Self = Self($number);)*
        }
    };
}

opcodes! {
    VINTR = 1, "The character that interrupts.";
    VQUIT = 2, "The character that quits.";
    VERASE = 3, "The character that erases the last one.";
    VKILL = 4, "The character that erases the line.";
    VEOF = 5, "The end of the file.";
    VEOL = 6, "An end of a line, beside the usual one.";
    VEOL2 = 7, "A further end of a line.";
    VSTART = 8, "The character that has output go on.";
    VSTOP = 9, "The character that holds output.";
    VSUSP = 10, "The character that suspends.";
    VREPRINT = 12, "The character that shows the line again.";
    VWERASE = 13, "The character that erases the last word.";
    VLNEXT = 14, "The character that takes the next as it is.";
    VSWTCH = 16, "The character that switches shell layers.";
    VDISCARD = 18, "The character that discards output.";
    IGNPAR = 30, "Errors of parity are ignored.";
    PARMRK = 31, "Errors of parity are marked.";
    INPCK = 32, "Parity is checked.";
    ISTRIP = 33, "The 8th bit is stripped.";
    INLCR = 34, "Input: NL becomes CR.";
    IGNCR = 35, "Input: CR is ignored.";
    ICRNL = 36, "Input: CR becomes NL.";
    IUCLC = 37, "Input: upper case becomes lower case.";
    IXON = 38, "Output is held and goes on by characters.";
    IXANY = 39, "Output goes on by any character.";
    IXOFF = 40, "Input is held by characters.";
    IMAXBEL = 41, "A full queue rings the bell.";
    IUTF8 = 42, "Input is UTF-8, [RFC 8160](https://www.rfc-editor.org/rfc/rfc8160).";
    ISIG = 50, "Characters make signals.";
    ICANON = 51, "Lines are edited.";
    XCASE = 52, "Upper case is written with a backslash.";
    ECHO = 53, "What is typed is shown.";
    ECHOE = 54, "What is erased is taken off.";
    ECHOK = 55, "A line that is erased is followed by a new one.";
    ECHONL = 56, "A new line is shown even where nothing else is.";
    NOFLSH = 57, "Nothing is flushed after an interrupt.";
    TOSTOP = 58, "Output of background jobs stops them.";
    IEXTEN = 59, "Extensions are on.";
    ECHOCTL = 60, "Control characters are shown as ^X.";
    ECHOKE = 61, "A line that is erased is taken off.";
    PENDIN = 62, "Pending input is typed again.";
    OPOST = 70, "Output is processed.";
    OLCUC = 71, "Output: lower case becomes upper case.";
    ONLCR = 72, "Output: NL becomes CR NL.";
    OCRNL = 73, "Output: CR becomes NL.";
    ONOCR = 74, "Output: no CR at the begin of a line.";
    ONLRET = 75, "Output: NL does what CR does.";
    CS7 = 90, "7 bits in a character.";
    CS8 = 91, "8 bits in a character.";
    PARENB = 92, "Parity is on.";
    PARODD = 93, "Parity is odd.";
    ISPEED = 128, "The input speed in bits a second.";
    OSPEED = 129, "The output speed in bits a second.";
}

/// The modes of a terminal in their order,
/// [RFC 4254 section 8](https://www.rfc-editor.org/rfc/rfc4254#section-8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerminalModes(Vec<(Opcode, u32)>);

impl TerminalModes {
    /// The character of a mode that has none.
    pub const NO_CHARACTER: u32 = 255;

    /// Adds a mode. One without an argument of known length cannot be, and is left out.
    pub fn push(&mut self, opcode: Opcode, value: u32) {
        if opcode.0 != END && opcode.0 < UNKNOWN {
            self.0.push((opcode, value));
        }
    }

    /// The modes; of one that is there twice, the last counts.
    pub fn iter(&self) -> impl Iterator<Item = (Opcode, u32)> {
        self.0.iter().copied()
    }

    /// The wire form.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.0.len().saturating_mul(5).saturating_add(1));
        for (opcode, value) in &self.0 {
            out.put_u8(opcode.0);
            out.put_u32(*value);
        }
        out.put_u8(END);
        out.freeze()
    }

    /// Reads the wire form, up to its end or to what cannot be understood, since the rest of it
    /// cannot be either.
    pub fn parse(mut input: &[u8]) -> Self {
        let mut modes = Self::default();
        while let Ok(opcode) = input.try_get_u8()
            && opcode != END
            && opcode < UNKNOWN
            && let Ok(value) = input.try_get_u32()
        {
            modes.0.push((Opcode(opcode), value));
        }
        modes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(modes in prop::collection::vec((1..160_u8, any::<u32>()), 0..9)) {
            let mut written = TerminalModes::default();
            for (opcode, value) in modes {
                written.push(Opcode(opcode), value);
            }
            prop_assert_eq!(TerminalModes::parse(&written.encode()), written);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..99)) {
            let modes = TerminalModes::parse(&bytes);
            prop_assert_eq!(TerminalModes::parse(&modes.encode()), modes);
        }
    }

    #[test]
    fn it_ends_where_the_length_is_not_known() {
        let modes = TerminalModes::parse(&[53, 0, 0, 0, 1, 160, 9, 9, 9, 9]);
        assert_eq!(modes.iter().collect::<Vec<_>>(), [(Opcode::ECHO, 1)]);
        assert_eq!(TerminalModes::default().encode(), [0_u8][..]);
    }
}
