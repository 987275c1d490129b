//! Gives what has no pace of its own the one of the clock.

use std::thread;
use std::time::{Duration, Instant};

use duologue_codec::{AudioData, VideoFrame};

use crate::limits::BEHIND;

/// A picture, or a piece of sound.
pub(crate) trait Timed: Sized {
    /// When it is of, on the clock of its source.
    fn timestamp(&self) -> Duration;

    fn later(self, by: Duration) -> Self;
}

impl Timed for VideoFrame {
    fn timestamp(&self) -> Duration {
        self.timestamp
    }

    fn later(self, by: Duration) -> Self {
        let at = self.timestamp + by;
        self.at(at)
    }
}

impl Timed for AudioData {
    fn timestamp(&self) -> Duration {
        self.timestamp
    }

    fn later(self, by: Duration) -> Self {
        let at = self.timestamp + by;
        self.at(at)
    }
}

/// How long so many samples of a channel last. In 128 bits: 64 do not hold the nanoseconds of five days times
/// their rate.
pub(crate) fn lasting(frames: u64, sample_rate: u32) -> Duration {
    let nanos = u128::from(frames) * 1_000_000_000 / u128::from(sample_rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

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
