//! Terminal modes, [RFC 4254 section 8](https://www.rfc-editor.org/rfc/rfc4254#section-8), and
//! `IUTF8` of [RFC 8160](https://www.rfc-editor.org/rfc/rfc8160).

use rustix::termios::{
    ControlModes, InputModes, LocalModes, OutputModes, SpecialCodeIndex, Termios,
};

/// What a client wants of a terminal: opcodes and their arguments, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Modes(Vec<(u8, u32)>);

/// Opcodes from here on have arguments of a form that is not known.
const UNKNOWN: u8 = 160;

const END: u8 = 0;
const INPUT_SPEED: u8 = 128;
const OUTPUT_SPEED: u8 = 129;

/// A character that is none.
const DISABLED: u32 = 255;

/// What systems have for a character that is none.
const NONE: u8 = 0;

/// Special characters.
const CODES: [(u8, SpecialCodeIndex); 15] = [
    (1, SpecialCodeIndex::VINTR),
    (2, SpecialCodeIndex::VQUIT),
    (3, SpecialCodeIndex::VERASE),
    (4, SpecialCodeIndex::VKILL),
    (5, SpecialCodeIndex::VEOF),
    (6, SpecialCodeIndex::VEOL),
    (7, SpecialCodeIndex::VEOL2),
    (8, SpecialCodeIndex::VSTART),
    (9, SpecialCodeIndex::VSTOP),
    (10, SpecialCodeIndex::VSUSP),
    (12, SpecialCodeIndex::VREPRINT),
    (13, SpecialCodeIndex::VWERASE),
    (14, SpecialCodeIndex::VLNEXT),
    (16, SpecialCodeIndex::VSWTC),
    (18, SpecialCodeIndex::VDISCARD),
];

const INPUT: [(u8, InputModes); 13] = [
    (30, InputModes::IGNPAR),
    (31, InputModes::PARMRK),
    (32, InputModes::INPCK),
    (33, InputModes::ISTRIP),
    (34, InputModes::INLCR),
    (35, InputModes::IGNCR),
    (36, InputModes::ICRNL),
    (37, InputModes::IUCLC),
    (38, InputModes::IXON),
    (39, InputModes::IXANY),
    (40, InputModes::IXOFF),
    (41, InputModes::IMAXBEL),
    (42, InputModes::IUTF8),
];

const LOCAL: [(u8, LocalModes); 13] = [
    (50, LocalModes::ISIG),
    (51, LocalModes::ICANON),
    (52, LocalModes::XCASE),
    (53, LocalModes::ECHO),
    (54, LocalModes::ECHOE),
    (55, LocalModes::ECHOK),
    (56, LocalModes::ECHONL),
    (57, LocalModes::NOFLSH),
    (58, LocalModes::TOSTOP),
    (59, LocalModes::IEXTEN),
    (60, LocalModes::ECHOCTL),
    (61, LocalModes::ECHOKE),
    (62, LocalModes::PENDIN),
];

const OUTPUT: [(u8, OutputModes); 6] = [
    (70, OutputModes::OPOST),
    (71, OutputModes::OLCUC),
    (72, OutputModes::ONLCR),
    (73, OutputModes::OCRNL),
    (74, OutputModes::ONOCR),
    (75, OutputModes::ONLRET),
];

const CONTROL: [(u8, ControlModes); 4] = [
    (90, ControlModes::CS7),
    (91, ControlModes::CS8),
    (92, ControlModes::PARENB),
    (93, ControlModes::PARODD),
];

impl Modes {
    /// Reads what came, up to the first opcode that is not known or that has no argument: what the
    /// RFC says to do, as an argument's form is not known then.
    pub(super) fn decode(mut bytes: &[u8]) -> Self {
        let mut modes = Vec::new();
        while let Some((&opcode, rest)) = bytes.split_first() {
            if opcode == END || opcode >= UNKNOWN {
                break;
            }
            let Some((argument, rest)) = rest.split_first_chunk::<4>() else { break };
            modes.push((opcode, u32::from_be_bytes(*argument)));
            bytes = rest;
        }
        // More would only be the same again.
        modes.truncate(usize::from(UNKNOWN));
        Self(modes)
    }

