//! What was heard, wiped from memory after use.

use std::fmt;

use bytes::buf::{BufMut, Limit};
use zeroize::Zeroizing;

/// The capacity to begin with, in bytes: enough for a SOCKS request.
const FIRST: usize = 512;

/// Bytes that were heard and not yet understood. They may hold a password, so all memory
/// they were ever in is wiped.
pub(super) struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
}

impl Buffer {
    /// An empty buffer that never holds more than `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Zeroizing::default(), limit }
    }

    /// What is in it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Room for more; none where the limit is reached.
    pub(super) fn room(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        let len = self.bytes.len();
        if len == self.bytes.capacity() {
            let capacity = len.saturating_mul(2).clamp(FIRST, self.limit.max(len));
            // Grown in place, it would leave what it holds behind, unwiped.
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        let room = self.bytes.capacity().min(self.limit).saturating_sub(len);
        (room > 0).then(|| (&mut *self.bytes).limit(room))
    }

    /// Takes bytes off the front.
    pub(super) fn take(&mut self, count: usize) {
        let count = count.min(self.bytes.len());
        self.bytes.drain(..count);
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    #[test]
    fn it_grows_to_its_limit_and_no_further() {
        let mut buffer = Buffer::new(FIRST * 3);
        let mut count = 0_usize;
        while let Some(mut room) = buffer.room() {
            let len = room.remaining_mut().min(100);
            room.put_bytes(u8::try_from(count % 251).unwrap(), len);
            count += len;
        }
        assert_eq!((count, buffer.bytes().len()), (FIRST * 3, FIRST * 3));
        assert!(buffer.bytes.capacity() <= FIRST * 4, "{}", buffer.bytes.capacity());
        buffer.take(FIRST);
        assert_eq!(buffer.bytes()[..88], [10; 88]);
        assert!(buffer.room().is_some());
    }

    #[test]
    fn it_does_not_show_what_it_holds() {
        let mut buffer = Buffer::new(FIRST);
        buffer.room().unwrap().put_slice(b"secret");
        assert_eq!(format!("{buffer:?}"), "Buffer(6 bytes)");
    }
}
