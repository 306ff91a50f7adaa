//! What was accepted and not sent yet.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::mux::limits::Limits;
use crate::mux::load::Load;
use crate::mux::stream::Stream;

/// The bytes that a channel has accepted, in pieces, both of its streams in one order.
#[derive(Debug)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
    /// Small pieces that are being gathered, behind the others.
    tail: BytesMut,
    tail_stream: Stream,
    len: usize,
}

#[derive(Debug)]
struct Piece {
    stream: Stream,
    data: Bytes,
}

/// Gathered pieces are not longer than this: what one message carries at most by default.
const GATHER_MAX: usize = 32 * 1024;
/// Pieces shorter than this are gathered, so that small writes share a message.
const GATHER_MIN: usize = 16 * 1024;
/// What a channel may always have accepted, whatever others have.
const SHARE_MIN: usize = 4 * 1024;

impl Default for Outbox {
    fn default() -> Self {
        Self { pieces: VecDeque::new(), tail: BytesMut::new(), tail_stream: Stream::Main, len: 0 }
    }
}

/// How many bytes one channel may have accepted and not sent: while there is memory as much
/// as is good for speed, else a share that is the same for all. All together may have no more
/// than `most`, and a little for each.
pub(super) fn bound(limits: &Limits, load: &Load, most: usize) -> usize {
    let common = most.min(limits.send_budget / 2);
    if load.outbox < common {
        return limits.outbox;
    }
    let share = common.checked_div(load.channels).unwrap_or(common);
    share.max(SHARE_MIN).min(limits.outbox)
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Copies data in.
    pub(super) fn write(&mut self, stream: Stream, data: &[u8], load: &mut Load) {
        self.count(data.len(), load);
        if self.tail_stream != stream {
            self.close_tail();
            self.tail_stream = stream;
        }
        let mut rest = data;
        while !rest.is_empty() {
            let room = GATHER_MAX.saturating_sub(self.tail.len());
            let (piece, left) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.tail.extend_from_slice(piece);
            rest = left;
            if self.tail.len() >= GATHER_MAX {
                self.close_tail();
            }
        }
    }

    /// Takes data in, without a copy unless they are few.
    pub(super) fn push(&mut self, stream: Stream, data: Bytes, load: &mut Load) {
        if data.len() < GATHER_MIN {
            return self.write(stream, &data, load);
        }
        self.count(data.len(), load);
        self.close_tail();
        self.pieces.push_back(Piece { stream, data });
    }

    /// The oldest bytes of one stream, at most `max`.
    pub(super) fn take(&mut self, max: usize, load: &mut Load) -> Option<(Stream, Bytes)> {
        if self.pieces.is_empty() {
            self.close_tail();
        }
        let piece = self.pieces.front_mut()?;
        let data = piece.data.split_to(piece.data.len().min(max));
        let stream = piece.stream;
        if piece.data.is_empty() {
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            // An idle channel keeps no memory for pieces to come.
            self.pieces = VecDeque::new();
        }
        self.len = self.len.saturating_sub(data.len());
        load.outbox = load.outbox.saturating_sub(data.len());
        Some((stream, data))
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, load: &mut Load) {
        load.outbox = load.outbox.saturating_sub(self.len);
        *self = Self::default();
    }

    fn count(&mut self, len: usize, load: &mut Load) {
        self.len = self.len.saturating_add(len);
        load.outbox = load.outbox.saturating_add(len);
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            let data = std::mem::take(&mut self.tail).freeze();
            self.pieces.push_back(Piece { stream: self.tail_stream, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_writes_share_a_message_and_streams_do_not() {
        let (mut outbox, mut load) = (Outbox::default(), Load::default());
        outbox.write(Stream::Main, b"a", &mut load);
        outbox.push(Stream::Main, Bytes::from_static(b"b"), &mut load);
        outbox.write(Stream::Stderr, b"c", &mut load);
        outbox.write(Stream::Main, b"d", &mut load);
        let mut messages = vec![];
        while let Some((stream, data)) = outbox.take(100, &mut load) {
            messages.push((stream, data.to_vec()));
        }
        assert_eq!(
            messages,
            [
                (Stream::Main, b"ab".to_vec()),
                (Stream::Stderr, b"c".to_vec()),
                (Stream::Main, b"d".to_vec())
            ]
        );
        assert_eq!(load, Load::default());
    }

    #[test]
    fn a_large_chunk_is_not_copied() {
        let (mut outbox, mut load) = (Outbox::default(), Load::default());
        let chunk = Bytes::from(vec![1; GATHER_MIN]);
        outbox.push(Stream::Main, chunk.clone(), &mut load);
        let (_, data) = outbox.take(usize::MAX, &mut load).unwrap();
        assert_eq!(data.as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn shares_shrink_when_half_of_the_budget_is_used() {
        let limits = Limits { send_budget: 1 << 20, outbox: 1 << 18, ..Limits::default() };
        let load = |channels, outbox| Load { channels, outbox, ..Load::default() };
        let bound = |load, most| bound(&limits, &load, most);
        assert_eq!(bound(load(9, (1 << 19) - 1), usize::MAX), 1 << 18);
        assert_eq!(bound(load(64, 1 << 19), usize::MAX), 8 * 1024);
        assert_eq!(bound(load(1000, 1 << 19), usize::MAX), SHARE_MIN);
        assert_eq!(bound(load(1, 1 << 19), usize::MAX), 1 << 18);
        assert_eq!(bound(load(16, 1 << 17), 1 << 17), 8 * 1024);
        assert_eq!(bound(load(1, 0), 0), SHARE_MIN);
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(
            pieces in proptest::collection::vec((any::<u8>(), 0_usize..40_000, any::<bool>()), 0..20),
            max in 1_usize..40_000,
        ) {
            let (mut outbox, mut load) = (Outbox::default(), Load::default());
            let (mut expected, mut got) = (vec![], vec![]);
            for (byte, len, owned) in pieces {
                let piece = vec![byte; len];
                expected.extend_from_slice(&piece);
                if owned {
                    outbox.push(Stream::Main, Bytes::from(piece), &mut load);
                } else {
                    outbox.write(Stream::Main, &piece, &mut load);
                }
                prop_assert_eq!(load.outbox, expected.len());
                prop_assert_eq!(outbox.len(), expected.len());
            }
            while let Some((_, data)) = outbox.take(max, &mut load) {
                prop_assert!(!data.is_empty() && data.len() <= max);
                got.extend(data);
            }
            prop_assert_eq!(got, expected);
            prop_assert!(outbox.is_empty());
            prop_assert_eq!(load, Load::default());
        }
    }
}
