//! Which message may come when, in one table.

use crate::kex::exchange::Strict;
use crate::message::number::Number;

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The peer has not said who it is.
    Identification,
    /// Keys are exchanged for the first time.
    FirstExchange,
    /// The user is being logged in.
    Login,
    /// The user is logged in.
    Connected,
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Take it.
    Admit,
    /// Drop it.
    Ignore,
    /// Answer SSH_MSG_UNIMPLEMENTED
    /// ([RFC 4253 section 11.4](https://www.rfc-editor.org/rfc/rfc4253#section-11.4)).
    Unknown,
    /// End the connection. What was under way is said in words.
    Refuse(&'static str),
}

/// Where the peer stands in a key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchanging {
    /// It has not begun one, or has ended it.
    No,
    /// It has sent its KEXINIT and not its NEWKEYS.
    Yes(Strict),
}

/// The table: [RFC 4253 section 7.1](https://www.rfc-editor.org/rfc/rfc4253#section-7.1) for
/// what a key exchange excludes, [RFC 4252 section 6](https://www.rfc-editor.org/rfc/rfc4252#section-6)
/// for what must wait for the login, and
/// [PROTOCOL section 1.10](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)
/// for strict key exchange, which excludes all else from the first one.
pub(crate) fn judge(phase: Phase, exchanging: Exchanging, number: Number) -> Verdict {
    let first = phase == Phase::FirstExchange;
    let strict = first && exchanging == Exchanging::Yes(Strict::Yes);
    let during_exchange = exchanging != Exchanging::No;
    match number {
        Number::DISCONNECT => Verdict::Admit,
        Number::KEXINIT if !during_exchange => Verdict::Admit,
        Number(21..=49) if during_exchange => Verdict::Admit,
        Number(20..=49) => Verdict::Refuse("out of order in a key exchange"),
        _ if strict => Verdict::Refuse("during a strict key exchange"),
        Number::IGNORE | Number::UNIMPLEMENTED | Number::DEBUG => Verdict::Admit,
        _ if first || during_exchange => Verdict::Refuse("during a key exchange"),
        Number::SERVICE_REQUEST | Number::SERVICE_ACCEPT | Number(50..=79) => match phase {
            Phase::Login => Verdict::Admit,
            // Requests that were under way when the user was logged in are to be dropped
            // (RFC 4252 section 5.1).
            _ if number == Number::USERAUTH_REQUEST => Verdict::Ignore,
            _ => Verdict::Refuse("after the login"),
        },
        Number::EXT_INFO => match phase {
            Phase::Login => Verdict::Admit,
            _ => Verdict::Ignore,
        },
        Number(80..=127) => match phase {
            Phase::Connected => Verdict::Admit,
            _ => Verdict::Refuse("before the login"),
        },
        Number::PING | Number::PONG => Verdict::Admit,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Exchanging = Exchanging::Yes(Strict::Yes);
    const LAX: Exchanging = Exchanging::Yes(Strict::No);

    fn admitted(phase: Phase, exchanging: Exchanging) -> Vec<u8> {
        let numbers = 0..=255;
        numbers
            .filter(|it| judge(phase, exchanging, Number(*it)) == Verdict::Admit)
            .collect::<Vec<_>>()
    }

    #[test]
    fn a_strict_first_exchange_admits_itself_and_disconnect_only() {
        let expected: Vec<u8> = [1].into_iter().chain(21..=49).collect();
        assert_eq!(admitted(Phase::FirstExchange, STRICT), expected);
    }

    #[test]
    fn a_first_exchange_without_it_also_admits_talk() {
        let expected: Vec<u8> = [1, 2, 3, 4].into_iter().chain(21..=49).collect();
        assert_eq!(admitted(Phase::FirstExchange, LAX), expected);
        assert_eq!(admitted(Phase::FirstExchange, Exchanging::No), [1, 2, 3, 4, 20]);
    }

    #[test]
    fn login_admits_no_channel_and_connected_no_login() {
        let login = admitted(Phase::Login, Exchanging::No);
        let expected = [1, 2, 3, 4, 5, 6, 7, 20].into_iter().chain(50..=79).chain([192, 193]);
        assert_eq!(login, expected.collect::<Vec<_>>());
        let connected = admitted(Phase::Connected, Exchanging::No);
        let expected = [1, 2, 3, 4, 20].into_iter().chain(80..=127).chain([192, 193]);
        assert_eq!(connected, expected.collect::<Vec<_>>());
    }

    #[test]
    fn an_exchange_under_way_admits_no_data() {
        let expected: Vec<u8> = [1, 2, 3, 4].into_iter().chain(21..=49).collect();
        assert_eq!(admitted(Phase::Connected, STRICT), expected);
        assert_eq!(admitted(Phase::Connected, LAX), expected);
        assert_eq!(admitted(Phase::Login, STRICT), expected);
    }

    #[test]
    fn a_late_login_request_is_dropped_and_an_unknown_message_is_answered() {
        let judge = |number| judge(Phase::Connected, Exchanging::No, number);
        assert_eq!(judge(Number::USERAUTH_REQUEST), Verdict::Ignore);
        assert_eq!(judge(Number::USERAUTH_SUCCESS), Verdict::Refuse("after the login"));
        assert_eq!(judge(Number(200)), Verdict::Unknown);
    }
}
