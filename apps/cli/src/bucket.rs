//! How often something may happen.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// So many times a second, four seconds' worth of them at once.
pub(crate) struct Bucket(Mutex<Level>);

struct Level {
    rate: f64,
    left: f64,
    at: Option<Instant>,
}

impl Bucket {
    pub(crate) fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        let left = rate * BURST;
        Bucket(Mutex::new(Level {
            rate,
            left,
            at: None,
        }))
    }

    /// Whether it may happen at this time; then that counts.
    pub(crate) fn take(&self, now: Instant) -> bool {
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = level.at.replace(now);
        let since = since.map_or(0.0, |at| (now - at).as_secs_f64());
        level.left = (level.left + since * level.rate).min(level.rate * BURST);
        let taken = level.left >= 1.0;
        level.left -= f64::from(u8::from(taken));
        taken
    }
}

const BURST: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let (bucket, now) = (Bucket::new(10), Instant::now());
        let taken = |at| (0..100).filter(|_| bucket.take(at)).count();
        assert_eq!(taken(now), 40);
        assert_eq!(taken(now + Duration::from_secs(1)), 10);
        assert_eq!(taken(now + Duration::from_secs(60)), 40);
    }
}
