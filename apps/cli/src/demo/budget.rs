//! What all calls together may keep in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are left for whoever asks first.
#[derive(Debug)]
pub(super) struct Budget(AtomicUsize);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Budget(AtomicUsize::new(bytes))
    }

    fn take(&self, bytes: usize) -> bool {
        let left = |left: usize| left.checked_sub(bytes);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok()
    }

    #[cfg(test)]
    fn left(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bytes of a known length that arrive bit by bit. They take of the budget what they take of the
/// memory, and give it back when they are dropped.
#[derive(Debug)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    /// How many there will be.
    size: usize,
    budget: Arc<Budget>,
    taken: usize,
}

impl Kept {
    pub(super) fn new(size: usize, budget: Arc<Budget>) -> Self {
        Kept {
            bytes: Vec::new(),
            size,
            budget,
            taken: 0,
        }
    }

    /// Appends; what is more than was announced is not kept. False: the budget is used up.
    pub(super) fn extend(&mut self, chunk: &[u8]) -> bool {
        let chunk = &chunk[..chunk.len().min(self.size - self.bytes.len())];
        let missing = (self.bytes.len() + chunk.len()).saturating_sub(self.taken);
        if missing > 0 {
            let step = missing.max(STEP.min(self.size - self.taken));
            if !self.budget.take(step) {
                return false;
            }
            self.taken += step;
            self.bytes.reserve_exact(self.taken - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        true
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.taken, Ordering::Relaxed);
    }
}

/// By how much a file's memory grows.
const STEP: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_share_one_budget_and_give_back_what_they_took() {
        let budget = Arc::new(Budget::new(10 << 20));
        let mut first = Kept::new(6 << 20, budget.clone());
        let mut second = Kept::new(usize::MAX, budget.clone());
        let chunk = vec![7; 1 << 20];
        // What was announced and did not come takes nothing.
        assert_eq!(budget.left(), 10 << 20);
        for _ in 0..9 {
            assert!(first.extend(&chunk));
        }
        assert_eq!(first.as_ref().len(), 6 << 20);
        assert_eq!(budget.left(), 4 << 20);
        let fits = std::iter::from_fn(|| second.extend(&chunk).then_some(())).count();
        assert_eq!((fits, budget.left()), (4, 0));
        drop(first);
        assert!(second.extend(&chunk));
        drop(second);
        assert_eq!(budget.left(), 10 << 20);
    }
}
