//! Bytes that are wiped when they are dropped and never shown.

use std::fmt;
use std::hint::black_box;

/// A secret of any length: a shared secret, a derived key, a password.
///
/// Dropping it overwrites the bytes; `Debug` shows only that there is one. The
/// memory is not moved by growth, since a secret never grows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes over `bytes`. Their spare capacity is wiped if the vector must shrink.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let secret = Self(Box::from(bytes.as_slice()));
        wipe(&mut bytes);
        secret
    }

    /// A secret of `len` zero bytes, to be filled in place.
    pub fn zeroed(len: usize) -> Self {
        Self(vec![0; len].into_boxed_slice())
    }

    /// The bytes, to read. Do not keep copies of them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to fill.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self(Box::from(bytes))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Overwrites `bytes` with zeros.
///
/// The black box makes the optimiser assume that the zeros are read, so that it
/// keeps the stores. It is the strongest that safe Rust without a dependency has.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_bytes() {
        let shown = format!("{:?}", Secret::from(String::from("hunter2")));
        assert_eq!(shown, "Secret(..)");
    }

    #[test]
    fn wiping_leaves_zeros() {
        let mut bytes = *b"hunter2";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 7]);
    }
}
