//! The encryption that OpenSSL once put around PEM files, and still does where it is asked to:
//! `DEK-Info` of [RFC 1421 section 4.6.1.3](https://www.rfc-editor.org/rfc/rfc1421#section-4.6.1.3), with a
//! key that is one MD5 of the passphrase and a salt. It is read, and never written.

use adit_proto::secret::Secret;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use crate::identity::problem::Problem;

/// How a file is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dek {
    cipher: Cipher,
    iv: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

impl Cipher {
    fn named(name: &str) -> Option<Self> {
        match name {
            "AES-128-CBC" => Some(Self::Aes128),
            "AES-192-CBC" => Some(Self::Aes192),
            "AES-256-CBC" => Some(Self::Aes256),
            "DES-EDE3-CBC" => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// The lengths of the key and of the initial vector.
    fn lengths(self) -> (usize, usize) {
        match self {
            Self::Aes128 => (16, 16),
            Self::Aes192 => (24, 16),
            Self::Aes256 => (32, 16),
            Self::TripleDes => (24, 8),
        }
    }
}

impl Dek {
    /// Parses the value of the header: the cipher's name, and the initial vector.
    pub(super) fn parse(value: &str) -> Result<Self, Problem> {
        let (name, iv) = value.split_once(',').ok_or(Problem::Damaged)?;
        let cipher = Cipher::named(name).ok_or_else(|| Problem::Cipher(name.to_owned()))?;
        let iv = bytes(iv.trim_ascii()).ok_or(Problem::Damaged)?;
        if iv.len() == cipher.lengths().1 { Ok(Self { cipher, iv }) } else { Err(Problem::Damaged) }
    }

    /// Decrypts. With a wrong passphrase what comes out is most often refused, and else arbitrary.
    pub(super) fn decrypt(&self, passphrase: &Secret, bytes: &Secret) -> Result<Secret, Problem> {
        let key = self.key(passphrase);
        let key = key.expose();
        let mut plain = bytes.clone();
        let buffer = plain.expose_mut();
        match self.cipher {
            Cipher::Aes128 => open::<Decryptor<aes::Aes128>>(key, &self.iv, buffer),
            Cipher::Aes192 => open::<Decryptor<aes::Aes192>>(key, &self.iv, buffer),
            Cipher::Aes256 => open::<Decryptor<aes::Aes256>>(key, &self.iv, buffer),
            Cipher::TripleDes => open::<Decryptor<des::TdesEde3>>(key, &self.iv, buffer),
        }
    }

    /// The key: MD5 over what was made before, the passphrase and the first eight bytes of the
    /// initial vector, until there is enough.
    fn key(&self, passphrase: &Secret) -> Secret {
        let mut key = Zeroizing::new(Vec::with_capacity(48));
        let mut last = Zeroizing::new([0; 16]);
        let wanted = self.cipher.lengths().0;
        while key.len() < wanted {
            let mut hash = Md5::new();
            if !key.is_empty() {
                hash.update(last.as_slice());
            }
            hash.update(passphrase.expose());
            hash.update(self.iv.get(..8).unwrap_or_default());
            last.copy_from_slice(&hash.finalize());
            key.extend_from_slice(last.as_slice());
        }
        Secret::from(key.get(..wanted).unwrap_or_default())
    }
}

fn open<D: KeyIvInit + BlockModeDecrypt>(
    key: &[u8],
    iv: &[u8],
    buffer: &mut [u8],
) -> Result<Secret, Problem> {
    let cipher = D::new_from_slices(key, iv).map_err(|_| Problem::Damaged)?;
    let plain = cipher.decrypt_padded::<Pkcs7>(buffer).map_err(|_| Problem::WrongPassphrase)?;
    Ok(Secret::from(plain))
}

/// The bytes that pairs of hexadecimal digits stand for.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [_, _] if pair.iter().all(u8::is_ascii_hexdigit) => {
                u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ciphers_are_told_by_their_names() {
        assert!(Dek::parse("DES-EDE3-CBC,0001020304050607").is_ok());
        assert!(Dek::parse(&format!("AES-256-CBC,{}", "0F".repeat(16))).is_ok());
        let refused = Dek::parse("DES-CBC,0001020304050607");
        assert!(matches!(refused, Err(Problem::Cipher(name)) if name == "DES-CBC"));
        for bad in [
            "",
            "AES-128-CBC",
            "AES-128-CBC,00",
            "DES-EDE3-CBC,000102030405060",
            "DES-EDE3-CBC,+f02030405060708",
        ] {
            assert!(matches!(Dek::parse(bad), Err(Problem::Damaged)), "{bad}");
        }
    }

    /// By `openssl enc -aes-256-cbc -md md5 -P -S 0001020304050607 -k secret`.
    #[test]
    fn the_key_is_that_of_openssl() {
        let iv = "0001020304050607".repeat(2);
        let dek = Dek::parse(&format!("AES-256-CBC,{iv}")).unwrap();
        let expected =
            bytes("035FB8145B73CF111570DC936112BE9C375A5D3D8B915BC213BDBEF9DBFB7851").unwrap();
        assert_eq!(dek.key(&Secret::from(&b"secret"[..])).expose(), expected);
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(value in ".{0,60}") {
            let _ = Dek::parse(&value);
        }
    }
}
