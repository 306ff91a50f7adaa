//! How a private key file is encrypted,
//! [PROTOCOL.key section 2](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key).

use adit_proto::secret::Secret;
use adit_proto::wire;
use nom::Parser;
use nom::combinator::all_consuming;
use ssh_cipher::Cipher;

use crate::identity::problem::Problem;

/// The most rounds of bcrypt that are gone through: each takes some ten milliseconds, and ssh-keygen
/// makes 16 or 24 unless told otherwise.
const MOST_ROUNDS: u32 = 10_000;

/// The cipher of a private key file, and how its key comes from the passphrase.
#[derive(Debug)]
pub(super) struct Encryption {
    cipher: Cipher,
    salt: Vec<u8>,
    rounds: u32,
    tag: Option<ssh_cipher::Tag>,
}

impl Encryption {
    /// `tag` is what follows the private section.
    pub(super) fn parse(
        cipher: &str,
        kdf: &str,
        options: &[u8],
        tag: &[u8],
    ) -> Result<Self, Problem> {
        let cipher = by_name(cipher).ok_or_else(|| Problem::Cipher(cipher.to_owned()))?;
        if kdf != "bcrypt" {
            return Err(Problem::Cipher(kdf.to_owned()));
        }
        let (_, (salt, rounds)) = all_consuming((wire::string, wire::uint32))
            .parse(options)
            .map_err(|_| Problem::Damaged)?;
        if rounds > MOST_ROUNDS {
            return Err(Problem::Rounds(rounds));
        }
        let tag = match tag {
            [] if !cipher.has_tag() => None,
            _ if cipher.has_tag() => Some(tag.try_into().map_err(|_| Problem::Damaged)?),
            _ => return Err(Problem::Damaged),
        };
        Ok(Self { cipher, salt: salt.to_vec(), rounds, tag })
    }

    /// What the length of the private section is a multiple of.
    pub(super) fn block(&self) -> usize {
        self.cipher.block_size()
    }

    /// Decrypts the private section in place. Takes as long as bcrypt does: some tenths of a
    /// second. Where the cipher has no tag, a wrong passphrase leaves arbitrary bytes.
    pub(super) fn decrypt(&self, passphrase: &Secret, section: &mut [u8]) -> Result<(), Problem> {
        let (key, iv) = self.cipher.key_and_iv_size().ok_or(Problem::Damaged)?;
        let mut derived = Secret::zeroed(key + iv);
        bcrypt_pbkdf::bcrypt_pbkdf(
            passphrase.expose(),
            &self.salt,
            self.rounds,
            derived.expose_mut(),
        )
        .map_err(|_| Problem::WrongPassphrase)?;
        let (key, iv) = derived.expose().split_at_checked(key).ok_or(Problem::Damaged)?;
        // This one takes its nonce from elsewhere, and in key files that is always zero.
        let iv = if self.cipher == Cipher::ChaCha20Poly1305 { &[0; 8] } else { iv };
        self.cipher.decrypt(key, iv, section, self.tag).map_err(|_| Problem::WrongPassphrase)
    }
}

/// The ciphers that OpenSSH has for key files and that are still sound to read.
fn by_name(name: &str) -> Option<Cipher> {
    const ALL: [Cipher; 9] = [
        Cipher::Aes256Ctr,
        Cipher::Aes192Ctr,
        Cipher::Aes128Ctr,
        Cipher::Aes256Cbc,
        Cipher::Aes192Cbc,
        Cipher::Aes128Cbc,
        Cipher::Aes256Gcm,
        Cipher::Aes128Gcm,
        Cipher::ChaCha20Poly1305,
    ];
    ALL.into_iter().find(|cipher| cipher.as_str() == name)
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::Put;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn options(rounds: u32) -> Vec<u8> {
        let mut options = Vec::new();
        options.put_string(b"salt");
        options.put_uint32(rounds);
        options
    }

    #[test]
    fn what_is_not_supported_is_told_by_its_name() {
        let parse = |cipher, kdf| Encryption::parse(cipher, kdf, &options(1), &[]).unwrap_err();
        assert!(matches!(parse("3des-cbc", "bcrypt"), Problem::Cipher(name) if name == "3des-cbc"));
        assert!(matches!(parse("none", "bcrypt"), Problem::Cipher(name) if name == "none"));
        assert!(matches!(parse("aes256-ctr", "scrypt"), Problem::Cipher(name) if name == "scrypt"));
    }

    #[test]
    fn more_rounds_than_anyone_waits_for_are_refused() {
        let parse = |rounds| Encryption::parse("aes256-ctr", "bcrypt", &options(rounds), &[]);
        assert!(parse(MOST_ROUNDS).is_ok());
        assert!(matches!(parse(u32::MAX), Err(Problem::Rounds(u32::MAX))));
    }

    #[test]
    fn a_tag_is_there_exactly_where_the_cipher_has_one() {
        let parse =
            |cipher, tag: usize| Encryption::parse(cipher, "bcrypt", &options(1), &vec![0; tag]);
        assert!(parse("aes256-gcm@openssh.com", 16).is_ok());
        for (cipher, tag) in [
            ("aes256-gcm@openssh.com", 0),
            ("aes256-gcm@openssh.com", 15),
            ("chacha20-poly1305@openssh.com", 17),
            ("aes256-ctr", 16),
        ] {
            assert!(matches!(parse(cipher, tag), Err(Problem::Damaged)), "{cipher} {tag}");
        }
    }

    #[test]
    fn no_rounds_or_no_passphrase_are_errors() {
        let decrypt = |rounds, passphrase: &[u8]| {
            Encryption::parse("aes256-ctr", "bcrypt", &options(rounds), &[])
                .unwrap()
                .decrypt(&Secret::from(passphrase), &mut [0; 32])
        };
        assert!(matches!(decrypt(0, b"secret"), Err(Problem::WrongPassphrase)));
        assert!(matches!(decrypt(1, b""), Err(Problem::WrongPassphrase)));
        assert!(decrypt(1, b"secret").is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_options_never_panic(options in vec(any::<u8>(), 0..40), tag in vec(any::<u8>(), 0..20)) {
            let _ = Encryption::parse("aes256-gcm@openssh.com", "bcrypt", &options, &tag);
        }
    }
}
