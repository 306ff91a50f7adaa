//! What was received and not taken yet.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::mux::load::Load;

/// The received bytes of one stream, in pieces.
///
/// A piece of a message shares the memory of the whole buffer that the message came in:
/// ten thousand kept slices of one byte can pin half a gigabyte. So small pieces are copied
/// together, and large ones are kept as they are only while few are: a reader that keeps up
/// gets them without a copy, and one that does not pins a bounded number of buffers.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pieces: VecDeque<Piece>,
    /// Small pieces that are being gathered, behind the others.
    tail: BytesMut,
    len: usize,
    slices: usize,
}

#[derive(Debug)]
enum Piece {
    Slice(Bytes),
    Copy(Bytes),
}

/// Pieces shorter than this are copied.
const SLICE_MIN: usize = 4 * 1024;
/// How many pieces of one inbox may be slices of the buffers that messages came in.
const SLICES: usize = 32;
/// How many pieces of all inboxes together may be slices of the buffers that messages
/// came in.
pub const KEPT_SLICES: usize = 128;
/// Gathered pieces are not longer than this.
const GATHER_MAX: usize = 16 * 1024;

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, data: Bytes, load: &mut Load) {
        if data.is_empty() {
            return;
        }
        self.len = self.len.saturating_add(data.len());
        load.inbox = load.inbox.saturating_add(data.len());
        if data.len() < SLICE_MIN {
            return self.gather(&data);
        }
        self.close_tail();
        if self.slices < SLICES && load.slices < KEPT_SLICES {
            self.slices = self.slices.saturating_add(1);
            load.slices = load.slices.saturating_add(1);
            self.pieces.push_back(Piece::Slice(data));
        } else {
            self.pieces.push_back(Piece::Copy(Bytes::copy_from_slice(&data)));
        }
    }

    /// The oldest piece.
    pub(super) fn pop(&mut self, load: &mut Load) -> Option<Bytes> {
        if self.pieces.is_empty() {
            self.close_tail();
        }
        let data = match self.pieces.pop_front()? {
            Piece::Copy(data) => data,
            Piece::Slice(data) => {
                self.slices = self.slices.saturating_sub(1);
                load.slices = load.slices.saturating_sub(1);
                data
            }
        };
        self.len = self.len.saturating_sub(data.len());
        load.inbox = load.inbox.saturating_sub(data.len());
        if self.pieces.is_empty() {
            // An idle channel keeps no memory for pieces to come.
            self.pieces = VecDeque::new();
        }
        Some(data)
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, load: &mut Load) {
        load.inbox = load.inbox.saturating_sub(self.len);
        load.slices = load.slices.saturating_sub(self.slices);
        *self = Self::default();
    }

    fn gather(&mut self, data: &[u8]) {
        if self.tail.len().saturating_add(data.len()) > GATHER_MAX {
            self.close_tail();
        }
        self.tail.extend_from_slice(data);
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(Piece::Copy(std::mem::take(&mut self.tail).freeze()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A piece of a read buffer that says when it is let go.
    fn slice(len: usize) -> (Bytes, Bytes) {
        let buffer = Bytes::from(vec![7; len]);
        (buffer.clone(), buffer)
    }

    #[test]
    fn small_pieces_are_copied_together_and_pin_nothing() {
        let (mut inbox, mut load) = (Inbox::default(), Load::default());
        for _ in 0..10 {
            let (buffer, piece) = slice(SLICE_MIN - 1);
            inbox.push(piece, &mut load);
            assert!(buffer.is_unique());
        }
        let mut pieces = 0;
        while let Some(piece) = inbox.pop(&mut load) {
            assert!(piece.len() <= GATHER_MAX);
            pieces += 1;
        }
        assert_eq!((pieces, load), (3, Load::default()));
    }

    #[test]
    fn large_pieces_are_handed_on_without_a_copy_while_they_are_few() {
        let (mut inbox, mut load) = (Inbox::default(), Load::default());
        let buffers: Vec<Bytes> = (0..=SLICES)
            .map(|_| {
                let (buffer, piece) = slice(SLICE_MIN);
                inbox.push(piece, &mut load);
                buffer
            })
            .collect();
        let pinned = buffers.iter().filter(|buffer| !buffer.is_unique()).count();
        assert_eq!((pinned, load.slices), (SLICES, SLICES));
        inbox.clear(&mut load);
        assert_eq!(load, Load::default());
        assert!(buffers.iter().all(Bytes::is_unique));
    }

    #[test]
    fn all_inboxes_together_pin_a_bounded_number_of_buffers() {
        let mut load = Load::default();
        let mut inboxes: Vec<Inbox> = (0..100).map(|_| Inbox::default()).collect();
        let mut buffers = vec![];
        for inbox in &mut inboxes {
            for _ in 0..3 {
                let (buffer, piece) = slice(SLICE_MIN);
                inbox.push(piece, &mut load);
                buffers.push(buffer);
            }
        }
        assert_eq!(buffers.iter().filter(|it| !it.is_unique()).count(), KEPT_SLICES);
        assert_eq!(load.inbox, 300 * SLICE_MIN);
    }

    #[test]
    fn an_empty_piece_is_nothing() {
        let (mut inbox, mut load) = (Inbox::default(), Load::default());
        inbox.push(Bytes::new(), &mut load);
        assert!(inbox.is_empty() && inbox.pop(&mut load).is_none());
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(
            pieces in proptest::collection::vec((any::<u8>(), 0_usize..9000), 0..40),
            pops in proptest::collection::vec(any::<bool>(), 40),
        ) {
            let (mut inbox, mut load) = (Inbox::default(), Load::default());
            let (mut expected, mut got) = (vec![], vec![]);
            for ((byte, len), pop) in pieces.into_iter().zip(pops) {
                let piece = vec![byte; len];
                expected.extend_from_slice(&piece);
                inbox.push(Bytes::from(piece), &mut load);
                if pop {
                    got.extend(inbox.pop(&mut load).unwrap_or_default());
                }
                prop_assert_eq!(load.inbox, expected.len() - got.len());
            }
            while let Some(piece) = inbox.pop(&mut load) {
                got.extend(piece);
            }
            prop_assert_eq!(got, expected);
            prop_assert!(inbox.is_empty());
            prop_assert_eq!(load, Load::default());
        }
    }
}
