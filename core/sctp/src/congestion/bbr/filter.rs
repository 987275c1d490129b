//! What the controller knows of the path: filters over samples.

use std::time::Duration;

use duologue_base::Instant;

use super::super::sample::{AckSample, bytes_in};

/// How long a least round-trip time is believed.
const MIN_RTT_LIFE: Duration = Duration::from_secs(10);
/// Rounds over which the largest aggregate of acknowledgements is remembered.
const AGGREGATION_ROUNDS: u32 = 10;
/// Startup ends when the bandwidth grew by less than this…
const FULL_PIPE_GROWTH: f64 = 1.25;
/// …in this many rounds.
const FULL_PIPE_ROUNDS: u32 = 3;

/// Counts round trips of data: one ends when something sent after its start is acknowledged.
#[derive(Debug, Default)]
pub(super) struct Round {
    count: u64,
    ends_at: u64,
    current: EndedRound,
}

/// What happened in a round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EndedRound {
    pub(super) delivered: usize,
    pub(super) lost: usize,
    /// Stretches of consecutive packets that were lost.
    pub(super) lost_runs: usize,
    pub(super) min_rtt: Option<Duration>,
    pub(super) max_rate: u64,
}

impl Round {
    /// Returns the round that this SACK ends, if one.
    pub(super) fn on_ack(&mut self, sample: &AckSample) -> Option<EndedRound> {
        let current = &mut self.current;
        current.delivered += sample.acked;
        current.lost += sample.lost;
        current.lost_runs += sample.lost_runs;
        current.max_rate = current.max_rate.max(sample.rate.unwrap_or(0));
        if let Some(rtt) = sample.rtt {
            current.min_rtt = Some(current.min_rtt.map_or(rtt, |min| min.min(rtt)));
        }
        if sample.acked == 0 || sample.prior_delivered < self.ends_at {
            return None;
        }
        self.ends_at = sample.delivered;
        self.count += 1;
        Some(std::mem::take(&mut self.current))
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

impl EndedRound {
    pub(super) fn loss_rate(&self) -> f64 {
        self.lost as f64 / ((self.lost + self.delivered) as f64).max(1.0)
    }
}

/// The highest delivery rate of this probing cycle and the one before.
#[derive(Debug, Default)]
pub(super) struct Bandwidth {
    previous: u64,
    current: u64,
}

impl Bandwidth {
    pub(super) fn on_ack(&mut self, sample: &AckSample) {
        if let Some(rate) = sample.rate
            && (!sample.app_limited || rate >= self.max())
        {
            self.current = self.current.max(rate);
        }
    }

    pub(super) fn advance_cycle(&mut self) {
        if self.current > 0 {
            self.previous = self.current;
            self.current = 0;
        }
    }

    pub(super) fn max(&self) -> u64 {
        self.previous.max(self.current)
    }
}

/// Notices when faster sending no longer brings more bandwidth.
#[derive(Debug, Default)]
pub(super) struct FullPipe {
    best: u64,
    rounds: u32,
    reached: bool,
}

impl FullPipe {
    /// A round is over in which data arrived at `rate` at best.
    pub(super) fn on_round(&mut self, rate: u64, app_limited: bool) {
        if app_limited {
            return;
        }
        if rate as f64 >= self.best as f64 * FULL_PIPE_GROWTH {
            self.best = rate;
            self.rounds = 0;
            return;
        }
        self.rounds += 1;
        self.reached |= self.rounds >= FULL_PIPE_ROUNDS;
    }

    /// Sending begins again with a few packets: rounds that are slow for that say nothing.
    pub(super) fn on_timeout(&mut self) {
        self.best = 0;
        self.rounds = 0;
    }

    pub(super) fn set_reached(&mut self) {
        self.reached = true;
    }

    pub(super) fn is_reached(&self) -> bool {
        self.reached
    }
}

/// The least round-trip time lately.
#[derive(Debug, Default)]
pub(super) struct MinRtt {
    value: Option<Duration>,
    seen_at: Instant,
    /// Measured while the path is kept empty, to replace the old value.
    fresh: Option<Duration>,
}

impl MinRtt {
    pub(super) fn on_ack(&mut self, sample: &AckSample) {
        let Some(rtt) = sample.rtt else {
            return;
        };
        self.fresh = Some(self.fresh.map_or(rtt, |fresh| fresh.min(rtt)));
        match self.value {
            // Nearly the least confirms it: clocks and hosts are not exact.
            Some(value) if rtt > value + value / 64 => {}
            Some(value) => {
                self.value = Some(value.min(rtt));
                self.seen_at = sample.now;
            }
            None => {
                self.value = Some(rtt);
                self.seen_at = sample.now;
            }
        }
    }

    pub(super) fn is_stale(&self, now: Instant) -> bool {
        self.value.is_some() && now - self.seen_at > MIN_RTT_LIFE
    }

    /// The path is empty from now on.
    pub(super) fn restart(&mut self, now: Instant) {
        self.fresh = None;
        self.seen_at = now;
    }

    /// The path was empty for long enough.
    pub(super) fn confirm(&mut self, now: Instant) {
        self.value = self.fresh.or(self.value);
        self.seen_at = now;
    }

    pub(super) fn value(&self) -> Option<Duration> {
        self.value
    }
}

/// How much more than the bandwidth explains is acknowledged at once: receivers and links that
/// gather acknowledgements need as much more under way.
#[derive(Debug, Default)]
pub(super) struct Aggregation {
    since: Instant,
    acked: usize,
    /// Largest excess of this half of the window of rounds, and of the one before.
    current: usize,
    previous: usize,
    rounds: u32,
}

impl Aggregation {
    pub(super) fn on_ack(
        &mut self,
        sample: &AckSample,
        bandwidth: u64,
        window: usize,
        round_ended: bool,
    ) {
        if round_ended {
            self.rounds += 1;
            if self.rounds >= AGGREGATION_ROUNDS / 2 {
                self.previous = std::mem::take(&mut self.current);
                self.rounds = 0;
            }
        }
        let expected = bytes_in(bandwidth, sample.now - self.since);
        if self.acked <= expected {
            self.restart(sample.now);
        }
        self.acked += sample.acked;
        let expected = bytes_in(bandwidth, sample.now - self.since);
        let extra = self.acked.saturating_sub(expected).min(window);
        self.current = self.current.max(extra);
    }

    pub(super) fn restart(&mut self, now: Instant) {
        self.since = now;
        self.acked = 0;
    }

    pub(super) fn extra(&self) -> usize {
        self.current.max(self.previous)
    }
}
