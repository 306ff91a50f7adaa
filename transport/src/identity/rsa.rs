//! What ring wants of an RSA key and key files leave out.

use adit_proto::secret::Secret;
use crypto_bigint::BoxedUint;
use zeroize::Zeroizing;

/// `d mod (p - 1)`, the exponent of the Chinese remainder theorem, big-endian and as long as `p`
/// ([RFC 8017 section 3.2](https://www.rfc-editor.org/rfc/rfc8017#section-3.2)). `None` where `p` is 1.
/// The time that it takes depends on the lengths only.
pub(super) fn exponent(d: &[u8], p: &[u8]) -> Option<Secret> {
    let d = number(d)?;
    let mut divisor = number(p)?;
    divisor.wrapping_sub_assign(BoxedUint::one());
    let (quotient, remainder) = d.div_rem(divisor.as_nz_vartime()?);
    drop(Zeroizing::new(quotient));
    let remainder = Zeroizing::new(remainder);
    Some(Secret::new(remainder.to_be_bytes().into_vec()))
}

fn number(bytes: &[u8]) -> Option<Zeroizing<BoxedUint>> {
    let bits = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
    BoxedUint::from_be_slice(bytes, bits).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_is_no_prime() {
        assert!(exponent(&[7], &[1]).is_none());
    }

    proptest! {
        #[test]
        fn the_exponent_is_the_remainder(d in any::<u128>(), p in 2_u64..) {
            let exponent = exponent(&d.to_be_bytes(), &p.to_be_bytes()).unwrap();
            let expected = u64::try_from(d % u128::from(p - 1)).unwrap();
            prop_assert_eq!(exponent.expose(), expected.to_be_bytes());
        }

        #[test]
        fn arbitrary_numbers_never_panic(d in vec(any::<u8>(), 0..40), p in vec(any::<u8>(), 0..40)) {
            let _ = exponent(&d, &p);
        }
    }
}
