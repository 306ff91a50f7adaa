//! Refusals as SSH says them,
//! [RFC 4254 section 5.1](https://www.rfc-editor.org/rfc/rfc4254#section-5.1).

use adit_channels::channel_open::Reason;
use adit_channels::session::OpenError;

use crate::refusal::Refusal;

/// What OpenSSH says where it does not say why.
const NO_WORDS: &str = "open failed";

/// What a refusal is called on the wire, and in words. The words are those by which OpenSSH
/// tells the cause, since the reason alone cannot.
pub(super) fn of(refusal: &Refusal) -> (Reason, String) {
    let (reason, words) = match refusal {
        Refusal::Refused => (Reason::CONNECT_FAILED, "Connection refused"),
        Refusal::Unreachable => (Reason::CONNECT_FAILED, "No route to host"),
        Refusal::NetworkUnreachable => (Reason::CONNECT_FAILED, "Network is unreachable"),
        Refusal::NameNotFound => (Reason::CONNECT_FAILED, "Name or service not known"),
        Refusal::TimedOut => (Reason::CONNECT_FAILED, "Connection timed out"),
        Refusal::NotAllowed => (Reason::ADMINISTRATIVELY_PROHIBITED, NO_WORDS),
        Refusal::Prohibited(words) => (Reason::ADMINISTRATIVELY_PROHIBITED, words.as_str()),
        Refusal::ResourceShortage => (Reason::RESOURCE_SHORTAGE, "out of connections or memory"),
        Refusal::Other(words) => (Reason::CONNECT_FAILED, words.as_str()),
    };
    (reason, words.to_owned())
}

/// The cause behind a channel that was not had.
pub(super) fn refusal(error: OpenError) -> Refusal {
    match error {
        OpenError::Refused(refused) => {
            let words = refused.description.0;
            match refused.reason {
                Reason::ADMINISTRATIVELY_PROHIBITED if words.is_empty() || words == NO_WORDS => {
                    Refusal::NotAllowed
                }
                Reason::ADMINISTRATIVELY_PROHIBITED => Refusal::Prohibited(words),
                Reason::RESOURCE_SHORTAGE => Refusal::ResourceShortage,
                Reason::CONNECT_FAILED => connect_failed(words),
                reason if words.is_empty() => Refusal::Other(reason.to_string()),
                reason => Refusal::Other(format!("{reason}: {words}")),
            }
        }
        OpenError::Shortage(_) => Refusal::ResourceShortage,
        other => Refusal::Other(other.to_string()),
    }
}

/// The cause in the words of the peer's system, where they are known.
fn connect_failed(words: String) -> Refusal {
    let known = [
        ("refused", Refusal::Refused),
        ("no route", Refusal::Unreachable),
        ("network is unreachable", Refusal::NetworkUnreachable),
        ("unreachable", Refusal::Unreachable),
        ("timed out", Refusal::TimedOut),
        ("not known", Refusal::NameNotFound),
        ("no address", Refusal::NameNotFound),
        ("name resolution", Refusal::NameNotFound),
        ("no such file", Refusal::NameNotFound),
        ("permission denied", Refusal::NotAllowed),
    ];
    let lower = words.to_ascii_lowercase();
    known
        .into_iter()
        .find(|(part, _)| lower.contains(part))
        .map_or(Refusal::Other(words), |(_, refusal)| refusal)
}

#[cfg(test)]
mod tests {
    use adit_channels::session;

    use super::*;

    #[test]
    fn a_cause_survives_the_way_over_the_wire() {
        for refusal in [
            Refusal::Refused,
            Refusal::Unreachable,
            Refusal::NetworkUnreachable,
            Refusal::NameNotFound,
            Refusal::TimedOut,
            Refusal::Other("the dog ate it".to_owned()),
        ] {
            let (reason, words) = of(&refusal);
            assert_eq!(reason, Reason::CONNECT_FAILED);
            assert_eq!(connect_failed(words), refusal);
        }
    }

    #[test]
    fn the_words_of_a_policy_survive_too() {
        for refusal in [Refusal::NotAllowed, Refusal::Prohibited("not on Sundays".to_owned())] {
            let (reason, words) = of(&refusal);
            let refused = session::Refusal { reason, description: words.as_str().into() };
            assert_eq!(super::refusal(OpenError::Refused(refused)), refusal);
        }
    }

    #[test]
    fn words_of_other_systems_are_understood() {
        let cases = [
            ("Host is unreachable", Refusal::Unreachable),
            ("Temporary failure in name resolution", Refusal::NameNotFound),
            ("connect failed: No such file or directory", Refusal::NameNotFound),
        ];
        for (words, refusal) in cases {
            assert_eq!(connect_failed(words.to_owned()), refusal);
        }
    }
}
