//! How much went through a pipe.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes that a pipe delivers while it runs. Any thread may look at any time.
#[derive(Debug, Default)]
pub struct Meter {
    pub(super) a_to_b: Count,
    pub(super) b_to_a: Count,
}

impl Meter {
    /// What has been delivered so far.
    pub fn traffic(&self) -> Traffic {
        Traffic { a_to_b: self.a_to_b.get(), b_to_a: self.b_to_a.get() }
    }
}

/// What a pipe delivered, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the first stream to the second.
    pub a_to_b: u64,
    /// From the second stream to the first.
    pub b_to_a: u64,
}

/// The bytes of one direction.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
