//! The modes of a terminal here, in the words of the protocol.

use adit_channels::terminal_modes::{Opcode, TerminalModes};
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OutputModes, SpecialCodeIndex, Termios,
};

/// Characters.
const CHARACTERS: [(Opcode, SpecialCodeIndex); 15] = [
    (Opcode::VINTR, SpecialCodeIndex::VINTR),
    (Opcode::VQUIT, SpecialCodeIndex::VQUIT),
    (Opcode::VERASE, SpecialCodeIndex::VERASE),
    (Opcode::VKILL, SpecialCodeIndex::VKILL),
    (Opcode::VEOF, SpecialCodeIndex::VEOF),
    (Opcode::VEOL, SpecialCodeIndex::VEOL),
    (Opcode::VEOL2, SpecialCodeIndex::VEOL2),
    (Opcode::VSTART, SpecialCodeIndex::VSTART),
    (Opcode::VSTOP, SpecialCodeIndex::VSTOP),
    (Opcode::VSUSP, SpecialCodeIndex::VSUSP),
    (Opcode::VREPRINT, SpecialCodeIndex::VREPRINT),
    (Opcode::VWERASE, SpecialCodeIndex::VWERASE),
    (Opcode::VLNEXT, SpecialCodeIndex::VLNEXT),
    (Opcode::VSWTCH, SpecialCodeIndex::VSWTC),
    (Opcode::VDISCARD, SpecialCodeIndex::VDISCARD),
];

/// Modes of input.
const INPUT: [(Opcode, InputModes); 13] = [
    (Opcode::IGNPAR, InputModes::IGNPAR),
    (Opcode::PARMRK, InputModes::PARMRK),
    (Opcode::INPCK, InputModes::INPCK),
    (Opcode::ISTRIP, InputModes::ISTRIP),
    (Opcode::INLCR, InputModes::INLCR),
    (Opcode::IGNCR, InputModes::IGNCR),
    (Opcode::ICRNL, InputModes::ICRNL),
    (Opcode::IUCLC, InputModes::IUCLC),
    (Opcode::IXON, InputModes::IXON),
    (Opcode::IXANY, InputModes::IXANY),
    (Opcode::IXOFF, InputModes::IXOFF),
    (Opcode::IMAXBEL, InputModes::IMAXBEL),
    (Opcode::IUTF8, InputModes::IUTF8),
];

/// Local modes.
const LOCAL: [(Opcode, LocalModes); 13] = [
    (Opcode::ISIG, LocalModes::ISIG),
    (Opcode::ICANON, LocalModes::ICANON),
    (Opcode::XCASE, LocalModes::XCASE),
    (Opcode::ECHO, LocalModes::ECHO),
    (Opcode::ECHOE, LocalModes::ECHOE),
    (Opcode::ECHOK, LocalModes::ECHOK),
    (Opcode::ECHONL, LocalModes::ECHONL),
    (Opcode::NOFLSH, LocalModes::NOFLSH),
    (Opcode::TOSTOP, LocalModes::TOSTOP),
    (Opcode::IEXTEN, LocalModes::IEXTEN),
    (Opcode::ECHOCTL, LocalModes::ECHOCTL),
    (Opcode::ECHOKE, LocalModes::ECHOKE),
    (Opcode::PENDIN, LocalModes::PENDIN),
];

/// Modes of output.
const OUTPUT: [(Opcode, OutputModes); 6] = [
    (Opcode::OPOST, OutputModes::OPOST),
    (Opcode::OLCUC, OutputModes::OLCUC),
    (Opcode::ONLCR, OutputModes::ONLCR),
    (Opcode::OCRNL, OutputModes::OCRNL),
    (Opcode::ONOCR, OutputModes::ONOCR),
    (Opcode::ONLRET, OutputModes::ONLRET),
];

/// Modes of the line.
const CONTROL: [(Opcode, ControlModes); 4] = [
    (Opcode::CS7, ControlModes::CS7),
    (Opcode::CS8, ControlModes::CS8),
    (Opcode::PARENB, ControlModes::PARENB),
    (Opcode::PARODD, ControlModes::PARODD),
];

/// The modes of a terminal; none where there is none.
pub(super) fn of(terminal: Option<&Termios>) -> TerminalModes {
    let mut modes = TerminalModes::default();
    let Some(terminal) = terminal else { return modes };
    modes.push(Opcode::OSPEED, terminal.output_speed());
    modes.push(Opcode::ISPEED, terminal.input_speed());
    for (opcode, index) in CHARACTERS {
        let character = terminal.special_codes[index];
        let none = character == 0;
        modes.push(opcode, if none { TerminalModes::NO_CHARACTER } else { character.into() });
    }
    for (opcode, mode) in INPUT {
        modes.push(opcode, terminal.input_modes.contains(mode).into());
    }
    for (opcode, mode) in LOCAL {
        modes.push(opcode, terminal.local_modes.contains(mode).into());
    }
    for (opcode, mode) in OUTPUT {
        modes.push(opcode, terminal.output_modes.contains(mode).into());
    }
    for (opcode, mode) in CONTROL {
        modes.push(opcode, terminal.control_modes.contains(mode).into());
    }
    modes
}

/// The modes in which a terminal passes on what is typed as it is.
pub(super) fn raw(usual: &Termios) -> Termios {
    let mut raw = usual.clone();
    raw.input_modes.insert(InputModes::IGNPAR);
    raw.input_modes.remove(
        InputModes::ISTRIP
            | InputModes::INLCR
            | InputModes::IGNCR
            | InputModes::ICRNL
            | InputModes::IXON
            | InputModes::IXANY
            | InputModes::IXOFF
            | InputModes::IUCLC,
    );
    raw.local_modes.remove(
        LocalModes::ISIG
            | LocalModes::ICANON
            | LocalModes::ECHO
            | LocalModes::ECHOE
            | LocalModes::ECHOK
            | LocalModes::ECHONL
            | LocalModes::IEXTEN,
    );
    raw.output_modes.remove(OutputModes::OPOST);
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}
