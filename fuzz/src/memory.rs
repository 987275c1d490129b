//! What a run of a target may hold.

use std::sync::atomic::{AtomicUsize, Ordering};

use duologue_allocations::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// The most that a run held since somebody asked.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The most KiB that a run of a target held since the last call.
pub fn take_most_kib() -> usize {
    MOST.swap(0, Ordering::Relaxed) >> 10
}

/// From now on until it is dropped no more than so much may be allocated at a time. A run that holds more is a
/// crash.
#[must_use]
pub(crate) struct Bound {
    bytes: usize,
    begin: usize,
}

/// For the whole run of a target. The bounds are some times what runs of a minute were seen to take, which each run of
/// `examples/stable.rs` prints.
pub(crate) fn at_most_kib(kib: usize) -> Bound {
    ALLOCATOR.forget_peak();
    Bound {
        bytes: kib << 10,
        begin: ALLOCATOR.live_bytes(),
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let held = ALLOCATOR.peak_bytes().saturating_sub(self.begin);
        MOST.fetch_max(held, Ordering::Relaxed);
        if !std::thread::panicking() {
            let (held, bound) = (held >> 10, self.bytes >> 10);
            assert!(
                held <= bound,
                "{held} KiB of memory, and {bound} are the bound"
            );
        }
    }
}
