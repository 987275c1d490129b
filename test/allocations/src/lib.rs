//! An allocator that counts, for tests of what something costs and leaves behind.
#![allow(unsafe_code, reason = "counting allocations takes an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The system's allocator, and what it was asked for by all threads of a test program.
///
/// ```
/// use duologue_allocations::Counting;
///
/// #[global_allocator]
/// static ALLOCATOR: Counting = Counting::new();
///
/// let (before, live) = (ALLOCATOR.allocations(), ALLOCATOR.live_bytes());
/// let boxed = Box::new([0_u8; 100]);
/// assert!(ALLOCATOR.allocations() > before);
/// assert!(ALLOCATOR.live_bytes() >= live + 100);
/// drop(boxed);
/// assert!(ALLOCATOR.peak_bytes() >= live + 100);
/// ```
#[derive(Debug)]
pub struct Counting {
    allocations: AtomicU64,
    live_bytes: AtomicUsize,
    peak_bytes: AtomicUsize,
}

impl Counting {
    /// Nothing counted yet.
    #[allow(
        clippy::new_without_default,
        reason = "a static takes a constant function"
    )]
    pub const fn new() -> Self {
        Counting {
            allocations: AtomicU64::new(0),
            live_bytes: AtomicUsize::new(0),
            peak_bytes: AtomicUsize::new(0),
        }
    }

    /// How often memory was allocated.
    pub fn allocations(&self) -> u64 {
        self.allocations.load(Ordering::Relaxed)
    }

    /// Bytes that are allocated and not freed.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes.load(Ordering::Relaxed)
    }

    /// The most bytes that were allocated at a time, since the beginning or since
    /// [`forget_peak`](Self::forget_peak).
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes.load(Ordering::Relaxed)
    }

    /// The peak is what is allocated now.
    pub fn forget_peak(&self) {
        self.peak_bytes.store(self.live_bytes(), Ordering::Relaxed);
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocations.fetch_add(1, Ordering::Relaxed);
        let before = self.live_bytes.fetch_add(layout.size(), Ordering::Relaxed);
        let live = before + layout.size();
        self.peak_bytes.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.live_bytes.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}
