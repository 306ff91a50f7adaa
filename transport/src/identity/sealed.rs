//! What is in a private key file: a key, or one that needs a passphrase first.

use adit_proto::secret::Secret;

use crate::identity::armor::{Armored, Label};
use crate::identity::asn1;
use crate::identity::dek::Dek;
use crate::identity::fields::Fields;
use crate::identity::key_file::KeyFile;
use crate::identity::problem::Problem;
use crate::public_key::PublicKey;

/// What is in a private key file.
#[derive(Debug)]
pub(super) enum Content {
    Plain(Fields),
    Sealed(Sealed),
}

/// A key that needs a passphrase.
#[derive(Debug)]
pub(super) enum Sealed {
    /// In the format of OpenSSH.
    OpenSsh(KeyFile),
    /// In PKCS #8.
    Pkcs8(Secret),
    /// In PKCS #1 or SEC 1, with an encryption around it.
    Pem { label: Label, dek: Dek, bytes: Secret },
}

impl Content {
    /// Parses what is between the marks.
    pub(super) fn parse(armored: Armored) -> Result<Self, Problem> {
        let Armored { label, encryption, bytes } = armored;
        match (label, encryption) {
            (Label::OpenSsh, None) => {
                let file = KeyFile::parse(bytes.expose())?;
                if file.is_encrypted() {
                    Ok(Self::Sealed(Sealed::OpenSsh(file)))
                } else {
                    open(&file, &Secret::default()).map(Self::Plain)
                }
            }
            (Label::EncryptedPkcs8, None) => {
                asn1::check_encrypted(bytes.expose())?;
                Ok(Self::Sealed(Sealed::Pkcs8(bytes)))
            }
            (Label::Pkcs1 | Label::Sec1, Some(encryption)) => {
                let dek = Dek::parse(&encryption)?;
                Ok(Self::Sealed(Sealed::Pem { label, dek, bytes }))
            }
            (label, None) => plain(label, &bytes).map(Self::Plain),
            // Only the older formats have an encryption around them.
            (_, Some(_)) => Err(Problem::Damaged),
        }
    }
}

impl Sealed {
    /// The public key, where it is readable without the passphrase.
    pub(super) fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::OpenSsh(file) => Some(file.public_key()),
            Self::Pkcs8(_) | Self::Pem { .. } => None,
        }
    }

    /// Decrypts the key.
    pub(super) fn open(&self, passphrase: &Secret) -> Result<Fields, Problem> {
        match self {
            Self::OpenSsh(file) => open(file, passphrase),
            Self::Pkcs8(bytes) => asn1::decrypt(bytes.expose(), passphrase),
            Self::Pem { label, dek, bytes } => {
                let opened = dek.decrypt(passphrase, bytes)?;
                // A wrong passphrase passes the check of the padding one time of 256.
                plain(*label, &opened).map_err(|problem| match problem {
                    Problem::Damaged => Problem::WrongPassphrase,
                    other => other,
                })
            }
        }
    }
}

fn open(file: &KeyFile, passphrase: &Secret) -> Result<Fields, Problem> {
    let section = file.open(passphrase)?;
    Ok(Fields { public_key: file.public_key().clone(), section })
}

fn plain(label: Label, bytes: &Secret) -> Result<Fields, Problem> {
    match label {
        Label::Pkcs1 => asn1::pkcs1(bytes.expose()),
        Label::Sec1 => asn1::sec1(bytes.expose(), None),
        Label::Pkcs8 => asn1::pkcs8(bytes.expose()),
        Label::OpenSsh | Label::EncryptedPkcs8 => Err(Problem::Damaged),
    }
}
