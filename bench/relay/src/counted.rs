//! What viewers got.

use std::time::Duration;

/// Since it was taken last, by the numbers of packets.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) expected: u64,
    pub(crate) received: u64,
    pub(crate) frames: u64,
    pub(crate) latencies: Vec<Duration>,
    highest: Option<u64>,
}

impl Counted {
    pub(crate) fn packet(&mut self, number: u64) {
        self.received += 1;
        match self.highest {
            // One that came late was expected when it was missed.
            Some(highest) if number <= highest => {}
            Some(highest) => {
                self.expected += number - highest;
                self.highest = Some(number);
            }
            None => {
                self.expected += 1;
                self.highest = Some(number);
            }
        }
    }

    /// What was counted; it goes on from there.
    pub(crate) fn take(&mut self) -> Counted {
        let goes_on = Counted {
            highest: self.highest,
            ..Counted::default()
        };
        std::mem::replace(self, goes_on)
    }

    pub(crate) fn add(&mut self, other: Counted) {
        self.expected += other.expected;
        self.received += other.received;
        self.frames += other.frames;
        self.latencies.extend(other.latencies);
    }

    /// Packets that are missing, in percent.
    pub(crate) fn lost_pct(&self) -> f64 {
        100.0 * self.expected.saturating_sub(self.received) as f64 / self.expected.max(1) as f64
    }

    /// In milliseconds.
    pub(crate) fn latency(&mut self, quantile: f64) -> f64 {
        self.latencies.sort_unstable();
        let last = self.latencies.len().saturating_sub(1) as f64;
        let at = self.latencies.get((last * quantile).round() as usize);
        at.copied().unwrap_or_default().as_secs_f64() * 1e3
    }
}
