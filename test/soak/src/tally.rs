//! What happened so far, counted by everything that runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::KEPT_FAILURES;

/// Counts of a whole run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Pairs that connected.
    pub(crate) pairs: AtomicU64,
    /// Messages that came back.
    pub(crate) messages: AtomicU64,
    /// Packets of media, counted where they arrive.
    pub(crate) packets: AtomicU64,
    /// Times that a connection said `disconnected`.
    pub(crate) disconnected: AtomicU64,
    /// What went wrong, how often.
    failures: Mutex<BTreeMap<String, u64>>,
    /// Round trips since somebody asked.
    trips: Mutex<Vec<Duration>>,
}

impl Tally {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub(crate) fn round_trip(&self, took: Duration) {
        lock(&self.trips).push(took);
    }

    pub(crate) fn take_round_trips(&self) -> Vec<Duration> {
        std::mem::take(&mut lock(&self.trips))
    }

    pub(crate) fn failed(&self, why: String) {
        let mut failures = lock(&self.failures);
        if failures.len() < KEPT_FAILURES || failures.contains_key(&why) {
            *failures.entry(why).or_default() += 1;
        }
    }

    pub(crate) fn failures(&self) -> BTreeMap<String, u64> {
        lock(&self.failures).clone()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here is half-changed by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
