//! How a request ended, as a number.

use std::fmt;

use crate::connect::fault::Fault;
use crate::refusal::Refusal;

/// How a request ended,
/// [RFC 9110 section 15](https://www.rfc-editor.org/rfc/rfc9110#section-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(
    /// Three digits.
    pub u16,
);

impl Status {
    /// The tunnel is there.
    pub const OK: Self = Self(200);
    /// The request is none, or names no target.
    pub const BAD_REQUEST: Self = Self(400);
    /// A rule forbids it.
    pub const FORBIDDEN: Self = Self(403);
    /// The request is for something other than a tunnel.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// A login is needed, or another one.
    pub const LOGIN_REQUIRED: Self = Self(407);
    /// The head is too long.
    pub const TOO_LARGE: Self = Self(431);
    /// The target was not reached.
    pub const BAD_GATEWAY: Self = Self(502);
    /// The proxy has not the means now.
    pub const UNAVAILABLE: Self = Self(503);
    /// The target did not answer in time.
    pub const GATEWAY_TIMEOUT: Self = Self(504);
    /// The version of the protocol is another one.
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);

    /// Whether it is one of those that mean success.
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.0)
    }

    /// Whether another response follows, which is the one that counts.
    pub fn is_interim(self) -> bool {
        (100..200).contains(&self.0)
    }

    /// The usual words for it; none for numbers that are not listed here.
    pub fn reason(self) -> &'static str {
        match self {
            Self::OK => "Connection established",
            Self::BAD_REQUEST => "Bad Request",
            Self::FORBIDDEN => "Forbidden",
            Self::METHOD_NOT_ALLOWED => "Method Not Allowed",
            Self::LOGIN_REQUIRED => "Proxy Authentication Required",
            Self::TOO_LARGE => "Request Header Fields Too Large",
            Self::BAD_GATEWAY => "Bad Gateway",
            Self::UNAVAILABLE => "Service Unavailable",
            Self::GATEWAY_TIMEOUT => "Gateway Timeout",
            Self::VERSION_NOT_SUPPORTED => "HTTP Version Not Supported",
            Self(_) => "",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As [RFC 9209 section 2.3](https://www.rfc-editor.org/rfc/rfc9209#section-2.3) recommends.
impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotAllowed | Refusal::Prohibited(_) => Self::FORBIDDEN,
            Refusal::ResourceShortage => Self::UNAVAILABLE,
            Refusal::TimedOut => Self::GATEWAY_TIMEOUT,
            Refusal::Refused
            | Refusal::Unreachable
            | Refusal::NetworkUnreachable
            | Refusal::NameNotFound
            | Refusal::Other(_) => Self::BAD_GATEWAY,
        }
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed | Fault::Authority | Fault::User => Self::BAD_REQUEST,
            Fault::TooLong => Self::TOO_LARGE,
            Fault::Method => Self::METHOD_NOT_ALLOWED,
            Fault::Version => Self::VERSION_NOT_SUPPORTED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_number_and_its_words() {
        let cases = [
            (Refusal::NotAllowed, 403),
            (Refusal::Prohibited("words".to_owned()), 403),
            (Refusal::Refused, 502),
            (Refusal::Unreachable, 502),
            (Refusal::NetworkUnreachable, 502),
            (Refusal::NameNotFound, 502),
            (Refusal::Other("x".to_owned()), 502),
            (Refusal::ResourceShortage, 503),
            (Refusal::TimedOut, 504),
        ];
        for (refusal, number) in cases {
            let status = Status::from(&refusal);
            assert_eq!(status, Status(number), "{refusal}");
            assert!(!status.reason().is_empty() && !status.is_success());
        }
    }

    #[test]
    fn every_fault_has_its_number_and_its_words() {
        let cases = [
            (Fault::Malformed, 400),
            (Fault::Authority, 400),
            (Fault::Method, 405),
            (Fault::TooLong, 431),
            (Fault::Version, 505),
        ];
        for (fault, number) in cases {
            let status = Status::from(fault);
            assert_eq!(status, Status(number), "{fault}");
            assert!(!status.reason().is_empty() && !status.is_success());
        }
    }
}
