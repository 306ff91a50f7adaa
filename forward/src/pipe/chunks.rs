//! What one direction of a pipe carries.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// What was read and is not written yet: a chunk, and what was at hand behind it.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    first: Bytes,
    rest: VecDeque<Bytes>,
    /// Of all together.
    len: usize,
}

impl Chunks {
    /// Puts a chunk behind the others.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.len = self.len.saturating_add(chunk.len());
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

    /// So many bytes were taken off the [`single`](Self::single) chunk.
    pub(super) fn taken(&mut self, bytes: usize) {
        self.len = self.len.saturating_sub(bytes);
        self.let_go();
    }

    /// Holds no memory where there is nothing any more: an empty rest of a chunk pins the whole.
    fn let_go(&mut self) {
        if self.len == 0 {
            *self = Self::default();
        }
    }
}

impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.len
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
        self.len = self.len.saturating_sub(bytes);
        while bytes >= self.first.len() {
            bytes = bytes.saturating_sub(self.first.len());
            let Some(next) = self.rest.pop_front() else { break };
            self.first = next;
        }
        self.first.advance(bytes.min(self.first.len()));
        self.let_go();
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
    fn what_is_all_written_pins_nothing() {
        let whole = Bytes::from(vec![1; 100]);
        let mut chunks = Chunks::default();
        chunks.push(whole.slice(..60));
        let single = chunks.single().unwrap();
        single.advance(60);
        chunks.taken(60);
        chunks.push(whole.slice(..50));
        chunks.push(whole.slice(50..));
        assert!(chunks.single().is_none());
        chunks.advance(100);
        assert!(whole.is_unique() && !chunks.has_remaining());
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
