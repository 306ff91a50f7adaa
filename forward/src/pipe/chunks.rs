//! What one direction of a pipe carries.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// What was read and is not written yet: a chunk, and what was at hand behind it.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    first: Bytes,
    rest: VecDeque<Bytes>,
}

impl Chunks {
    /// Puts a chunk behind the others.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
        } else {
            self.rest.push_back(chunk);
        }
    }

    /// The only chunk, to be written from without a copy.
    pub(super) fn single(&mut self) -> Option<&mut Bytes> {
        (self.rest.is_empty() && !self.first.is_empty()).then_some(&mut self.first)
    }
}

impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.rest.iter().map(Bytes::len).sum::<usize>().saturating_add(self.first.len())
    }

    fn chunk(&self) -> &[u8] {
        &self.first
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let chunks = std::iter::once(&self.first).chain(&self.rest);
        let pairs = into.iter_mut().zip(chunks.filter(|chunk| !chunk.is_empty()));
        pairs.map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count()
    }

    /// Takes bytes off, from all chunks that they are in.
    fn advance(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let taken = bytes.min(self.first.len());
            self.first.advance(taken);
            bytes = bytes.saturating_sub(taken);
            if self.first.is_empty() {
                let Some(next) = self.rest.pop_front() else { return };
                self.first = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunks(lens: &[usize]) -> (Chunks, Vec<u8>) {
        let all: Vec<u8> = (0..=u8::MAX).cycle().take(lens.iter().sum()).collect();
        let (mut chunks, mut rest) = (Chunks::default(), Bytes::from(all.clone()));
        for len in lens {
            chunks.push(rest.split_to(*len));
        }
        (chunks, all)
    }

    #[test]
    fn one_chunk_is_single_until_another_comes_and_again_when_it_is_left() {
        let mut chunks = Chunks::default();
        assert!(chunks.single().is_none());
        chunks.push(Bytes::from_static(b"one"));
        chunks.single().unwrap().advance(1);
        chunks.push(Bytes::from_static(b"two"));
        assert!(chunks.single().is_none());
        chunks.advance(2);
        assert_eq!(chunks.single().unwrap(), "two");
        chunks.advance(3);
        assert!(chunks.single().is_none() && !chunks.has_remaining());
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(
            lens in proptest::collection::vec(1_usize..50, 1..10),
            steps in proptest::collection::vec(1_usize..90, 60),
            width in 1_usize..5,
        ) {
            let (mut chunks, all) = chunks(&lens);
            let mut got = Vec::new();
            for step in steps {
                let mut slices = vec![IoSlice::new(&[]); width];
                let count = chunks.chunks_vectored(&mut slices);
                let seen: Vec<u8> = slices.iter().take(count).flat_map(|it| it.to_vec()).collect();
                prop_assert!(chunks.chunk().len() <= seen.len());
                let step = step.min(seen.len());
                got.extend_from_slice(&seen[..step]);
                chunks.advance(step);
                prop_assert_eq!(chunks.remaining(), all.len() - got.len());
            }
            prop_assert_eq!(&got, &all[..got.len()]);
        }
    }
}
