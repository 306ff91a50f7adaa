//! HMAC with SHA-2, [RFC 6668 section 2](https://www.rfc-editor.org/rfc/rfc6668#section-2), in
//! both orders.

use adit_proto::provider::{Authenticate, Failure, Mac, MacOrder, Standing};
use adit_proto::secret::Secret;
use ring::hmac::{Algorithm, Context, HMAC_SHA256, HMAC_SHA512, Key, Tag};
use subtle::ConstantTimeEq;

/// HMAC with one of the hashes, in one of the orders.
#[derive(Debug, Clone, Copy)]
pub struct HmacSha2 {
    name: &'static str,
    algorithm: Algorithm,
    order: MacOrder,
}

impl HmacSha2 {
    /// `hmac-sha2-256-etm@openssh.com`.
    pub const SHA256_ETM: Self = Self {
        name: "hmac-sha2-256-etm@openssh.com",
        algorithm: HMAC_SHA256,
        order: MacOrder::EncryptThenMac,
    };

    /// `hmac-sha2-512-etm@openssh.com`.
    pub const SHA512_ETM: Self = Self {
        name: "hmac-sha2-512-etm@openssh.com",
        algorithm: HMAC_SHA512,
        order: MacOrder::EncryptThenMac,
    };

    /// `hmac-sha2-256`.
    pub const SHA256: Self =
        Self { name: "hmac-sha2-256", algorithm: HMAC_SHA256, order: MacOrder::EncryptAndMac };

    /// `hmac-sha2-512`.
    pub const SHA512: Self =
        Self { name: "hmac-sha2-512", algorithm: HMAC_SHA512, order: MacOrder::EncryptAndMac };
}

impl Mac for HmacSha2 {
    fn name(&self) -> &'static str {
        self.name
    }

    /// As long as the tag ([RFC 6668 section 2](https://www.rfc-editor.org/rfc/rfc6668#section-2)).
    fn key_len(&self) -> usize {
        self.tag_len()
    }

    fn tag_len(&self) -> usize {
        self.algorithm.digest_algorithm().output_len()
    }

    fn order(&self) -> MacOrder {
        self.order
    }

    /// A packet has to be decrypted before it is known to be the peer's where the tag is over
    /// the plain text, and nearly every peer has the other order.
    fn standing(&self) -> Standing {
        match self.order {
            MacOrder::EncryptThenMac => Standing::Usual,
            MacOrder::EncryptAndMac => Standing::Named,
        }
    }

    fn authenticator(&self, key: &Secret) -> Result<Box<dyn Authenticate>, Failure> {
        if key.len() != self.key_len() {
            return Err(Failure::Internal);
        }
        Ok(Box::new(Keyed(Key::new(self.algorithm, key.expose()))))
    }
}

struct Keyed(Key);

impl Keyed {
    fn sign(&self, sequence: u32, packet: &[u8]) -> Tag {
        let mut context = Context::with_key(&self.0);
        context.update(&sequence.to_be_bytes());
        context.update(packet);
        context.sign()
    }
}

impl Authenticate for Keyed {
    fn tag(&self, sequence: u32, packet: &[u8], tag: &mut [u8]) -> Result<(), Failure> {
        let made = self.sign(sequence, packet);
        if tag.len() != made.as_ref().len() {
            return Err(Failure::Internal);
        }
        tag.copy_from_slice(made.as_ref());
        Ok(())
    }

    fn verify(&self, sequence: u32, packet: &[u8], tag: &[u8]) -> Result<(), Failure> {
        match self.sign(sequence, packet).as_ref().ct_eq(tag).into() {
            true => Ok(()),
            false => Err(Failure::BadTag),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::provider::sealed::hex;

    const ALL: [HmacSha2; 4] =
        [HmacSha2::SHA256_ETM, HmacSha2::SHA512_ETM, HmacSha2::SHA256, HmacSha2::SHA512];

    #[test]
    fn lengths_are_as_the_rfc_says() {
        assert_eq!(
            ALL.map(|mac| (mac.key_len(), mac.tag_len())),
            [(32, 32), (64, 64), (32, 32), (64, 64)]
        );
    }

    #[test]
    fn a_key_or_tag_of_another_length_is_refused() {
        for mac in ALL {
            for len in [0, 16, 31, 33, 63, 65] {
                assert!(mac.authenticator(&Secret::zeroed(len)).is_err());
            }
            let keyed = mac.authenticator(&Secret::zeroed(mac.key_len())).unwrap();
            let mut tag = vec![0; mac.tag_len()];
            keyed.tag(1, b"packet", &mut tag).unwrap();
            for len in 0..tag.len() {
                assert_eq!(keyed.verify(1, b"packet", &tag[..len]), Err(Failure::BadTag));
                assert!(keyed.tag(1, b"packet", &mut tag.clone()[..len]).is_err());
            }
        }
    }

    /// Made by `openssl mac -digest SHA256 -macopt hexkey:... HMAC` over the sequence number and
    /// the packet.
    #[test]
    fn tags_are_as_another_implementation_makes_them() {
        let known = [
            (HmacSha2::SHA256, "137a67599b5b14dfc130b1fc7d39e65e6e00dde50793ff013e9290c07383ae08"),
            (
                HmacSha2::SHA512,
                "97b49ef422ae8221872e89be7f6fc76ce7277ca34df1630df12deee50a7824f580de4f1306d3fe169d8f47fe3e039adccb852fba345428cc9ab328211ce9afef",
            ),
        ];
        for (mac, expected) in known {
            let key = Secret::new((0..64).take(mac.key_len()).collect());
            let mut tag = vec![0; mac.tag_len()];
            mac.authenticator(&key).unwrap().tag(0x0102_0304, b"hello world", &mut tag).unwrap();
            assert_eq!(hex(&tag), expected);
        }
    }

    proptest! {
        #[test]
        fn only_the_same_sequence_number_packet_and_tag_are_right(
            packet in vec(any::<u8>(), 1..200),
            sequence in any::<u32>(),
            bit in any::<prop::sample::Index>(),
        ) {
            for mac in ALL {
                let keyed = mac.authenticator(&Secret::zeroed(mac.key_len())).unwrap();
                let mut tag = vec![0; mac.tag_len()];
                keyed.tag(sequence, &packet, &mut tag).unwrap();
                prop_assert_eq!(keyed.verify(sequence, &packet, &tag), Ok(()));
                let other = sequence.wrapping_add(1);
                prop_assert_eq!(keyed.verify(other, &packet, &tag), Err(Failure::BadTag));
                let mut all = [&packet[..], &tag].concat();
                let bit = bit.index(all.len() * 8);
                all[bit / 8] ^= 1 << (bit % 8);
                let (packet, tag) = all.split_at(packet.len());
                prop_assert_eq!(keyed.verify(sequence, packet, tag), Err(Failure::BadTag));
            }
        }
    }
}
