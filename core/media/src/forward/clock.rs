//! Time stamps of different streams of one source on one clock.

use std::time::Duration;

use duologue_base::Instant;

/// What a time stamp of 0 of a stream means in time, from its packets and when they arrived. The one
/// that came fastest says it best.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamClock {
    rate: u32,
    /// The highest time stamp so far, and how many ticks it is after the first one.
    last: (u32, i64),
    /// In nanoseconds: when the first packet would have arrived, had it come as fast as the fastest.
    origin: i128,
}

/// How far a clock may move away from the fastest packet in a second: clocks drift, and paths get
/// longer.
const LEAK_PER_SECOND: i128 = 200_000;

impl StreamClock {
    pub(super) fn new(rate: u32, timestamp: u32, arrived: Instant) -> Self {
        StreamClock {
            rate,
            last: (timestamp, 0),
            origin: i128::from(arrived.as_nanos()),
        }
    }

    pub(super) fn see(&mut self, timestamp: u32, arrived: Instant) {
        let step = i64::from(timestamp.wrapping_sub(self.last.0).cast_signed());
        let ticks = self.last.1.saturating_add(step);
        let origin = i128::from(arrived.as_nanos()) - self.nanos(ticks);
        let passed = self.nanos(step.max(0));
        let leaked = self.origin + passed * LEAK_PER_SECOND / 1_000_000_000;
        self.origin = origin.min(leaked);
        if step > 0 {
            self.last = (timestamp, ticks);
        }
    }

    /// When a packet with this time stamp would have arrived, had it come as fast as the fastest; in
    /// nanoseconds.
    pub(super) fn time_of(&self, timestamp: u32) -> i128 {
        let step = i64::from(timestamp.wrapping_sub(self.last.0).cast_signed());
        self.origin + self.nanos(self.last.1.saturating_add(step))
    }

    fn nanos(&self, ticks: i64) -> i128 {
        i128::from(ticks) * 1_000_000_000 / i128::from(self.rate.max(1))
    }

    /// So many ticks are nearest to a distance of time, at least one and at most as many as `most` is.
    pub(super) fn ticks(&self, nanos: i128, most: Duration) -> u32 {
        let most = i128::try_from(most.as_nanos()).unwrap_or(i128::MAX);
        let ticks = (nanos.clamp(0, most) * i128::from(self.rate) + 500_000_000) / 1_000_000_000;
        u32::try_from(ticks).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn streams_with_other_time_stamps_and_jitter_are_of_one_time() {
        let mut low = StreamClock::new(90_000, 4_294_960_000, at(0));
        let mut high = StreamClock::new(90_000, 77, at(25));
        for n in 1..100_u32 {
            let jitter = u64::from(n * 7 % 10);
            low.see(
                4_294_960_000_u32.wrapping_add(n * 3_000),
                at(u64::from(n) * 100 / 3 + jitter),
            );
            high.see(77 + n * 3_000, at(u64::from(n) * 100 / 3 + 9 - jitter));
        }
        let same =
            low.time_of(4_294_960_000_u32.wrapping_add(300_000)) - high.time_of(77 + 300_000);
        assert!(same.abs() < 1_500_000, "{same}");
    }

    #[test]
    fn distances_are_at_least_a_tick_and_bounded() {
        let clock = StreamClock::new(90_000, 0, at(0));
        let most = Duration::from_secs(1);
        assert_eq!(clock.ticks(-5, most), 1);
        assert_eq!(clock.ticks(33_333_333, most), 3_000);
        assert_eq!(clock.ticks(i128::MAX, most), 90_000);
    }
}
