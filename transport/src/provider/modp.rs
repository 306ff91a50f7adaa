//! Diffie-Hellman over the numbers modulo a prime,
//! [RFC 4253 section 8](https://www.rfc-editor.org/rfc/rfc4253#section-8), and the groups of
//! [RFC 3526](https://www.rfc-editor.org/rfc/rfc3526).

use adit_proto::provider::{Failure, Group};
use adit_proto::secret::Secret;
use bytes::Bytes;
use crypto_bigint::BoxedUint;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use zeroize::Zeroizing;

use crate::provider::random;

/// The length of secret exponents in bytes: for the 256 bits of strength that no group here has,
/// since finding an exponent takes the square root of how many there are.
const EXPONENT: usize = 64;

/// The least and the greatest size of a prime, in bits: what
/// [RFC 8270](https://www.rfc-editor.org/rfc/rfc8270#section-3) asks for, and what peers take.
pub(super) const SIZES: std::ops::RangeInclusive<u32> = 2048..=8192;

/// The numbers modulo a prime, with a generator.
#[derive(Debug, Clone)]
pub(super) struct Modp {
    params: BoxedMontyParams,
    prime: BoxedUint,
    generator: BoxedUint,
}

/// A secret exponent, which is wiped when it is dropped.
pub(super) struct Exponent(Zeroizing<BoxedUint>);

impl Modp {
    /// The numbers of a group. That its prime is one is believed: a server that lies has only
    /// itself to betray, as the exchange is signed by it.
    ///
    /// # Errors
    /// [`Failure::BadGroup`] where the prime is even or not of [`SIZES`], or the generator
    /// generates nothing.
    pub(super) fn new(group: &Group) -> Result<Self, Failure> {
        let bad = || Failure::BadGroup;
        let bits = bits(&group.prime).filter(|bits| SIZES.contains(bits)).ok_or_else(bad)?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, precision(bits));
        let prime = number(&group.prime).map_err(|_| Failure::BadGroup)?;
        let generator = number(&group.generator).map_err(|_| Failure::BadGroup)?;
        let odd = prime.as_odd_vartime().ok_or_else(bad)?.clone();
        let modp = Self { params: BoxedMontyParams::new_vartime(odd), prime, generator };
        if modp.is_public(&modp.generator) { Ok(modp) } else { Err(Failure::BadGroup) }
    }

    /// The size of the prime in bytes.
    fn len(&self) -> usize {
        self.prime.to_be_bytes_trimmed_vartime().len()
    }

    /// Whether a number can be a generator or a share: greater than 1 and less than p - 1
    /// ([RFC 8268 section 4](https://www.rfc-editor.org/rfc/rfc8268#section-4)).
    fn is_public(&self, number: &BoxedUint) -> bool {
        let last =
            self.prime.wrapping_sub(BoxedUint::one_with_precision(self.prime.bits_precision()));
        *number > BoxedUint::one() && *number < last
    }

    /// A fresh exponent.
    pub(super) fn exponent() -> Result<Exponent, Failure> {
        let mut bytes = Zeroizing::new([0; EXPONENT]);
        random::fill(bytes.as_mut_slice())?;
        Exponent::new(&bytes)
    }

    /// The share that belongs to an exponent, big-endian.
    pub(super) fn share(&self, exponent: &Exponent) -> Vec<u8> {
        let share = self.power(self.generator.clone(), exponent);
        share.to_be_bytes_trimmed_vartime().into_vec()
    }

    /// The secret shared with whoever has the exponent of `share`, as long as the prime.
    ///
    /// # Errors
    /// [`Failure::BadShare`] where it is no share of this group.
    pub(super) fn agree(&self, exponent: &Exponent, share: &[u8]) -> Result<Secret, Failure> {
        let share = BoxedUint::from_be_slice(share, self.prime.bits_precision())
            .map_err(|_| Failure::BadShare)?;
        if !self.is_public(&share) {
            return Err(Failure::BadShare);
        }
        let whole = Zeroizing::new(self.power(share, exponent).to_be_bytes().into_vec());
        let start = whole.len().saturating_sub(self.len());
        Ok(Secret::from(whole.get(start..).unwrap_or_default()))
    }

    /// The time that it takes depends on the lengths only.
    fn power(&self, base: BoxedUint, exponent: &Exponent) -> Zeroizing<BoxedUint> {
        let base = Zeroizing::new(BoxedMontyForm::new(base, &self.params));
        let power = Zeroizing::new(base.pow(&exponent.0));
        Zeroizing::new(power.retrieve())
    }
}

impl Exponent {
    fn new(bytes: &[u8; EXPONENT]) -> Result<Self, Failure> {
        let number = BoxedUint::from_be_slice(bytes, precision(8 * 64));
        Ok(Self(Zeroizing::new(number.map_err(|_| Failure::Internal)?)))
    }
}

