//! Why a connection ended.

use std::fmt;

use crate::message::codec::Malformed;
use crate::message::disconnect::{self, Reason};
use crate::message::number::Number;
use crate::name::NameList;
use crate::provider::Failure;

/// Why a connection ended. Errors are sticky: a connection that has one yields it for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer's identification string is missing or unusable.
    Identification(Identification),
    /// A message is not what its number says it is.
    Malformed(Malformed),
    /// The peer broke a rule of the protocol.
    Violation(Violation),
    /// A message came that this phase does not admit.
    Unexpected {
        /// The message.
        number: Number,
        /// What was under way.
        during: &'static str,
    },
    /// Both sides have no algorithm in common.
    NoCommonAlgorithm {
        /// For what, for instance `key exchange method`.
        what: &'static str,
        /// What this side offers.
        ours: NameList,
        /// What the peer offers.
        theirs: NameList,
    },
    /// The peer's packet or key exchange did not stand up to cryptography.
    Cryptography(Failure),
    /// The server's host key, or its signature by it, is not to be believed.
    HostKey(HostKey),
    /// Something was not done in time.
    TimedOut(Deadline),
    /// The peer ended the connection.
    Disconnected {
        /// Why, for programs.
        reason: Reason,
        /// Why, for people, with control characters escaped.
        description: String,
    },
    /// This side ended the connection.
    Closed {
        /// Why, as the peer was told.
        reason: Reason,
        /// Why, in words.
        description: String,
    },
    /// The user of the core broke its contract: an answer that nobody asked for.
    Misuse(&'static str),
}

/// What is wrong with an identification string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identification {
    /// A line is longer than the protocol allows, or has a NUL byte.
    Unusable,
    /// Too much came before it. The first line is kept.
    NotSsh(String),
    /// It names a version other than 2.0. The line is kept.
    Version(String),
}

/// A rule that the peer broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A packet's length is out of range or not a multiple of the cipher's block.
    PacketLength(u32),
    /// A packet's padding is shorter than four bytes or longer than the packet.
    Padding(u8),
    /// A packet has no payload.
    EmptyPayload,
    /// With strict key exchange, SSH_MSG_KEXINIT was not the first packet.
    KexInitNotFirst,
    /// Too many packets passed under one key.
    KeyOverused,
    /// The server changed its host key when keys were exchanged again.
    HostKeyReplaced,
    /// A service other than the one that can be had was asked or granted.
    Service,
    /// Too many login requests were refused.
    TooManyLoginAttempts,
    /// An answer does not belong to what was asked.
    UnrelatedAnswer,
}

/// What is wrong with a host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKey {
    /// It is not of the negotiated type.
    WrongType,
    /// It is too weak, or too costly to verify with.
    Size,
    /// The exchange is not signed by it.
    BadSignature,
    /// It was not trusted.
    Untrusted,
}

/// What was not done in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The key exchange, or the identification before it.
    KeyExchange,
    /// The login.
    Login,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The peer's.
    Peer,
    /// This side's: its configuration, its user, or a bug.
    Local,
    /// Nobody's: the two do not fit, or the connection was simply ended.
    Neither,
}

