//! Buffers that are read into, and come back once nobody holds a piece of them.
//!
//! Packets are opened in place, and their data are handed on as slices. So a buffer is free
//! again when its last slice is dropped, which nobody tells: it is looked for here when one is
//! wanted. A connection that is idle holds none, and one that flows gets the same few again and
//! again, which spares the system the work of new pages for each.

use std::cell::RefCell;

use bytes::BytesMut;

/// The size of a buffer: so much is read by one call.
pub(crate) const SIZE: usize = 256 * 1024;

/// With less room than this in a buffer, another one is taken.
const ROOM: usize = 64 * 1024;

/// Most buffers that a thread keeps, free or not.
const KEPT: usize = 8;

thread_local! {
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Makes room behind what is in the buffer, moving that into another one where it must.
pub(crate) fn make_room(buffer: &mut BytesMut) {
    if buffer.capacity() - buffer.len() < ROOM {
        let mut other = take(buffer.len() + ROOM);
        other.extend_from_slice(buffer);
        give(std::mem::replace(buffer, other));
    }
}

/// Gives a buffer back, whatever is in it.
pub(crate) fn give(mut buffer: BytesMut) {
    buffer.clear();
    SPARE.with_borrow_mut(|spare| {
        if spare.len() >= KEPT {
            spare.remove(0);
        }
        spare.push(buffer);
    });
}

/// An empty buffer with room for `least` bytes at least.
fn take(least: usize) -> BytesMut {
    let least = least.max(SIZE);
    let spare = SPARE.with_borrow_mut(|spare| {
        let free = spare.iter_mut().position(|buffer| buffer.try_reclaim(least))?;
        Some(spare.remove(free))
    });
    spare.unwrap_or_else(|| BytesMut::with_capacity(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_once_nobody_holds_a_piece_of_it() {
        let mut buffer = BytesMut::new();
        make_room(&mut buffer);
        let place = buffer.as_ptr();
        buffer.extend_from_slice(&[7; SIZE]);
        let held = buffer.split_to(10);
        give(buffer);
        let mut other = BytesMut::new();
        make_room(&mut other);
        assert_ne!(other.as_ptr(), place);
        drop(held);
        let mut again = BytesMut::new();
        make_room(&mut again);
        assert_eq!(again.as_ptr(), place);
        assert!(again.is_empty() && again.capacity() >= SIZE);
    }

    #[test]
    fn what_is_in_a_buffer_goes_along() {
        let mut buffer = BytesMut::new();
        make_room(&mut buffer);
        buffer.extend_from_slice(&vec![1; buffer.capacity() - 3]);
        buffer.extend_from_slice(b"end");
        let read = buffer.split_to(buffer.len() - 3);
        make_room(&mut buffer);
        assert_eq!(&buffer[..], b"end");
        assert!(buffer.capacity() - buffer.len() >= ROOM);
        drop(read);
    }

    #[test]
    fn more_than_a_buffer_holds_finds_room_too() {
        let mut buffer = BytesMut::from(&vec![1; SIZE][..]);
        make_room(&mut buffer);
        assert_eq!(buffer.len(), SIZE);
        assert!(buffer.capacity() - buffer.len() >= ROOM);
    }

    #[test]
    fn a_thread_keeps_no_more_than_a_few() {
        for _ in 0..3 * KEPT {
            give(BytesMut::with_capacity(SIZE));
        }
        assert_eq!(SPARE.with_borrow(Vec::len), KEPT);
    }
}