/// How many bits a big-endian number without leading zeros has.
pub(super) fn bits(number: &[u8]) -> Option<u32> {
    let first = number.first().filter(|first| **first != 0)?;
    u32::try_from(number.len()).ok()?.checked_mul(8)?.checked_sub(first.leading_zeros())
}

/// So many bits in whole words.
fn precision(bits: u32) -> u32 {
    bits.next_multiple_of(64)
}

/// A group of [RFC 3526](https://www.rfc-editor.org/rfc/rfc3526).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// The size of the prime.
    pub(super) bits: u32,
    /// What makes it prime.
    offset: u32,
}

/// The group of 2048 bits, number 14.
pub(super) const GROUP14: Known = Known { bits: 2048, offset: 124_476 };
/// The group of 3072 bits, number 15.
const GROUP15: Known = Known { bits: 3072, offset: 1_690_314 };
/// The group of 4096 bits, number 16.
pub(super) const GROUP16: Known = Known { bits: 4096, offset: 240_904 };
/// The group of 6144 bits, number 17.
const GROUP17: Known = Known { bits: 6144, offset: 929_484 };
/// The group of 8192 bits, number 18.
pub(super) const GROUP18: Known = Known { bits: 8192, offset: 4_743_158 };

/// All of them.
pub(super) const KNOWN: [Known; 5] = [GROUP14, GROUP15, GROUP16, GROUP17, GROUP18];

impl Known {
    /// `2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + offset)`, n being the bits, with 2 as
    /// generator.
    pub(super) fn group(self) -> Group {
        let mut middle = PI.as_bytes().chunks(2).map(byte).collect::<Vec<u8>>();
        let len = usize::try_from(self.bits / 8).unwrap_or(0).saturating_sub(16);
        middle.truncate(len);
        // The 1 that is subtracted makes the last digits all ones and is borrowed from here.
        let mut carry = u64::from(self.offset).saturating_sub(1);
        for digit in middle.iter_mut().rev() {
            let sum = u64::from(*digit).saturating_add(carry);
            [*digit] = *sum.to_le_bytes().first_chunk().unwrap_or(&[0]);
            carry = sum >> 8;
        }
        let prime = Bytes::from([&[0xff; 8][..], &middle, &[0xff; 8]].concat());
        Group { prime, generator: Bytes::from_static(&[2]) }
    }
}

/// The byte that two hexadecimal digits say.
fn byte(digits: &[u8]) -> u8 {
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    u8::from_str_radix(digits, 16).unwrap_or_default()
}

/// `[2^8062 pi]`: pi, as far as the largest of the primes has it.
const PI: &str = "\
    c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef95\
    19b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6\
    f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55\
    d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804\
    f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2b\
    cbf6955817183995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33a85521ab\
    df1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7abf5ae8cdb0933d71e8c94e04a25\
    619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200cbbe117577a615d6c\
    770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a92108011a723c12a787e6d78871\
    9a10bdba5b2699c327186af4e23c1a946834b6150bda2583e9ca2ad44ce8dbbbc2db04de8ef92e8efc14\
    1fbecaa6287c59474e6bc05d99b2964fa090c3a2233ba186515be7ed1f612970cee2d7afb81bdd762170\
    481cd0069127d5b05aa993b4ea988d8fddc186ffb7dc90a6c08f4df435c93402849236c3fab4d27c7026\
    c1d4dcb2602646dec9751e763dba37bdf8ff9406ad9e530ee5db382f413001aeb06a53ed9027d8311797\
    27b0865a8918da3edbebcf9b14ed44ce6cbaced4bb1bdb7f1447e6cc254b332051512bd7af426fb8f401\
    378cd2bf5983ca01c64b92ecf032ea15d1721d03f482d7ce6e74fef6d55e702f46980c82b5a84031900b\
    1c9e59e7c97fbec7e8f323a97a7e36cc88be0f1d45b7ff585ac54bd407b22b4154aacc8f6d7ebf48e1d8\
    14cc5ed20f8037e0a79715eef29be32806a1d58bb7c5da76f550aa3d8a1fbff0eb19ccb1a313d55cda56\
    c9ec2ef29632387fe8d76e3c0468043e8f663f4860ee12bf2d5b0b7474d6e694f91e6dbe115974a3926f\
    12fee5e438777cb6a932df8cd8bec4d073b931ba3bc832b68d9dd300741fa7bf8afc47ed2576f6936ba4\
    24663aab639c5ae4f5683423b4742bf1c978238f16cbe39d652de3fdb8befc848ad922222e04a4037c07\
    13eb57a81a23f0c73473fc646cea306b4bcbc8862f8385ddfa9d4b7fa2c087e879683303ed5bdd3a062b\
    3cf5b3a278a66d2a13f83f44f82ddf310ee074ab6a364597e899a0255dc164f31cc50846851df9ab4819\
    5ded7ea1b1d510bd7ee74d73faf36bc31ecfa268359046f4eb879f924009438b481c6cd7889a002ed5ee\
    382bc9190da6fc026e479558e4475677e9aa9e3050e2765694dfc81f56e880b96e7160c980dd98a573ea";