    /// Changes a terminal to what is wanted; what it does not know stays as it is.
    pub(super) fn apply(&self, termios: &mut Termios) {
        for (opcode, argument) in &self.0 {
            apply(termios, *opcode, *argument);
        }
    }
}

fn apply(termios: &mut Termios, opcode: u8, argument: u32) {
    if let Some((_, code)) = CODES.iter().find(|(known, _)| *known == opcode) {
        let character = match argument {
            DISABLED => NONE,
            other => u8::try_from(other).unwrap_or(NONE),
        };
        termios.special_codes[*code] = character;
    }
    let on = argument != 0;
    if let Some((_, mode)) = INPUT.iter().find(|(known, _)| *known == opcode) {
        termios.input_modes.set(*mode, on);
    }
    if let Some((_, mode)) = LOCAL.iter().find(|(known, _)| *known == opcode) {
        termios.local_modes.set(*mode, on);
    }
    if let Some((_, mode)) = OUTPUT.iter().find(|(known, _)| *known == opcode) {
        termios.output_modes.set(*mode, on);
    }
    if let Some((_, mode)) = CONTROL.iter().find(|(known, _)| *known == opcode) {
        // The size of a character is one field of several bits, of which one value is meant.
        if ControlModes::CSIZE.contains(*mode) {
            if on {
                termios.control_modes.remove(ControlModes::CSIZE);
                termios.control_modes.insert(*mode);
            }
        } else {
            termios.control_modes.set(*mode, on);
        }
    }
    // A speed that the system does not have is not one that programs could be told.
    let _ = match opcode {
        INPUT_SPEED if on => termios.set_input_speed(argument),
        OUTPUT_SPEED if on => termios.set_output_speed(argument),
        _ => Ok(()),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
    use rustix::termios::tcgetattr;

    use super::*;

    fn termios() -> Termios {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        tcgetattr(ioctl_tiocgptpeer(&master, flags).unwrap()).unwrap()
    }

    fn encoded(modes: &[(u8, u32)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (opcode, argument) in modes {
            bytes.push(*opcode);
            bytes.extend_from_slice(&argument.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn what_is_wanted_is_set_and_the_rest_stays() {
        let mut changed = termios();
        let before = termios();
        let modes = [(53, 0), (42, 1), (1, 7), (2, 255), (128, 38_400), (129, 38_400), (72, 0)];
        Modes::decode(&encoded(&modes)).apply(&mut changed);
        assert!(!changed.local_modes.contains(LocalModes::ECHO));
        assert!(changed.input_modes.contains(InputModes::IUTF8));
        assert!(!changed.output_modes.contains(OutputModes::ONLCR));
        assert_eq!(changed.special_codes[SpecialCodeIndex::VINTR], 7);
        assert_eq!(changed.special_codes[SpecialCodeIndex::VQUIT], 0);
        assert_eq!((changed.input_speed(), changed.output_speed()), (38_400, 38_400));
        assert!(changed.local_modes.contains(LocalModes::ICANON));
        assert_eq!(changed.control_modes & ControlModes::CSIZE, ControlModes::CS8);
        let erase = SpecialCodeIndex::VERASE;
        assert_eq!(changed.special_codes[erase], before.special_codes[erase]);
    }

    #[test]
    fn decoding_stops_at_the_end_and_at_what_is_not_known() {
        let decoded = |bytes: &[u8]| Modes::decode(bytes).0;
        let one = encoded(&[(53, 1)]);
        assert_eq!(decoded(&[&one[..], &[0], &one].concat()), [(53, 1)]);
        assert_eq!(decoded(&[&one[..], &[160, 0, 0, 0, 1], &one].concat()), [(53, 1)]);
        assert_eq!(decoded(&[&one[..], &[54, 0, 0]].concat()), [(53, 1)]);
        assert_eq!(decoded(&[&[157, 0, 0, 0, 1][..], &one].concat()), [(157, 1), (53, 1)]);
        assert_eq!(decoded(&[]), []);
    }

    proptest! {
        #[test]
        fn arbitrary_modes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            Modes::decode(&bytes).apply(&mut termios());
        }
    }
}
