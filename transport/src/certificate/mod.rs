//! Certificates of users and hosts: public keys that an authority has vouched for,
//! [PROTOCOL.certkeys](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys).
//!
//! A certificate takes the place of a public key in a login. Three things are asked of it, and
//! each by itself: whether its authority has signed it ([`Certificate::verify`]), whether it holds
//! on this occasion ([`Certificate::check`]), and whether whoever shows it has the certified key
//! ([`verifier`]). Whether the authority is one to believe is the caller's to know.
//!
//! Certificates of Ed25519, ECDSA and RSA keys and of security keys are known, signed by keys of
//! the same types; never with SHA-1.

use std::fmt;
use std::net::IpAddr;

use adit_proto::provider::{Failure, Provider};
use adit_proto::signature;
use base64ct::{Base64, Encoding};
use bytes::Bytes;

pub use extension::Extension;
pub use form::Invalid;
pub use kind::Kind;
pub use network::Network;
pub use restriction::Restriction;
pub use validity::Validity;

use crate::certificate::form::Form;
use crate::known_hosts::pattern;
use crate::public_key::PublicKey;

pub mod algorithm;
pub mod extension;
pub mod form;
pub mod kind;
pub mod network;
pub mod restriction;
pub mod validity;
pub mod verifier;

/// A certificate. That it is well formed is known, and nothing else: not even who has signed it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    wire: Bytes,
    form: Form,
}

impl Certificate {
    /// Takes over a certificate in its wire form.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn from_wire(wire: Bytes) -> Result<Self, Invalid> {
        let form = Form::parse(&wire)?;
        Ok(Self { wire, form })
    }

    /// Parses a certificate as it stands in `-cert.pub` files: the name of its type, the base64
    /// form, and maybe a comment. The second value is the comment, empty where there is none.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn parse(text: &str) -> Result<(Self, &str), Invalid> {
        let mut words = text.trim().splitn(3, [' ', '\t']);
        let (Some(key_type), Some(base64)) = (words.next(), words.next()) else {
            return Err(Invalid::Malformed);
        };
        let wire = Base64::decode_vec(base64).map_err(|_| Invalid::Malformed)?;
        let certificate = Self::from_wire(Bytes::from(wire))?;
        if certificate.key_type() != key_type {
            return Err(Invalid::Malformed);
        }
        Ok((certificate, words.next().unwrap_or_default().trim_start()))
    }

    /// The wire form.
    pub fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// The name of the type, for instance `ssh-ed25519-cert-v01@openssh.com`.
    pub fn key_type(&self) -> &'static str {
        self.form.key_type
    }

    /// The key that is certified.
    pub fn key(&self) -> &PublicKey {
        &self.form.key
    }

    /// The key of the authority that has signed the certificate, or so it says: see
    /// [`verify`](Self::verify).
    pub fn authority(&self) -> &PublicKey {
        &self.form.authority
    }

    /// Whether it is a user's or a host's.
    pub fn kind(&self) -> Kind {
        self.form.kind
    }

    /// The number that the authority has given it; zero where it numbers none.
    pub fn serial(&self) -> u64 {
        self.form.serial
    }

    /// What the authority calls whom it has certified. It is not to be shown to a terminal as
    /// it is.
    pub fn key_id(&self) -> &str {
        &self.form.key_id
    }

    /// The users that the certificate is for, or the hosts.
    pub fn principals(&self) -> &[String] {
        &self.form.principals
    }

    /// When it holds.
    pub fn validity(&self) -> Validity {
        self.form.validity
    }

    /// What restricts it: its critical options.
    pub fn restrictions(&self) -> &[Restriction] {
        &self.form.restrictions
    }

    /// What it permits: its extensions.
    pub fn extensions(&self) -> &[Extension] {
        &self.form.extensions
    }

    /// Whether it permits that ports and sockets are forwarded.
    pub fn permits_port_forwarding(&self) -> bool {
        self.form.extensions.contains(&Extension::PermitPortForwarding)
    }

    /// Whether it demands that signatures were confirmed by a PIN.
    pub fn requires_verification(&self) -> bool {
        self.form.restrictions.contains(&Restriction::VerifyRequired)
    }

    /// Whether it lets signatures pass that nobody confirmed by a touch.
    pub fn waives_touch(&self) -> bool {
        self.form.extensions.contains(&Extension::NoTouchRequired)
    }

    /// Verifies that [its authority](Self::authority) has signed it.
    ///
    /// # Errors
    /// [`Failure::BadSignature`], [`Failure::BadKey`], also where the authority's key is of a type
    /// that the provider has no algorithm for.
    pub fn verify(&self, provider: &Provider) -> Result<(), Failure> {
        let signed = self.wire.get(..self.form.signed).ok_or(Failure::Internal)?;
        let algorithm = &self.form.algorithm;
        let own = &self.form.authority;
        signature::verify(provider, algorithm, own.wire(), signed, &self.form.signature).map(drop)
    }

    /// Whether it holds on this occasion, as the certificate of a user. What it demands of the
    /// login's signature is to be asked for by [`requires_verification`](Self::requires_verification)
    /// and [`waives_touch`](Self::waives_touch).
    ///
    /// A certificate without any principal is refused: it would be good for everybody.
    ///
    /// # Errors
    /// [`Refused`], with the first reason that was found.
    pub fn check<N: AsRef<str>>(&self, occasion: &Occasion<'_, N>) -> Result<(), Refused> {
        if self.form.kind != Kind::User {
            return Err(Refused::NotAUsers);
        }
        self.check_time(occasion.now)?;
        let is_for = |name: &N| self.form.principals.iter().any(|it| it == name.as_ref());
        if !occasion.principals.iter().any(is_for) {
            return Err(Refused::Principal);
        }
        self.form.restrictions.iter().try_for_each(|it| check_restriction(it, occasion.source))
    }

    /// Whether it holds at this time, in seconds since 1970 in UTC, as the certificate of this host,
    /// which is named in lower case. Its principals may be patterns.
    ///
    /// A certificate without any principal is refused: it would be good for every host.
    ///
    /// # Errors
    /// [`Refused`], with the first reason that was found.
    pub fn check_host(&self, host: &str, now: u64) -> Result<(), Refused> {
        if self.form.kind != Kind::Host {
            return Err(Refused::NotAHosts);
        }
        self.check_time(now)?;
        let mut names = self.form.principals.iter().map(|name| name.to_ascii_lowercase());
        if !names.any(|name| pattern::matches(&name, host)) {
            return Err(Refused::Host);
        }
        // There is none for hosts.
        match self.form.restrictions.first() {
            None => Ok(()),
            Some(restriction) => Err(Refused::Unsupported(restriction.name().to_owned())),
        }
    }

    fn check_time(&self, now: u64) -> Result<(), Refused> {
        let Validity { after, before } = self.form.validity;
        if now < after {
            Err(Refused::NotYet)
        } else if now >= before {
            Err(Refused::Expired)
        } else {
            Ok(())
        }
    }
}