#[cfg(test)]
mod tests {
    use ring::digest::{SHA256, digest};

    use super::*;
    use crate::provider::sealed::hex;

    fn modp(known: Known) -> Modp {
        Modp::new(&known.group()).unwrap()
    }

    fn sha256(bytes: &[u8]) -> String {
        hex(digest(&SHA256, bytes).as_ref())
    }

    /// Each prime, and 2 to the power of the bytes 1 to 64, worked out and tested for being prime
    /// by the integers of Python.
    #[test]
    fn primes_and_shares_are_as_another_implementation_has_them() {
        let known = [
            (
                "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
                "5141ed60d422816c251a9a61f4dc090fc6161ec870357a0af29fb84a0bb34e5e",
            ),
            (
                "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c",
                "077dffd743a6dda7e2400cb20075f1619d72d9eb8c6fb5d0c2af92940f79bddc",
            ),
            (
                "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33",
                "0439872574dafc9b300359ea0dd742c3976ccf9fa56883bdb8268462adedf8cf",
            ),
            (
                "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd",
                "248f61a86f1c080d552a6a3fb479e26dd41759548ee48a0f4f526d49ce951992",
            ),
            (
                "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf",
                "86b83427a715cae1ac4f0f7ce33a65bdce79ab5608db0fb2aad514b29f74e68a",
            ),
        ];
        let exponent =
            Exponent::new(&std::array::from_fn(|at| u8::try_from(at + 1).unwrap())).unwrap();
        for (group, (prime, share)) in KNOWN.into_iter().zip(known) {
            assert_eq!(sha256(&group.group().prime), prime, "{group:?}");
            let modp = modp(group);
            assert_eq!(modp.len() * 8, usize::try_from(group.bits).unwrap());
            assert_eq!(sha256(&modp.share(&exponent)), share, "{group:?}");
        }
    }

    #[test]
    fn both_sides_come_to_the_same_secret() {
        let modp = modp(GROUP14);
        let [one, two] = [(); 2].map(|()| Modp::exponent().unwrap());
        let secret = modp.agree(&one, &modp.share(&two)).unwrap();
        assert_eq!(secret, modp.agree(&two, &modp.share(&one)).unwrap());
        assert_eq!(secret.len(), 256);
        assert_ne!(modp.share(&one), modp.share(&two));
    }

    #[test]
    fn shares_out_of_range_are_refused() {
        let modp = modp(GROUP14);
        let exponent = Modp::exponent().unwrap();
        let prime = GROUP14.group().prime;
        let mut last = prime.to_vec();
        *last.last_mut().unwrap() -= 1;
        let longer = [&[1][..], &prime].concat();
        let refused: [&[u8]; 7] = [&[], &[0], &[1], &last, &prime, &longer, &[0xff; 256]];
        for share in refused {
            assert_eq!(modp.agree(&exponent, share), Err(Failure::BadShare), "{share:x?}");
        }
        *last.last_mut().unwrap() -= 1;
        for share in [&[2][..], &last] {
            assert!(modp.agree(&exponent, share).is_ok());
        }
    }

    #[test]
    fn groups_that_are_none_are_refused() {
        let good = GROUP14.group();
        let refused = |prime: &[u8], generator: &[u8]| {
            let (prime, generator) =
                (Bytes::copy_from_slice(prime), Bytes::copy_from_slice(generator));
            Modp::new(&Group { prime, generator }).err() == Some(Failure::BadGroup)
        };
        let mut even = good.prime.to_vec();
        *even.last_mut().unwrap() -= 1;
        assert!(refused(&even, &[2]));
        assert!(refused(&[0xff; 128], &[2]), "1024 bits");
        assert!(refused(&good.prime[1..], &[2]), "2040 bits");
        assert!(refused(&[0xff; 1025], &[2]), "8200 bits");
        assert!(refused(&[], &[2]));
        assert!(refused(&[&[0][..], &good.prime].concat(), &[2]), "a leading zero");
        for generator in [&[][..], &[0], &[1], &even, &good.prime, &[0xff; 300]] {
            assert!(refused(&good.prime, generator), "{generator:x?}");
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        let cases: [(&[u8], Option<u32>); 5] =
            [(&[], None), (&[0, 1], None), (&[1], Some(1)), (&[0x80], Some(8)), (&[1, 0], Some(9))];
        for (number, expected) in cases {
            assert_eq!(bits(number), expected);
        }
    }
}