impl Error {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Identification(_)
            | Self::Malformed(_)
            | Self::Violation(_)
            | Self::Unexpected { .. }
            | Self::TimedOut(_) => Blame::Peer,
            Self::Cryptography(Failure::Internal) | Self::Misuse(_) => Blame::Local,
            Self::HostKey(HostKey::Untrusted) | Self::Closed { .. } => Blame::Local,
            Self::Cryptography(_) | Self::HostKey(_) => Blame::Peer,
            Self::NoCommonAlgorithm { .. } | Self::Disconnected { .. } => Blame::Neither,
        }
    }

    /// What the peer is told; nothing where it has already gone.
    pub fn disconnect_reason(&self) -> Option<Reason> {
        Some(match self {
            Self::Disconnected { .. } => return None,
            Self::Closed { reason, .. } => *reason,
            Self::Identification(Identification::Version(_)) => {
                Reason::PROTOCOL_VERSION_NOT_SUPPORTED
            }
            Self::Violation(Violation::TooManyLoginAttempts) => {
                Reason::NO_MORE_AUTH_METHODS_AVAILABLE
            }
            Self::Violation(Violation::Service) => Reason::SERVICE_NOT_AVAILABLE,
            Self::NoCommonAlgorithm { .. } => Reason::KEY_EXCHANGE_FAILED,
            Self::Cryptography(Failure::BadTag) => Reason::MAC_ERROR,
            Self::Cryptography(Failure::BadShare | Failure::BadGroup) => {
                Reason::KEY_EXCHANGE_FAILED
            }
            Self::Cryptography(Failure::BadCompression) => Reason::COMPRESSION_ERROR,
            Self::HostKey(_) => Reason::HOST_KEY_NOT_VERIFIABLE,
            Self::TimedOut(_) | Self::Misuse(_) | Self::Cryptography(Failure::Internal) => {
                Reason::BY_APPLICATION
            }
            Self::Identification(_)
            | Self::Malformed(_)
            | Self::Violation(_)
            | Self::Unexpected { .. }
            | Self::Cryptography(_) => Reason::PROTOCOL_ERROR,
        })
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Cryptography(failure)
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<disconnect::Disconnect> for Error {
    fn from(message: disconnect::Disconnect) -> Self {
        let description = message.description.sanitized_line();
        Self::Disconnected { reason: message.reason, description }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identification(why) => why.fmt(f),
            Self::Malformed(why) => why.fmt(f),
            Self::Violation(why) => why.fmt(f),
            Self::Unexpected { number, during } => write!(f, "the peer sent {number} {during}"),
            Self::NoCommonAlgorithm { what, ours, theirs } => {
                write!(f, "no common {what}: we offer {ours}, the peer offers {theirs}")?;
                if is_broken(theirs) {
                    f.write_str(", nothing but what is broken and never used here")?;
                }
                Ok(())
            }
            Self::Cryptography(why) => why.fmt(f),
            Self::HostKey(why) => why.fmt(f),
            Self::TimedOut(Deadline::KeyExchange) => {
                f.write_str("the key exchange was not finished in time")
            }
            Self::TimedOut(Deadline::Login) => f.write_str("the login was not finished in time"),
            Self::Disconnected { reason, description } if description.is_empty() => {
                write!(f, "the peer disconnected: {reason}")
            }
            Self::Disconnected { reason, description } => {
                write!(f, "the peer disconnected: {description} ({reason})")
            }
            Self::Closed { description, .. } => write!(f, "disconnected: {description}"),
            Self::Misuse(what) => write!(f, "internal error: {what}"),
        }
    }
}

/// Whether all of an offer rests on SHA-1, MD5, CBC, RC4, DSA or a group of 1024 bits.
fn is_broken(offer: &NameList) -> bool {
    let parts = ["sha1", "md5", "-cbc", "arcfour", "ssh-dss"];
    let broken = |name: &str| name == "ssh-rsa" || parts.iter().any(|part| name.contains(part));
    // The markers of extensions stand among the methods.
    let is_method =
        |name: &&str| !name.starts_with("ext-info-") && !name.starts_with("kex-strict-");
    let mut methods = offer.iter().filter(is_method).peekable();
    methods.peek().is_some() && methods.all(broken)
}

impl std::error::Error for Error {}

impl fmt::Display for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable => f.write_str("the peer's identification string is unusable"),
            Self::NotSsh(line) => write!(f, "the peer does not speak ssh: it says \"{line}\""),
            Self::Version(line) => {
                write!(f, "the peer speaks another version of ssh: \"{line}\"")
            }
        }
    }
}

impl std::error::Error for Identification {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PacketLength(length) => write!(f, "bad packet length {length}"),
            Self::Padding(length) => write!(f, "bad padding length {length}"),
            Self::EmptyPayload => f.write_str("a packet without payload"),
            Self::KexInitNotFirst => {
                f.write_str("strict key exchange broken: the first packet is not SSH_MSG_KEXINIT")
            }
            Self::KeyOverused => f.write_str("too many packets under one key"),
            Self::HostKeyReplaced => {
                f.write_str("the server replaced its host key within the connection")
            }
            Self::Service => f.write_str("the service is not available"),
            Self::TooManyLoginAttempts => f.write_str("too many login attempts"),
            Self::UnrelatedAnswer => f.write_str("the peer answered what was not asked"),
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongType => "the host key is not of the negotiated type",
            Self::Size => {
                "the host key is of a size that is not taken: rsa has to have 2048 to 8192 bits"
            }
            Self::BadSignature => "the host key's signature does not verify",
            Self::Untrusted => "the host key is not trusted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_of_nothing_but_broken_algorithms_is_told_as_such() {
        let told = |theirs: &str| {
            let what = "key exchange method";
            let theirs = NameList::parse(theirs).unwrap();
            let ours = NameList::default();
            Error::NoCommonAlgorithm { what, ours, theirs }.to_string()
        };
        for theirs in [
            "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,kex-strict-s-v00@openssh.com",
            "aes128-cbc,3des-cbc,arcfour",
            "ssh-rsa,ssh-dss",
            "hmac-sha1,hmac-md5-96",
        ] {
            assert!(told(theirs).ends_with(", nothing but what is broken and never used here"));
        }
        for theirs in ["", "ext-info-s", "aes128-cbc,aes128-ctr", "ssh-rsa,rsa-sha2-256"] {
            assert!(told(theirs).ends_with(&format!("the peer offers {theirs}")), "{theirs}");
        }
    }
}
