//! Gives what has no pace of its own the one of the clock.

use std::thread;
use std::time::{Duration, Instant};

use crate::limits::BEHIND;

/// Waits for each moment of a device that makes its media up, or of a file.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the moment zero was.
    origin: Option<Instant>,
}

impl Pace {
    /// Waits until `at`. Whoever is far behind goes on from now.
    pub(crate) fn wait_for(&mut self, at: Duration) {
        let now = Instant::now();
        let origin = *self
            .origin
            .get_or_insert(now.checked_sub(at).unwrap_or(now));
        let due = origin + at;
        if due > now {
            thread::sleep(due - now);
        } else if now - due > BEHIND {
            self.origin = Some(origin + (now - due));
        }
    }
}
