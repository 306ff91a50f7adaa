//! What about a certificate may be why a server refused it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::certificate::{Certificate, Validity};

const DAY: u64 = 24 * 60 * 60;

/// What about a certificate of a user speaks against it, as far as can be seen from here: when it
/// holds, and whether it names the user. A server may go by other names, but few do.
pub(super) fn of(certificate: &Certificate, user: &str, now: SystemTime) -> Option<String> {
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    let Validity { after, before } = certificate.validity();
    if now >= before {
        return Some(format!("it has expired {}", ago(now.saturating_sub(before))));
    }
    if now < after {
        return Some("it does not hold yet, by the clock of this machine".to_owned());
    }
    let principals = certificate.principals();
    if principals.iter().any(|it| it == user) {
        return None;
    }
    let names: Vec<String> = principals.iter().map(|it| it.escape_debug().to_string()).collect();
    Some(match names.as_slice() {
        [] => "it has no principals".to_owned(),
        names => format!("its principals are {}, without {user}", names.join(", ")),
    })
}

fn ago(seconds: u64) -> String {
    match seconds / DAY {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}
