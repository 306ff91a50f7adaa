//! What public keys are made of, by their types.

use adit_proto::wire::{self, Parsed};
use nom::Parser;
use nom::combinator::map_opt;
use nom::sequence::preceded;

/// What a public key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Material<'a> {
    /// `ssh-ed25519`, [RFC 8709 section 4](https://www.rfc-editor.org/rfc/rfc8709#section-4).
    Ed25519(&'a [u8; 32]),
    /// `ecdsa-sha2-*`, [RFC 5656 section 3.1](https://www.rfc-editor.org/rfc/rfc5656#section-3.1).
    Ecdsa {
        /// The curve that the type names.
        curve: Curve,
        /// The uncompressed point: 4, then the coordinates, of [`Curve::field_len`] bytes each.
        point: &'a [u8],
    },
    /// `ssh-rsa`, [RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6).
    /// The numbers are big-endian without leading zeros.
    Rsa {
        /// The public exponent.
        exponent: &'a [u8],
        /// The modulus.
        modulus: &'a [u8],
    },
    /// `sk-ssh-ed25519@openssh.com`: an Ed25519 key in a security key,
    /// [PROTOCOL.u2f](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f).
    SkEd25519 {
        /// The key.
        key: &'a [u8; 32],
        /// What the key was made for, most often `ssh:`.
        application: &'a str,
    },
    /// `sk-ecdsa-sha2-nistp256@openssh.com`: a P-256 key in a security key.
    SkEcdsa {
        /// The uncompressed point.
        point: &'a [u8],
        /// What the key was made for, most often `ssh:`.
        application: &'a str,
    },
    /// Of a type that is not known here.
    Other,
}

/// The type of Ed25519 keys in security keys.
pub const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com";

/// The type of P-256 keys in security keys.
pub const SK_ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com";

impl<'a> Material<'a> {
    /// Parses a public key in its wire form; `None` where it has no type or is not made as its
    /// type says.
    pub fn parse(key: &'a [u8]) -> Option<Self> {
        let (rest, key_type) = wire::utf8(key).ok()?;
        let (rest, material) = match key_type {
            "" => return None,
            "ssh-ed25519" => ed25519(rest).ok()?,
            "ecdsa-sha2-nistp256" => ecdsa(rest, Curve::NistP256).ok()?,
            "ecdsa-sha2-nistp384" => ecdsa(rest, Curve::NistP384).ok()?,
            "ecdsa-sha2-nistp521" => ecdsa(rest, Curve::NistP521).ok()?,
            "ssh-rsa" => rsa(rest).ok()?,
            SK_ED25519 => sk_ed25519(rest).ok()?,
            SK_ECDSA => sk_ecdsa(rest).ok()?,
            name if name.bytes().all(|byte| byte.is_ascii_graphic()) => (&[][..], Self::Other),
            _ => return None,
        };
        rest.is_empty().then_some(material)
    }

    /// The size of the key in bits as it is commonly told; `None` for types not known.
    pub fn bits(&self) -> Option<usize> {
        match self {
            Self::Ed25519(_) | Self::SkEd25519 { .. } | Self::SkEcdsa { .. } => Some(256),
            Self::Ecdsa { curve, .. } => Some(curve.bits()),
            Self::Rsa { modulus, .. } => Some(number_bits(modulus)),
            Self::Other => None,
        }
    }
}

fn ed25519(input: &[u8]) -> Parsed<'_, Material<'_>> {
    map_opt(wire::string, |key| key.try_into().ok().map(Material::Ed25519)).parse(input)
}

fn ecdsa(input: &[u8], curve: Curve) -> Parsed<'_, Material<'_>> {
    let name = map_opt(wire::utf8, |name| (name == curve.name()).then_some(()));
    let point = map_opt(wire::string, |point| match point {
        [4, xy @ ..] if xy.len() == 2 * curve.field_len() => Some(Material::Ecdsa { curve, point }),
        _ => None,
    });
    preceded(name, point).parse(input)
}

fn sk_ed25519(input: &[u8]) -> Parsed<'_, Material<'_>> {
    let key = map_opt(wire::string, |key| key.try_into().ok());
    (key, wire::utf8)
        .map(|(key, application)| Material::SkEd25519 { key, application })
        .parse(input)
}

fn sk_ecdsa(input: &[u8]) -> Parsed<'_, Material<'_>> {
    let point = map_opt(
        |input| ecdsa(input, Curve::NistP256),
        |material| match material {
            Material::Ecdsa { point, .. } => Some(point),
            _ => None,
        },
    );
    (point, wire::utf8)
        .map(|(point, application)| Material::SkEcdsa { point, application })
        .parse(input)
}

fn rsa(input: &[u8]) -> Parsed<'_, Material<'_>> {
    map_opt((wire::mpint, wire::mpint), |(exponent, modulus)| {
        let empty = exponent.is_empty() || modulus.is_empty();
        (!empty).then_some(Material::Rsa { exponent, modulus })
    })
    .parse(input)
}

