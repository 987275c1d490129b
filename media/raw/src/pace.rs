//! How many pictures a second there are.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use crate::limits::COUNTED_PICTURES;

/// `framesPerSecond` of webrtc-stats: those of the last second.
#[derive(Debug, Default)]
pub(super) struct PerSecond(VecDeque<Instant>);

impl PerSecond {
    /// There was one.
    pub(super) fn count(&mut self, now: Instant) {
        if self.0.len() >= COUNTED_PICTURES {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    /// None before the first.
    pub(super) fn get(&mut self, now: Instant) -> Option<f64> {
        let newest = *self.0.back()?;
        while self.0.front().is_some_and(|it| *it + SECOND <= now) {
            self.0.pop_front();
        }
        if self.0.is_empty() {
            // The next one finds that there was one before.
            self.0.push_back(newest);
            return Some(0.0);
        }
        Some(self.0.len() as f64)
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_second() {
        let mut rate = PerSecond::default();
        assert_eq!(rate.get(Instant::from_nanos(1)), None);
        let mut at = Instant::from_nanos(1);
        for _ in 0..60 {
            at += Duration::from_millis(40);
            rate.count(at);
        }
        assert_eq!(rate.get(at), Some(25.0));
        assert_eq!(rate.get(at + Duration::from_millis(500)), Some(13.0));
        assert_eq!(rate.get(at + Duration::from_secs(5)), Some(0.0));
    }
}
