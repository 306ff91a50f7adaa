//! How messages are written and read.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::message::number::Number;
use crate::wire;

/// A message: a number and fields.
pub trait Message: Sized {
    /// The number.
    const NUMBER: Number;

    /// Parses the fields, which follow the number. `packet` is the payload that `input` is a
    /// part of; byte strings of the message share its memory.
    ///
    /// # Errors
    /// Where the fields are malformed.
    fn parse_fields<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self>;

    /// Writes the fields.
    fn encode_fields(&self, out: &mut BytesMut);

    /// Reads a message that is the whole of `payload`.
    ///
    /// # Errors
    /// [`Malformed`] where the payload has another number, or is not exactly such a message.
    fn decode(payload: &Bytes) -> Result<Self, Malformed> {
        let malformed = |left: usize| Malformed {
            number: Self::NUMBER,
            offset: payload.len().saturating_sub(left),
        };
        let Some((&number, fields)) = payload.split_first() else {
            return Err(malformed(0));
        };
        if number != Self::NUMBER.0 {
            return Err(malformed(payload.len()));
        }
        let (rest, message) = Self::parse_fields(fields, payload).map_err(|error| match error {
            nom::Err::Error(error) | nom::Err::Failure(error) => malformed(error.input.len()),
            nom::Err::Incomplete(_) => malformed(0),
        })?;
        if rest.is_empty() { Ok(message) } else { Err(malformed(rest.len())) }
    }

    /// Writes the message, number first.
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(Self::NUMBER.0);
        self.encode_fields(out);
    }
}

/// A message that is not what its number says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The number.
    pub number: Number,
    /// The byte of the payload at which the first unreadable field, or what follows the
    /// last, begins.
    pub offset: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {} at byte {}", self.number, self.offset)
    }
}

impl std::error::Error for Malformed {}

/// Defines a message from its fields in the order of the wire: struct, decoder and encoder.
macro_rules! message {
    (
        $(#[$meta:meta])*
        $name:ident = $number:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::message::codec::Message for $name {
            const NUMBER: $crate::message::number::Number =
                $crate::message::number::Number::$number;

            #[allow(unused_variables, reason = "a message without fields has no use for them")]
            fn parse_fields<'a>(
                input: &'a [u8],
                packet: &::bytes::Bytes,
            ) -> $crate::wire::Parsed<'a, Self> {
                $(let (input, $field) =
                    <$type as $crate::wire::Field>::parse(input, packet)?;)*
                Ok((input, Self { $($field,)* }))
            }

            #[allow(unused_variables, reason = "a message without fields has no use for them")]
            fn encode_fields(&self, out: &mut ::bytes::BytesMut) {
                $($crate::wire::Field::encode(&self.$field, out);)*
            }
        }
    };
}
pub(crate) use message;

/// The laws that every message keeps, as property tests in a module of their own.
#[cfg(test)]
macro_rules! laws {
    ($($name:ident: $type:ty = $strategy:expr;)*) => {
        mod laws {
            use super::*;
            #[allow(unused_imports, reason = "some test modules have imported it")]
            use ::proptest::prelude::*;
            #[allow(unused_imports, reason = "not every message is made of these")]
            use $crate::message::codec::strategy::*;

            $(::proptest::proptest! {
                #[test]
                fn $name(message in $strategy, noise in ::proptest::collection::vec(any::<u8>(), 0..80)) {
                    $crate::message::codec::strategy::check::<$type>(&message, &noise)?;
                }
            })*
        }
    };
}
#[cfg(test)]
pub(crate) use laws;

/// Strategies for fields, and the laws themselves.
#[cfg(test)]
pub(crate) mod strategy {
    use bytes::{Bytes, BytesMut};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    use super::Message;
    use crate::name::NameList;
    use crate::secret::Secret;
    use crate::wire::Text;

    pub(crate) fn bytes() -> impl Strategy<Value = Bytes> {
        vec(any::<u8>(), 0..40).prop_map(Bytes::from)
    }

    pub(crate) fn secret() -> impl Strategy<Value = Secret> {
        vec(any::<u8>(), 0..40).prop_map(Secret::new)
    }

    pub(crate) fn text() -> impl Strategy<Value = Text> {
        ".{0,20}".prop_map(Text)
    }

    pub(crate) fn names() -> impl Strategy<Value = NameList> {
        vec("[!-+.-~]{1,12}", 0..5)
            .prop_map(|names| NameList::new(names.iter().map(String::as_str)).unwrap())
    }

    /// Decoding what was encoded is the identity; every truncation and every addition is an
    /// error or another message that is encoded as it came; arbitrary bytes do not panic.
    pub(crate) fn check<M: Message + PartialEq + std::fmt::Debug>(
        message: &M,
        noise: &[u8],
    ) -> Result<(), TestCaseError> {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        let whole = out.freeze();
        prop_assert_eq!(&M::decode(&whole).unwrap(), message);
        for len in 0..whole.len() {
            let cut = whole.slice(..len);
            if let Ok(other) = M::decode(&cut) {
                let mut again = BytesMut::new();
                other.encode(&mut again);
                prop_assert_eq!(again.freeze(), cut, "a truncation was misread");
            }
        }
        let mut noisy = vec![M::NUMBER.0];
        noisy.extend_from_slice(noise);
        drop(M::decode(&Bytes::from(noisy)));
        let mut longer = BytesMut::from(&whole[..]);
        longer.extend_from_slice(noise);
        drop(M::decode(&longer.freeze()));
        Ok(())
    }
}
