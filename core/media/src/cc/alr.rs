//! Whether the application sends less than it may.

use duologue_base::Instant;

use super::Bitrate;

/// Finds stretches in which the application sends less than 65 % of the estimate: there arrivals say
/// nothing about what the path can carry (the application-limited region).
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Alr, Bitrate};
/// use std::time::Duration;
///
/// let mut alr = Alr::default();
/// alr.set_estimate(Bitrate::from_kbps(1_000));
/// let mut now = Instant::ZERO;
/// for _ in 0..100 {
///     now += Duration::from_millis(20);
///     alr.handle_sent(now, 250); // 100 kbit/s
/// }
/// assert!(alr.since().is_some());
/// ```
#[derive(Debug, Default)]
pub struct Alr {
    rate: Bitrate,
    /// Bytes unused, up to what half a second gives; below zero when more was sent.
    unused: f64,
    last_sent: Option<Instant>,
    since: Option<Instant>,
}

impl Alr {
    /// The estimate that use is measured against.
    pub fn set_estimate(&mut self, estimate: Bitrate) {
        self.rate = estimate * USAGE;
        let bound = self.bound();
        self.unused = self.unused.clamp(-bound, bound);
    }

    /// Bytes were sent.
    pub fn handle_sent(&mut self, now: Instant, bytes: usize) {
        let Some(last) = self.last_sent.replace(now) else {
            return;
        };
        let bound = self.bound();
        let earned = self.rate.bytes_in(now - last) as f64;
        self.unused = (self.unused - bytes as f64).max(-bound);
        self.unused = (self.unused + earned).min(bound);

        let share = if bound > 0.0 {
            self.unused / bound
        } else {
            0.0
        };
        if share > START {
            self.since.get_or_insert(now);
        } else if share < STOP {
            self.since = None;
        }
    }

    /// Since when the application has sent less than it may.
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    fn bound(&self) -> f64 {
        self.rate.bytes_in(std::time::Duration::from_millis(500)) as f64
    }
}

const USAGE: f64 = 0.65;
const START: f64 = 0.8;
const STOP: f64 = 0.5;
