//! Buffers that idle pipes do not hold.
//!
//! What a socket yields is read into a buffer and handed on as a slice of it, through a channel
//! up to the sealing, without a copy. So a buffer is free again when its last slice is dropped,
//! which nobody tells: each thread keeps a few, and looks for a free one when it is about to
//! read.

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is read at a time.
///
/// A stream that is always full is read by large calls, as each read has the system tell the
/// sender that there is room again, which costs as much as the copying. One that is not gets
/// buffers that it fills well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Appetite {
    /// 64 KiB: enough that system calls and wake-ups do not count beside the copying.
    #[default]
    Usual,
    /// 256 KiB.
    Large,
}

/// Most buffers that a thread keeps of each size, free or not: those of a channel whose outbox is
/// full, and some.
const KEPT: usize = 8;

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare { usual: vec![], large: vec![] }) };
}

/// The buffers that a thread keeps.
struct Spare {
    usual: Vec<BytesMut>,
    large: Vec<BytesMut>,
}

impl Appetite {
    /// The size of a buffer.
    pub const fn size(self) -> usize {
        match self {
            Self::Usual => 64 * 1024,
            Self::Large => 256 * 1024,
        }
    }

    /// Reads shorter than this are copied, so that what is kept pins no more than twice its size.
    const fn slice_min(self) -> usize {
        self.size() / 2
    }

    /// What it is after a read of so many bytes.
    pub(crate) fn after(self, read: usize) -> Self {
        match self {
            Self::Usual if read == self.size() => Self::Large,
            Self::Large if read < self.slice_min() => Self::Usual,
            same => same,
        }
    }
}

impl Spare {
    fn of(&mut self, appetite: Appetite) -> &mut Vec<BytesMut> {
        match appetite {
            Appetite::Usual => &mut self.usual,
            Appetite::Large => &mut self.large,
        }
    }
}

/// Reads once, as much as the appetite is at most, `None` at the end. While there is nothing to be
/// read no buffer is held.
pub(crate) fn poll_chunk<R>(
    cx: &mut Context<'_>,
    from: &mut R,
    appetite: Appetite,
) -> Poll<io::Result<Option<Bytes>>>
where
    R: AsyncRead + Unpin,
{
    let mut buffer = take(appetite);
    let read = pin!(from.read_buf(&mut buffer)).poll(cx);
    let chunk = match buffer.len() {
        0 => None,
        len if len < appetite.slice_min() => Some(Bytes::copy_from_slice(&buffer)),
        _ => Some(buffer.split().freeze()),
    };
    give(buffer, appetite);
    ready!(read)?;
    Poll::Ready(Ok(chunk))
}

/// An empty buffer of this size.
fn take(appetite: Appetite) -> BytesMut {
    let size = appetite.size();
    let spare = SPARE.with_borrow_mut(|spare| {
        let spare = spare.of(appetite);
        let free = spare.iter_mut().position(|buffer| buffer.try_reclaim(size))?;
        Some(spare.swap_remove(free))
    });
    spare.unwrap_or_else(|| BytesMut::with_capacity(size))
}

/// Gives a buffer back, whatever is in it.
fn give(mut buffer: BytesMut, appetite: Appetite) {
    buffer.clear();
    SPARE.with_borrow_mut(|spare| {
        let spare = spare.of(appetite);
        if spare.len() >= KEPT {
            spare.swap_remove(0);
        }
        spare.push(buffer);
    });
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    use Appetite::{Large, Usual};

    fn read(mut from: &[u8], appetite: Appetite) -> Option<Bytes> {
        match poll_chunk(&mut Context::from_waker(Waker::noop()), &mut from, appetite) {
            Poll::Ready(Ok(chunk)) => chunk,
            other => panic!("{other:?}"),
        }
    }

    fn kept(appetite: Appetite) -> usize {
        SPARE.with_borrow_mut(|spare| spare.of(appetite).len())
    }

    #[test]
    fn what_is_read_is_in_one_piece_and_its_end_is_nothing() {
        for appetite in [Usual, Large] {
            let (size, slice) = (appetite.size(), appetite.slice_min());
            for len in [1, slice - 1, slice, size, size + 1] {
                let bytes = vec![7; len];
                assert_eq!(read(&bytes, appetite).unwrap(), bytes[..len.min(size)], "{len}");
            }
            assert_eq!(read(&[], appetite), None);
        }
    }

    #[test]
    fn a_buffer_is_used_again_once_nobody_holds_a_piece_of_it() {
        for appetite in [Usual, Large] {
            let bytes = vec![7; appetite.size()];
            let first = read(&bytes, appetite).unwrap();
            let place = first.as_ptr();
            let second = read(&bytes, appetite).unwrap();
            assert_ne!(second.as_ptr(), place);
            drop(first);
            assert_eq!(read(&bytes, appetite).unwrap().as_ptr(), place);
        }
    }

    #[test]
    fn a_small_piece_pins_no_buffer() {
        let small: Vec<Bytes> = (0..100).filter_map(|_| read(&[7; 100], Usual)).collect();
        assert!(kept(Usual) <= 1, "{}", kept(Usual));
        assert_eq!(small.len(), 100);
    }

    #[test]
    fn a_thread_keeps_no_more_than_a_few() {
        let bytes = vec![7; Usual.size()];
        let held: Vec<Bytes> = (0..3 * KEPT).filter_map(|_| read(&bytes, Usual)).collect();
        assert_eq!((kept(Usual), kept(Large)), (KEPT, 0));
        drop(held);
    }

    #[test]
    fn appetite_grows_with_what_is_there_and_goes_with_it() {
        let after = |appetite: Appetite, read| appetite.after(read);
        assert_eq!(after(Usual, Usual.size() - 1), Usual);
        assert_eq!(after(Usual, Usual.size()), Large);
        assert_eq!(after(Large, Large.slice_min()), Large);
        assert_eq!(after(Large, Large.slice_min() - 1), Usual);
    }
}