/// How many bits a number has that is big-endian without leading zeros.
fn number_bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| {
        let leading = usize::try_from(first.leading_zeros()).unwrap_or_default();
        (number.len() * 8).saturating_sub(leading)
    })
}

/// The curves that ECDSA keys are on, [RFC 5656 section 10.1](https://www.rfc-editor.org/rfc/rfc5656#section-10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256.
    NistP256,
    /// NIST P-384.
    NistP384,
    /// NIST P-521.
    NistP521,
}

impl Curve {
    /// The name as it stands in keys, for instance `nistp256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NistP256 => "nistp256",
            Self::NistP384 => "nistp384",
            Self::NistP521 => "nistp521",
        }
    }

    /// The size in bits.
    pub fn bits(self) -> usize {
        match self {
            Self::NistP256 => 256,
            Self::NistP384 => 384,
            Self::NistP521 => 521,
        }
    }

    /// The length of a coordinate and of a private key in bytes.
    pub fn field_len(self) -> usize {
        self.bits().div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::Put;
    use proptest::prelude::*;

    use super::*;

    fn key(parts: &[&[u8]]) -> Vec<u8> {
        let mut key = Vec::new();
        for part in parts {
            key.put_string(part);
        }
        key
    }

    fn ecdsa_key(key_type: &str, curve: &str, point: &[u8]) -> Vec<u8> {
        key(&[key_type.as_bytes(), curve.as_bytes(), point])
    }

    fn point(len: usize) -> Vec<u8> {
        let mut point = vec![9; len];
        point[0] = 4;
        point
    }

    #[test]
    fn keys_are_told_by_their_types() {
        let ed25519 = key(&[b"ssh-ed25519", &[7; 32]]);
        assert_eq!(Material::parse(&ed25519), Some(Material::Ed25519(&[7; 32])));
        let p384 = ecdsa_key("ecdsa-sha2-nistp384", "nistp384", &point(97));
        let found = Material::Ecdsa { curve: Curve::NistP384, point: &point(97) };
        assert_eq!(Material::parse(&p384), Some(found));
        let rsa = key(&[b"ssh-rsa", &[1, 0, 1], &[0x7f; 256]]);
        let found = Material::Rsa { exponent: &[1, 0, 1], modulus: &[0x7f; 256] };
        assert_eq!(Material::parse(&rsa), Some(found));
        assert_eq!(found.bits(), Some(2047));
        assert_eq!(Material::parse(&key(&[b"ssh-new@example.com"])), Some(Material::Other));
        let touched = key(&[SK_ED25519.as_bytes(), &[7; 32], b"ssh:"]);
        let found = Material::SkEd25519 { key: &[7; 32], application: "ssh:" };
        assert_eq!(Material::parse(&touched), Some(found));
        let touched = key(&[SK_ECDSA.as_bytes(), b"nistp256", &point(65), b"ssh:"]);
        let found = Material::SkEcdsa { point: &point(65), application: "ssh:" };
        assert_eq!(Material::parse(&touched), Some(found));
    }

    #[test]
    fn keys_not_made_as_their_type_says_are_refused() {
        let bad = [
            vec![],
            key(&[b""]),
            key(&[b"ssh new"]),
            key(&[b"ssh-ed25519"]),
            key(&[b"ssh-ed25519", &[7; 31]]),
            key(&[b"ssh-ed25519", &[7; 32], b"more"]),
            ecdsa_key("ecdsa-sha2-nistp256", "nistp384", &point(65)),
            ecdsa_key("ecdsa-sha2-nistp256", "nistp256", &point(64)),
            ecdsa_key("ecdsa-sha2-nistp256", "nistp256", &[9; 65]),
            ecdsa_key("ecdsa-sha2-nistp256", "nistp256", &[2; 33]),
            key(&[b"ssh-rsa", &[1, 0, 1]]),
            key(&[b"ssh-rsa", &[1, 0, 1], &[]]),
            key(&[b"ssh-rsa", &[1, 0, 1], &[0x80; 256]]),
            key(&[b"ssh-rsa", &[0, 1], &[0x7f; 256]]),
            key(&[SK_ED25519.as_bytes(), &[7; 32]]),
            key(&[SK_ED25519.as_bytes(), &[7; 31], b"ssh:"]),
            key(&[SK_ECDSA.as_bytes(), b"nistp384", &point(97), b"ssh:"]),
            key(&[SK_ECDSA.as_bytes(), b"nistp256", &point(65)]),
        ];
        for key in bad {
            assert_eq!(Material::parse(&key), None, "{key:?}");
        }
    }

    #[test]
    fn curves_have_the_lengths_of_their_fields() {
        let curves = [Curve::NistP256, Curve::NistP384, Curve::NistP521];
        assert_eq!(curves.map(Curve::field_len), [32, 48, 66]);
    }

    proptest! {
        #[test]
        fn every_truncation_is_an_error(at in 0_usize..104) {
            let whole = ecdsa_key("ecdsa-sha2-nistp256", "nistp256", &point(65));
            prop_assert_eq!(whole.len(), 104);
            prop_assert_eq!(Material::parse(&whole[..at]), None);
        }
    }
}
