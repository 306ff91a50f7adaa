//! Randomness from the operating system.

use std::cell::RefCell;

use adit_proto::provider::{Failure, Random};
use ring::rand::{SecureRandom, SystemRandom};

/// The operating system's randomness.
///
/// Short requests, such as the padding of a packet, are served from a pool of each thread: a
/// system call costs as much as sealing 1 KiB. What the pool has given out is erased from it.
/// A process that forks and goes on in both halves would use the same pool in both, so keys never
/// come from it.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Random for System {
    fn fill(&self, out: &mut [u8]) -> Result<(), Failure> {
        if out.len() > LONGEST_POOLED {
            return fill(out);
        }
        POOL.with_borrow_mut(|pool| pool.take(out))
    }
}

/// Fills `out` with the operating system's randomness, past any pool: for keys.
pub(crate) fn fill(out: &mut [u8]) -> Result<(), Failure> {
    SystemRandom::new().fill(out).map_err(|_| Failure::Internal)
}

/// The longest request that the pool serves. The pool is a multiple of it.
const LONGEST_POOLED: usize = 64;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::empty()) };
}

/// Random bytes in stock: those from `used` on.
struct Pool {
    bytes: [u8; 16 * LONGEST_POOLED],
    used: usize,
}

impl Pool {
    const fn empty() -> Self {
        let bytes = [0; 16 * LONGEST_POOLED];
        Self { used: bytes.len(), bytes }
    }

    /// Moves bytes to `out`, which is no longer than the pool.
    fn take(&mut self, out: &mut [u8]) -> Result<(), Failure> {
        if self.bytes.len().saturating_sub(self.used) < out.len() {
            fill(&mut self.bytes)?;
            self.used = 0;
        }
        let stock = self.bytes.get_mut(self.used..).unwrap_or_default();
        let (given, _) = stock.split_at_mut_checked(out.len()).ok_or(Failure::Internal)?;
        out.copy_from_slice(given);
        given.fill(0);
        self.used = self.used.saturating_add(out.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn requests_of_every_length_are_filled_and_differ() {
        for len in [8, 16, 63, 64, 65, 1024, 5000] {
            let mut seen = HashSet::new();
            for _ in 0..100 {
                let mut out = vec![0; len];
                System.fill(&mut out).unwrap();
                assert!(seen.insert(out));
            }
        }
    }

    #[test]
    fn what_was_given_out_is_erased_from_the_pool() {
        let mut pool = Pool::empty();
        let mut out = [0; 48];
        pool.take(&mut out).unwrap();
        assert_eq!(pool.bytes[..48], [0; 48]);
        assert_ne!(pool.bytes[48..], [0; 16 * LONGEST_POOLED - 48]);
    }

    #[test]
    fn the_pool_is_filled_again_when_too_little_is_left() {
        let mut pool = Pool::empty();
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let mut out = [0; 60];
            pool.take(&mut out).unwrap();
            assert!(seen.insert(out));
        }
    }

    #[test]
    fn nothing_asked_for_is_nothing_given() {
        assert_eq!(System.fill(&mut []), Ok(()));
    }
}
