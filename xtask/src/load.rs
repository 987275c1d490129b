//! A busy machine, for tests that should not mind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Busy loops; they end when it is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    loops: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(count: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let spin = |over: Arc<AtomicBool>| {
            move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            }
        };
        let loops = (0..count).map(|_| std::thread::spawn(spin(over.clone())));
        Load {
            loops: loops.collect(),
            over,
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for each in self.loops.drain(..) {
            // A loop that only looks at a flag does not panic.
            let _ = each.join();
        }
    }
}
