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

/// Most bytes that are read at a time: enough that system calls and wake-ups do not count beside
/// the copying.
pub const CAPACITY: usize = 64 * 1024;

/// Reads shorter than this are copied, so that what is kept pins no more than twice its size.
const SLICE_MIN: usize = CAPACITY / 2;

/// Most buffers that a thread keeps, free or not: those of a channel whose outbox is full, and
/// some.
const KEPT: usize = 16;

thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Reads once: at most [`CAPACITY`] bytes, `None` at the end. While there is nothing to be read
/// no buffer is held.
pub(crate) fn poll_chunk<R>(cx: &mut Context<'_>, from: &mut R) -> Poll<io::Result<Option<Bytes>>>
where
    R: AsyncRead + Unpin,
{
    let mut buffer = take();
    let read = pin!(from.read_buf(&mut buffer)).poll(cx);
    let chunk = match buffer.len() {
        0 => None,
        len if len < SLICE_MIN => Some(Bytes::copy_from_slice(&buffer)),
        _ => Some(buffer.split().freeze()),
    };
    give(buffer);
    ready!(read)?;
    Poll::Ready(Ok(chunk))
}

/// An empty buffer of [`CAPACITY`] bytes.
fn take() -> BytesMut {
    let spare = SPARE.with_borrow_mut(|spare| {
        let free = spare.iter_mut().position(|buffer| buffer.try_reclaim(CAPACITY))?;
        Some(spare.swap_remove(free))
    });
    spare.unwrap_or_else(|| BytesMut::with_capacity(CAPACITY))
}

/// Gives a buffer back, whatever is in it.
fn give(mut buffer: BytesMut) {
    buffer.clear();
    SPARE.with_borrow_mut(|spare| {
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

    fn read(mut from: &[u8]) -> Option<Bytes> {
        match poll_chunk(&mut Context::from_waker(Waker::noop()), &mut from) {
            Poll::Ready(Ok(chunk)) => chunk,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_read_is_in_one_piece_and_its_end_is_nothing() {
        for len in [1, SLICE_MIN - 1, SLICE_MIN, CAPACITY, CAPACITY + 1] {
            let bytes = vec![7; len];
            assert_eq!(read(&bytes).unwrap(), bytes[..len.min(CAPACITY)], "{len}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_buffer_is_used_again_once_nobody_holds_a_piece_of_it() {
        let bytes = [7; CAPACITY];
        let first = read(&bytes).unwrap();
        let place = first.as_ptr();
        let second = read(&bytes).unwrap();
        assert_ne!(second.as_ptr(), place);
        drop(first);
        assert_eq!(read(&bytes).unwrap().as_ptr(), place);
    }

    #[test]
    fn a_small_piece_pins_no_buffer() {
        let small: Vec<Bytes> = (0..100).filter_map(|_| read(&[7; 100])).collect();
        let spare = SPARE.with_borrow(Vec::len);
        assert!(spare <= 1, "{spare}");
        assert_eq!(small.len(), 100);
    }

    #[test]
    fn a_thread_keeps_no_more_than_a_few() {
        let held: Vec<Bytes> = (0..3 * KEPT).filter_map(|_| read(&[7; CAPACITY])).collect();
        assert_eq!(SPARE.with_borrow(Vec::len), KEPT);
        drop(held);
    }
}