fn check_restriction(restriction: &Restriction, source: IpAddr) -> Result<(), Refused> {
    match restriction {
        // The one says what a session runs, and has no say about forwarding; the other is about the
        // signature of a login and not about the certificate.
        Restriction::ForceCommand(_) | Restriction::VerifyRequired => Ok(()),
        Restriction::SourceAddress(networks) => {
            let inside = networks.iter().any(|network| network.contains(source));
            if inside { Ok(()) } else { Err(Refused::Source) }
        }
        Restriction::Other(name) => Err(Refused::Unsupported(name.clone())),
    }
}

/// When, from where and as whom somebody shows a certificate.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a, N> {
    /// The principals one of which the certificate must be for: often the user's name alone.
    pub principals: &'a [N],
    /// Where the user comes from.
    pub source: IpAddr,
    /// The time, in seconds since 1970 in UTC.
    pub now: u64,
}

/// Why a certificate does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is a host's.
    #[error("the certificate is a host's and not a user's")]
    NotAUsers,
    /// It is a user's.
    #[error("the certificate is a user's and not a host's")]
    NotAHosts,
    /// It is for other hosts, or for none in particular.
    #[error("the certificate is not for this host")]
    Host,
    /// It is from the future.
    #[error("the certificate is not valid yet")]
    NotYet,
    /// It was valid once.
    #[error("the certificate has expired")]
    Expired,
    /// It is for other users, or for none in particular.
    #[error("the certificate is not for this user")]
    Principal,
    /// It is for other places.
    #[error("the certificate is not for this source address")]
    Source,
    /// It has a critical option that is not enforced here.
    #[error("the certificate's critical option {0:?} is not supported")]
    Unsupported(String),
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key_type(), Base64::encode_string(&self.wire))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("key", &self.form.key)
            .field("key_id", &self.form.key_id)
            .field("serial", &self.form.serial)
            .field("authority", &self.form.authority)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
