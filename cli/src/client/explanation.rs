//! Why a server was not entered, in words, and what to do.

use adit_transport::client::Error;
use adit_transport::error::{self, Identification};
use adit_transport::link;
use adit_transport::login::attempt::{Attempt, Outcome};

use crate::failure::{Exit, Failure};
use crate::settings::Settings;

/// The failure behind an error, at a server with this name and these settings.
pub(super) fn explain(name: &str, settings: &Settings, error: &Error) -> Failure {
    let at = |exit, cause: &dyn std::fmt::Display| Failure::new(exit, format!("{name}: {cause}"));
    match error {
        Error::Untrusted(untrusted) => {
            Failure::new(Exit::HostKey, untrusted).hint(untrusted.hint())
        }
        Error::Refused { attempts, untried, methods, ended } => {
            let tried: Vec<String> = attempts.iter().map(ToString::to_string).collect();
            let mut tried =
                if tried.is_empty() { "nothing to try".to_owned() } else { tried.join("; ") };
            tried.extend(untried.iter().map(|key| format!("; {key}: not tried any more")));
            if let Some(words) = ended {
                tried.push_str("; then the server ended it: ");
                tried.push_str(words);
            }
            Failure::new(Exit::Login, format!("{name} refused the login: {tried}")).hint(login(
                settings,
                attempts,
                methods,
                ended.as_deref(),
            ))
        }
        Error::Link(link::Error::Protocol(error)) => {
            let failure = at(Exit::Protocol, error);
            match protocol(error) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        Error::Link(error) => at(Exit::Lost, error).hint(
            "the server may have too many connections or refuse your address (MaxStartups, \
             PerSourcePenalties of sshd): look into its log, or try again later",
        ),
        other => at(Exit::Other, other),
    }
}

/// What to do about a login that was refused.
fn login(settings: &Settings, attempts: &[Attempt], methods: &str, ended: Option<&str>) -> String {
    let takes = |method| methods.split(',').any(|it| it == method);
    let partly = attempts.iter().any(|it| it.outcome == Outcome::Partial);
    let skipped = |it: &Attempt| matches!(it.outcome, Outcome::Skipped(_));
    if ended.is_some() {
        "the server counts every key that it is offered: name the right one by -i, with \
         -o IdentitiesOnly=yes"
            .to_owned()
    } else if attempts.iter().any(|it| it.doubt.is_some()) {
        "have the authority sign a certificate that fits".to_owned()
    } else if partly {
        format!("the server wants {methods} as well")
    } else if !takes("publickey") && settings.batch_mode {
        format!("the server takes {methods}, for which BatchMode would have to be no")
    } else if !takes("publickey") {
        format!(
            "the server takes {methods}; adit logs in by publickey, keyboard-interactive and password"
        )
    } else if attempts.is_empty() {
        format!("the server takes {methods}: name a key by -i, or have an agent hold it (ssh-add)")
    } else if attempts.iter().all(skipped) {
        format!("the server takes {methods}: do away with what kept the keys from being tried")
    } else {
        format!(
            "the server takes {methods}; check the user's name, and that the key stands in its \
             authorized_keys"
        )
    }
}

/// What to do about a peer with which the protocol came to an end.
fn protocol(error: &error::Error) -> Option<&'static str> {
    use error::{Error, HostKey};

    Some(match error {
        Error::Identification(Identification::NotSsh(line)) if is_full(line) => {
            "the server has too many connections that are not logged in (MaxStartups of sshd), or \
             refuses your address for a while (PerSourcePenalties): try again later"
        }
        Error::Identification(Identification::NotSsh(_) | Identification::Unusable) => {
            "something else than ssh listens there: check the port"
        }
        Error::Identification(Identification::Version(_)) => {
            "nothing but version 2 is safe: the server needs newer software"
        }
        Error::NoCommonAlgorithm { .. } => {
            "look whether your settings leave too few (KexAlgorithms, HostKeyAlgorithms, Ciphers, \
             MACs); else the server needs newer software, or other settings by the same names"
        }
        Error::TimedOut(_) => {
            "the server has accepted the connection and says nothing more: it may be overloaded, or \
             something else listen there"
        }
        Error::HostKey(HostKey::BadSignature | HostKey::WrongType) | Error::Cryptography(_) => {
            "somebody may alter what is sent on the way, or the server's software is broken"
        }
        Error::Malformed(_) | Error::Violation(_) | Error::Unexpected { .. } => {
            "the server's software breaks the protocol, or something on the way alters it"
        }
        Error::Disconnected { .. } => "the server's log may say more",
        _ => return None,
    })
}

/// Whether a line before the identification is that of a sshd that takes nobody more.
fn is_full(line: &str) -> bool {
    ["Exceeded MaxStartups", "Not allowed at this time"].iter().any(|it| line.contains(it))
}
