//! What messages travel in.
//!
//! ```text
//!  length of what follows (4 bytes) | kind (4 bytes) | body
//! ```
//!
//! This is the form of
//! [PROTOCOL.mux](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.mux) too, so that
//! each of the two programs understands what the other one's greeting is, and leaves it alone.

use crate::control::malformed::Malformed;

/// Longest frame, in bytes after its length.
pub(super) const LONGEST: usize = 256 * 1024;

/// Length and kind, in bytes.
const HEAD: usize = 8;

/// What a message travels in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// What it is.
    pub(super) kind: u32,
    /// Its fields.
    pub(super) body: Vec<u8>,
}

impl Frame {
    /// Takes a frame from the front of what was received; nothing where it is not all there yet.
    ///
    /// # Errors
    /// Where its length cannot be.
    pub(super) fn take(received: &mut Vec<u8>) -> Result<Option<Self>, Malformed> {
        let Some((length, rest)) = received.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        let long = usize::try_from(length).unwrap_or(usize::MAX);
        if !(4..=LONGEST).contains(&long) {
            return Err(Malformed::Length(length));
        }
        let Some(frame) = rest.get(..long) else { return Ok(None) };
        let Some((kind, body)) = frame.split_first_chunk::<4>() else { return Ok(None) };
        let taken = Self { kind: u32::from_be_bytes(*kind), body: body.to_vec() };
        received.drain(..long.saturating_add(4));
        Ok(Some(taken))
    }

    /// Its bytes.
    ///
    /// # Errors
    /// Where it would be longer than any may be.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let long = self.body.len().saturating_add(4);
        let length = u32::try_from(long).unwrap_or(u32::MAX);
        if long > LONGEST {
            return Err(Malformed::Length(length));
        }
        let mut bytes = Vec::with_capacity(HEAD.saturating_add(self.body.len()));
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.kind.to_be_bytes());
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_length_that_cannot_be_is_an_error_at_once() {
        for length in [0_u32, 3, 256 * 1024 + 1, u32::MAX] {
            let mut received = length.to_be_bytes().to_vec();
            assert_eq!(Frame::take(&mut received), Err(Malformed::Length(length)));
        }
        let long = Frame { kind: 7, body: vec![0; LONGEST] };
        assert!(long.encode().is_err());
    }

    proptest! {
        #[test]
        fn frames_are_taken_as_they_were_made_however_they_come(
            kinds in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..5),
            size in 1_usize..50,
        ) {
            let frames: Vec<Frame> =
                kinds.into_iter().map(|(kind, body)| Frame { kind, body }).collect();
            let bytes: Vec<u8> = frames.iter().flat_map(|it| it.encode().unwrap()).collect();
            let (mut received, mut taken) = (Vec::new(), Vec::new());
            for chunk in bytes.chunks(size) {
                received.extend_from_slice(chunk);
                while let Some(frame) = Frame::take(&mut received).unwrap() {
                    taken.push(frame);
                }
            }
            prop_assert_eq!(taken, frames);
            prop_assert!(received.is_empty());
        }
    }
}
