//! A Diffie-Hellman key to be used once.

use adit_proto::provider::Failure;
use adit_proto::secret::Secret;
use ring::agreement::{
    Algorithm, EphemeralPrivateKey, PublicKey, UnparsedPublicKey, agree_ephemeral,
};
use ring::rand::{SecureRandom, SystemRandom};

/// An elliptic curve key pair for one agreement.
pub(super) struct Ephemeral {
    key: EphemeralPrivateKey,
    share: PublicKey,
}

impl Ephemeral {
    pub(super) fn generate(algorithm: &'static Algorithm) -> Result<Self, Failure> {
        Self::generate_by(algorithm, &SystemRandom::new())
    }

    fn generate_by(
        algorithm: &'static Algorithm,
        random: &dyn SecureRandom,
    ) -> Result<Self, Failure> {
        let key =
            EphemeralPrivateKey::generate(algorithm, random).map_err(|_| Failure::Internal)?;
        let share = key.compute_public_key().map_err(|_| Failure::Internal)?;
        Ok(Self { key, share })
    }

    /// The public key: 32 bytes for X25519, an uncompressed point for the others.
    pub(super) fn share(&self) -> &[u8] {
        self.share.as_ref()
    }

    /// The shared secret with the holder of `peer_share`. ring refuses what is not on the curve
    /// and, for X25519, what makes the secret all zeros.
    pub(super) fn agree(self, peer_share: &[u8]) -> Result<Secret, Failure> {
        let peer = UnparsedPublicKey::new(self.key.algorithm(), peer_share);
        agree_ephemeral(self.key, &peer, |secret| Secret::from(secret))
            .map_err(|_| Failure::BadShare)
    }
}

#[cfg(test)]
mod tests {
    #[expect(deprecated, reason = "the only way to give ring a known private key")]
    use ring::test::{from_hex, rand::FixedSliceRandom};

    use ring::agreement::{ECDH_P256, ECDH_P384, X25519};

    use super::*;

    #[expect(deprecated, reason = "the only way to give ring a known private key")]
    fn check(algorithm: &'static Algorithm, private: &str, share: &str, peer: &str, secret: &str) {
        let private = from_hex(private).unwrap();
        let random = FixedSliceRandom { bytes: &private };
        let key = Ephemeral::generate_by(algorithm, &random).unwrap();
        assert_eq!(key.share(), from_hex(share).unwrap());
        let agreed = key.agree(&from_hex(peer).unwrap()).unwrap();
        assert_eq!(agreed.expose(), from_hex(secret).unwrap());
    }

    /// [RFC 7748 section 6.1](https://www.rfc-editor.org/rfc/rfc7748#section-6.1).
    #[test]
    fn x25519_agrees_as_the_rfc_shows() {
        check(
            &X25519,
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
        );
    }

    /// [RFC 5903 section 8.1](https://www.rfc-editor.org/rfc/rfc5903#section-8.1).
    #[test]
    fn p256_agrees_as_the_rfc_shows() {
        check(
            &ECDH_P256,
            "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
            "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180\
             5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
            "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63\
             56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
            "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
        );
    }

    /// [RFC 5903 section 8.2](https://www.rfc-editor.org/rfc/rfc5903#section-8.2).
    #[test]
    fn p384_agrees_as_the_rfc_shows() {
        check(
            &ECDH_P384,
            "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655\
             e35b538041e649ee3faef896783ab194",
            "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6\
             de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f65\
             032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
            "04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d\
             0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e838430367f66\
             eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
            "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4\
             d603135569b9e9d09cf5d4a270f59746",
        );
    }
}
