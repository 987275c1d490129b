//! The rate at which an application hands media over.

use std::time::Duration;

use duologue_base::Instant;

use super::bandwidth::PATH_OVERHEAD;
use crate::cc::Bitrate;

/// What an application hands over, so that one that says no `maxBitrate` is not kept from what it
/// sends.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    bytes: usize,
    since: Option<Instant>,
    /// What it needs at most.
    pub(crate) rate: Bitrate,
}

impl Offered {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes + PATH_OVERHEAD);
    }

    /// Time passes. The rate is half more than what was handed over in the last second; it is another
    /// one when that is more or much less.
    pub(crate) fn update(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        if now - since < WINDOW {
            return;
        }
        let rate = Bitrate::over(self.bytes, now - since) * ROOM;
        if rate > self.rate || rate < self.rate * 0.5 {
            self.rate = rate;
        }
        (self.bytes, self.since) = (0, Some(now));
    }
}

const WINDOW: Duration = Duration::from_secs(1);
const ROOM: f64 = 1.5;
