//! The protocols that are told apart by their first byte, and their answers.

use crate::connect::{Response, Status};
use crate::proxy::fault::Fault;
use crate::refusal::Refusal;
use crate::{socks4, socks5};

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Socks4,
    Socks5,
    Http,
}

impl Protocol {
    /// Tells a protocol by the first byte that comes. HTTP begins with the name of a method.
    pub(super) fn of(first: u8) -> Result<Self, Fault> {
        match first {
            socks4::VERSION => Ok(Self::Socks4),
            socks5::VERSION => Ok(Self::Socks5),
            _ if first.is_ascii_alphabetic() => Ok(Self::Http),
            _ => Err(Fault::Protocol(first)),
        }
    }

    /// What to say where the target was reached.
    pub(super) fn granted(self) -> Vec<u8> {
        match self {
            Self::Socks4 => socks4::Reply::Granted.encode().into(),
            Self::Socks5 => socks5::Reply::SUCCEEDED.encode().into(),
            Self::Http => Response::new(Status::OK).encode("", ""),
        }
    }

    /// What to say where the target was not reached.
    pub(super) fn refused(self, why: &Refusal) -> Vec<u8> {
        match self {
            Self::Socks4 => socks4::Reply::Rejected.encode().into(),
            Self::Socks5 => socks5::Reply::from(why).encode().into(),
            Self::Http => {
                let field = format!("Proxy-Status: adit; error={}\r\n", error_type(why));
                Response::new(why.into()).encode(&field, &format!("{why}\n"))
            }
        }
    }
}

/// The name of a cause,
/// [RFC 9209 section 2.3](https://www.rfc-editor.org/rfc/rfc9209#section-2.3).
fn error_type(why: &Refusal) -> &'static str {
    match why {
        Refusal::Refused => "connection_refused",
        Refusal::Unreachable | Refusal::NetworkUnreachable => "destination_ip_unroutable",
        Refusal::NameNotFound => "dns_error",
        Refusal::NotAllowed | Refusal::Prohibited(_) => "http_request_denied",
        Refusal::TimedOut => "connection_timeout",
        Refusal::ResourceShortage => "connection_limit_reached",
        Refusal::Other(_) => "destination_unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_protocol() {
        assert_eq!(Protocol::of(4), Ok(Protocol::Socks4));
        assert_eq!(Protocol::of(5), Ok(Protocol::Socks5));
        for method in ["CONNECT", "GET", "connect"] {
            assert_eq!(Protocol::of(method.as_bytes()[0]), Ok(Protocol::Http));
        }
        for other in [0, 0x16, b'\n', b'1', 0x80] {
            assert_eq!(Protocol::of(other), Err(Fault::Protocol(other)));
        }
    }

    #[test]
    fn a_refusal_over_http_names_its_cause() {
        let words = Protocol::Http.refused(&Refusal::Refused);
        assert_eq!(
            str::from_utf8(&words),
            Ok("HTTP/1.1 502 Bad Gateway\r\nProxy-Status: adit; error=connection_refused\r\n\
                Content-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n\
                Connection: close\r\n\r\nconnection refused\n"),
        );
    }

    #[test]
    fn words_of_a_peer_cannot_forge_a_head() {
        let evil = Refusal::Other("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_owned());
        let words = Protocol::Http.refused(&evil);
        let text = str::from_utf8(&words).unwrap();
        assert_eq!(text.matches("\r\n\r\n").count(), 1, "{text}");
    }
}
