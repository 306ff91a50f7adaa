//! What messages are made of.
//!
//! Numbers have four bytes, the first the highest. Texts and lists have their length before them.

use bytes::Bytes;

use crate::control::malformed::Malformed;

/// Something that messages are made of.
pub(super) trait Field: Sized {
    /// Puts it behind what there is.
    fn put(&self, to: &mut Vec<u8>);

    /// Takes it from the front of what is left.
    ///
    /// # Errors
    /// Where there is none.
    fn take(from: &mut &[u8]) -> Result<Self, Malformed>;
}

/// A number; it is in a message as it is in a list.
impl Field for u32 {
    fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_be_bytes());
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        let (number, rest) = from.split_first_chunk::<4>().ok_or(Malformed::CutOff)?;
        *from = rest;
        Ok(Self::from_be_bytes(*number))
    }
}

impl Field for Bytes {
    fn put(&self, to: &mut Vec<u8>) {
        // What is too long for its length is too long for a frame, which is refused.
        u32::try_from(self.len()).unwrap_or(u32::MAX).put(to);
        to.extend_from_slice(self);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        let length = usize::try_from(u32::take(from)?).map_err(|_| Malformed::CutOff)?;
        let (bytes, rest) = from.split_at_checked(length).ok_or(Malformed::CutOff)?;
        *from = rest;
        Ok(Self::copy_from_slice(bytes))
    }
}

impl Field for String {
    fn put(&self, to: &mut Vec<u8>) {
        Bytes::copy_from_slice(self.as_bytes()).put(to);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        Self::from_utf8(Bytes::take(from)?.into()).map_err(|_| Malformed::Value)
    }
}

impl Field for bool {
    fn put(&self, to: &mut Vec<u8>) {
        u32::from(*self).put(to);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        match u32::take(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Value),
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.is_some().put(to);
        if let Some(field) = self {
            field.put(to);
        }
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        if bool::take(from)? { T::take(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, to: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).put(to);
        self.iter().for_each(|field| field.put(to));
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        // Each has at least four bytes, so that a false number is seen before there is room for it.
        let count = u32::take(from)?;
        let mut list = Self::new();
        for _ in 0..count {
            list.push(T::take(from)?);
        }
        Ok(list)
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
        self.1.put(to);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok((A::take(from)?, B::take(from)?))
    }
}
