//! Buffers that idle pipes do not hold.
//!
//! A pipe takes a buffer when it is about to read and gives it back as soon as all it read
//! is written. As one thread runs one pipe at a time, one spare for each thread serves all
//! pipes that flow; only a pipe whose writer stalls keeps a buffer for itself.

use std::cell::Cell;

/// Most bytes that are under way in each direction of a pipe: enough that system calls and
/// wake-ups do not count beside the copying.
pub const CAPACITY: usize = 64 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An empty buffer of [`CAPACITY`] bytes.
pub(super) fn take() -> Vec<u8> {
    let spare = SPARE.take();
    if spare.capacity() < CAPACITY { Vec::with_capacity(CAPACITY) } else { spare }
}

/// Gives a buffer back, whatever is in it.
pub(super) fn give(mut buffer: Vec<u8>) {
    buffer.clear();
    SPARE.set(buffer);
}
