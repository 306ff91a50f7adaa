//! What a user shows to log in.

use std::fmt;

use adit_transport::certificate::{self, Certificate, algorithm};
use adit_transport::public_key::{self, Fingerprint, PublicKey};
use bytes::Bytes;

/// What a user shows to log in. That whoever shows it has the key is for others to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A key.
    Key(PublicKey),
    /// A key and somebody's word for it.
    Certificate(Box<Certificate>),
}

impl Credential {
    /// Takes over a public key as a login request has it, which may be a certificate.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn from_wire(wire: Bytes) -> Result<Self, Invalid> {
        let key = PublicKey::from_wire(wire)?;
        if algorithm::is_certificate(key.key_type()) {
            let certificate = Certificate::from_wire(key.wire().clone())?;
            Ok(Self::Certificate(Box::new(certificate)))
        } else {
            Ok(Self::Key(key))
        }
    }

    /// The key that signs.
    pub fn key(&self) -> &PublicKey {
        match self {
            Self::Key(key) => key,
            Self::Certificate(certificate) => certificate.key(),
        }
    }

    /// The fingerprint of the key that signs.
    pub fn fingerprint(&self) -> Fingerprint {
        self.key().fingerprint()
    }

    /// The certificate, where it is one.
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Key(_) => None,
            Self::Certificate(certificate) => Some(certificate),
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "{} {}", key.key_type(), key.fingerprint()),
            Self::Certificate(it) => {
                let (key, id) = (it.key(), it.key_id().escape_debug());
                let (serial, authority) = (it.serial(), it.authority().fingerprint());
                write!(f, "{} {} certified as \"{id}\"", key.key_type(), key.fingerprint())?;
                write!(f, " (serial {serial}) by {authority}")
            }
        }
    }
}

/// Why something is neither a key nor a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is no key.
    #[error(transparent)]
    Key(#[from] public_key::Invalid),
    /// It is no certificate.
    #[error(transparent)]
    Certificate(#[from] certificate::Invalid),
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../transport/testdata/keys/ed25519.pub");
    const CERTIFICATE: &str = include_str!("../../transport/testdata/certificates/ed25519.pub");

    #[test]
    fn a_certificate_is_told_from_a_key_and_signs_by_the_same() {
        let (key, _) = PublicKey::parse(KEY.trim_end()).unwrap();
        let (certificate, _) = Certificate::parse(CERTIFICATE).unwrap();
        let plain = Credential::from_wire(key.wire().clone()).unwrap();
        let certified = Credential::from_wire(certificate.wire().clone()).unwrap();
        assert!(plain.certificate().is_none() && certified.certificate().is_some());
        assert_eq!(plain.fingerprint(), certified.fingerprint());
        assert_eq!(
            certified.to_string(),
            "ssh-ed25519 SHA256:QAkBiv1T8vhJzi37PFJWzv0SeZLsDDUS8Yh24zqggQw certified as \
             \"ann at home\" (serial 18446744073709551615) by \
             SHA256:BnJwv6oAH90wlrVvbsMaOxMnjVZLo695E55YbmO+Rw4",
        );
    }

    #[test]
    fn what_is_neither_is_refused() {
        let cut = Certificate::parse(CERTIFICATE).unwrap().0.wire().slice(..200);
        assert_eq!(
            Credential::from_wire(cut),
            Err(Invalid::Certificate(certificate::Invalid::Malformed)),
        );
        assert_eq!(
            Credential::from_wire(Bytes::new()),
            Err(Invalid::Key(public_key::Invalid::Malformed)),
        );
    }
}
