//! Signals by the names that they have on the wire,
//! [RFC 4254 section 6.10](https://www.rfc-editor.org/rfc/rfc4254#section-6.10).

use rustix::process::Signal;

/// Those that the RFC names.
const NAMED: [(&str, Signal); 13] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

/// The name of a signal by which a program has ended; for one that the RFC does not name, what
/// OpenSSH says.
pub(crate) fn name(number: i32) -> String {
    let named = NAMED.iter().find(|(_, signal)| signal.as_raw() == number);
    named.map_or_else(|| "SIG@openssh.com".to_owned(), |(name, _)| (*name).to_owned())
}

/// The signal that a client names.
pub(crate) fn by_name(name: &str) -> Option<Signal> {
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_of_the_rfc_has_its_name_and_comes_back_by_it() {
        for (named, signal) in NAMED {
            assert_eq!(name(signal.as_raw()), named);
            assert_eq!(by_name(named), Some(signal));
        }
        assert_eq!(name(Signal::BUS.as_raw()), "SIG@openssh.com");
        for unknown in ["", "SIGTERM", "term", "BUS", "STOP"] {
            assert_eq!(by_name(unknown), None, "{unknown}");
        }
    }
}
