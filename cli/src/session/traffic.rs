//! How much a program at the server reads and says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much a program at the server reads and says, in bytes. All its clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    said: AtomicU64,
}

impl Traffic {
    /// It was sent so much to read.
    pub(super) fn count_read(&self, bytes: usize) {
        add(&self.0.read, bytes);
    }

    /// It said so much.
    pub(super) fn count_said(&self, bytes: usize) {
        add(&self.0.said, bytes);
    }

    /// What it was sent to read so far.
    pub(crate) fn read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    /// What it said so far, on both streams.
    pub(crate) fn said(&self) -> u64 {
        self.0.said.load(Ordering::Relaxed)
    }
}

fn add(count: &AtomicU64, bytes: usize) {
    count.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
}
