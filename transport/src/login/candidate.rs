//! A key that a login may be tried with.

use std::fmt;
use std::sync::Arc;

use adit_proto::name::NameList;
use bytes::Bytes;

use crate::certificate::{Certificate, algorithm};
use crate::identity::Identity;
use crate::identity::private_key::Encrypted;
use crate::public_key::PublicKey;

/// A key that a login may be tried with, and maybe a certificate of it, which is shown in its
/// place.
#[derive(Debug, Clone)]
pub struct Candidate {
    holder: Holder,
    certificate: Option<Arc<Certificate>>,
}

/// Who has the key.
#[derive(Debug, Clone)]
pub(super) enum Holder {
    /// It can sign at once. A key of this process does so without being offered first, which
    /// saves a round trip; one of an agent is offered, since the agent may ask its user.
    Ready(Identity),
    /// It stands encrypted in a file. It is offered, and the passphrase is asked for when the
    /// server would take it; where its public half is not known, before it is offered.
    Encrypted {
        /// The key.
        key: Arc<Encrypted>,
        /// The file's name.
        name: String,
        /// The public half, where it is known.
        public: Option<PublicKey>,
    },
}

impl Candidate {
    /// A key that can sign. Where an agent holds it with a certificate, that is shown.
    pub fn ready(identity: Identity) -> Self {
        let certificate = identity.certificate().cloned();
        Self { holder: Holder::Ready(identity), certificate }
    }

    /// A key that stands encrypted in the file of this name. `beside` is the public half as it
    /// stands in another file, for formats that hide it.
    pub fn encrypted(
        key: Arc<Encrypted>,
        name: impl Into<String>,
        beside: Option<PublicKey>,
    ) -> Self {
        let public = key.public_key().cloned().or(beside);
        Self { holder: Holder::Encrypted { key, name: name.into(), public }, certificate: None }
    }

    /// The same key, for which this certificate of it is shown; `None` where it is another key's.
    pub fn certified(&self, certificate: Arc<Certificate>) -> Option<Self> {
        let its_own = self.public_key() == Some(certificate.key());
        its_own.then(|| Self { holder: self.holder.clone(), certificate: Some(certificate) })
    }

    /// The public key, where it is known.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match &self.holder {
            Holder::Ready(identity) => Some(identity.public_key()),
            Holder::Encrypted { public, .. } => public.as_ref(),
        }
    }

    /// The certificate that is shown.
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.certificate.as_ref()
    }

    /// Whether a server is shown the same by both.
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        self.shown().is_some_and(|shown| other.shown() == Some(shown))
    }

    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The same, once it was decrypted.
    pub(super) fn opened(self, identity: Identity) -> Self {
        Self { holder: Holder::Ready(identity), ..self }
    }

    /// Whether it signs without asking anybody.
    pub(super) fn signs_at_once(&self) -> bool {
        matches!(&self.holder, Holder::Ready(identity) if identity.is_local())
    }

    /// What is shown to the server: the certificate or the public key, as on the wire.
    pub(super) fn shown(&self) -> Option<Bytes> {
        match &self.certificate {
            Some(certificate) => Some(certificate.wire().clone()),
            None => self.public_key().map(|key| key.wire().clone()),
        }
    }

    /// The first algorithm of the key that is `accepted` here and, where it has said, by the
    /// server. Servers name the algorithms of keys, and mean those of their certificates too.
    pub(super) fn algorithm(
        &self,
        accepted: &NameList,
        server: Option<&NameList>,
    ) -> Option<String> {
        let plain = |name: &str| signature_algorithm(name).to_owned();
        let taken = |name: &str| {
            server.is_none_or(|server| server.contains(name) || server.contains(&plain(name)))
        };
        let find = |mut names: Box<dyn Iterator<Item = &str> + '_>| {
            names.find(|name| accepted.contains(name) && taken(name)).map(str::to_owned)
        };
        match &self.certificate {
            Some(it) => find(Box::new(algorithm::of_type(it.key_type()).map(|it| it.name))),
            None => find(Box::new(self.public_key()?.algorithms().into_iter())),
        }
    }
}

/// The algorithm that a signature names which is asked for by this name.
pub(super) fn signature_algorithm(name: &str) -> &str {
    algorithm::named(name).map_or(name, |algorithm| algorithm.signature)
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match &self.holder {
            Holder::Ready(identity) => identity.origin(),
            Holder::Encrypted { name, .. } => name,
        };
        if let Some(certificate) = &self.certificate {
            write!(f, "certificate \"{}\" of ", certificate.key_id().escape_debug())?;
        }
        match self.public_key() {
            Some(key) => write!(f, "key {} {} ({origin})", key.key_type(), key.fingerprint()),
            None => write!(f, "key ({origin})"),
        }
    }
}
