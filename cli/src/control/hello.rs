//! The greeting, by which the two sides know each other.
//!
//! It is a message that OpenSSH understands as the greeting of another version of its own protocol,
//! which it then leaves alone; and of what OpenSSH greets with the same is said here.

use crate::control::field::Field;
use crate::control::frame::Frame;

/// The kind of greetings, here as in
/// [PROTOCOL.mux](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.mux).
const KIND: u32 = 1;

/// What stands where OpenSSH has the version of its protocol: `adit`.
const MAGIC: u32 = 0x6164_6974;

/// The version of the protocol.
pub(super) const VERSION: u32 = 1;

/// Who is at the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hello {
    /// adit, with this version of the protocol.
    Adit(u32),
    /// OpenSSH, with this version of its own.
    OpenSsh(u32),
    /// Another program.
    Stranger,
}

impl Hello {
    /// The greeting of this side.
    pub(super) fn own() -> Frame {
        Self::of(VERSION)
    }

    fn of(version: u32) -> Frame {
        let mut body = Vec::new();
        MAGIC.put(&mut body);
        version.put(&mut body);
        Frame { kind: KIND, body }
    }

    /// Who sends such a greeting. What later versions may put behind it is passed over.
    pub(super) fn read(frame: &Frame) -> Self {
        let mut rest = frame.body.as_slice();
        match (frame.kind, u32::take(&mut rest)) {
            (KIND, Ok(MAGIC)) => u32::take(&mut rest).map_or(Self::Stranger, Self::Adit),
            (KIND, Ok(version)) => Self::OpenSsh(version),
            _ => Self::Stranger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greetings_of_adit_and_of_openssh_are_told_apart() {
        assert_eq!(Hello::read(&Hello::own()), Hello::Adit(VERSION));
        let mut later = Hello::of(9);
        later.body.extend_from_slice(b"more");
        assert_eq!(Hello::read(&later), Hello::Adit(9));
        let mut received = vec![0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4];
        let frame = Frame::take(&mut received).unwrap().unwrap();
        assert_eq!(Hello::read(&frame), Hello::OpenSsh(4));
        for (kind, body) in [(1, &b"adi"[..]), (1, b"adit"), (2, b"adit\0\0\0\x01"), (0, b"")] {
            let frame = Frame { kind, body: body.to_vec() };
            assert_eq!(Hello::read(&frame), Hello::Stranger, "{frame:?}");
        }
    }
}
