use std::time::Duration;

use duologue_base::Instant;
use duologue_media::cc::{Bitrate, Reason};

/// What became of a flow (the metrics of RFC 8868 §3.1).
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub(super) arrivals: Vec<Arrival>,
    /// When packets were sent, and their bytes.
    pub(super) sent: Vec<(Instant, usize)>,
    /// The target, whenever it changed.
    pub(super) targets: Vec<(Instant, Bitrate, Reason)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) at: Instant,
    pub(super) sent: Instant,
    pub(super) bytes: usize,
    pub(super) waited: Duration,
}

impl Record {
    /// Bits per second that arrived between two points.
    pub fn rate(&self, from: Instant, to: Instant) -> Bitrate {
        let within = self.arrivals.iter();
        let bytes = within.filter(|one| (from..to).contains(&one.at));
        Bitrate::over(bytes.map(|one| one.bytes).sum(), to - from)
    }

    /// The share of packets sent between two points that did not arrive.
    pub fn loss(&self, from: Instant, to: Instant) -> f64 {
        let sent = self.sent.iter().filter(|(at, _)| (from..to).contains(at));
        let arrived = self.arrivals.iter();
        let arrived = arrived.filter(|one| (from..to).contains(&one.sent)).count();
        let sent = sent.count();
        1.0 - arrived as f64 / sent.max(1) as f64
    }

    /// How long packets that arrived between two points had waited at the bottleneck, at a quantile.
    pub fn queue(&self, from: Instant, to: Instant, quantile: f64) -> Duration {
        self.queue_outside(from, to, &[], quantile)
    }

    /// The same, some stretches left out.
    pub fn queue_outside(
        &self,
        from: Instant,
        to: Instant,
        but: &[(Instant, Instant)],
        quantile: f64,
    ) -> Duration {
        let counts = |at: &Instant| {
            (from..to).contains(at) && !but.iter().any(|(from, to)| (*from..*to).contains(at))
        };
        let within = self.arrivals.iter().filter(|one| counts(&one.at));
        let mut waits: Vec<Duration> = within.map(|one| one.waited).collect();
        waits.sort();
        let last = waits.len().saturating_sub(1);
        let index = (last as f64 * quantile).round() as usize;
        waits.get(index).copied().unwrap_or_default()
    }

    /// The target at a point.
    pub fn target(&self, at: Instant) -> Bitrate {
        let past = self.targets.iter().rev().find(|(since, ..)| *since <= at);
        past.map_or(Bitrate::ZERO, |(_, rate, _)| *rate)
    }

    /// The least and the greatest target between two points, and the mean over time.
    pub fn targets(&self, from: Instant, to: Instant) -> (Bitrate, Bitrate, Bitrate) {
        let steps = 200;
        let step = (to - from) / steps;
        let samples = (0..steps).map(|n| self.target(from + step * n).bps());
        let samples: Vec<u64> = samples.collect();
        let mean = samples.iter().sum::<u64>() / samples.len() as u64;
        let bounds = |pick: Option<&u64>| Bitrate::from_bps(pick.copied().unwrap_or_default());
        (
            bounds(samples.iter().min()),
            bounds(samples.iter().max()),
            Bitrate::from_bps(mean),
        )
    }

    /// How long after `from` the target is first at least, or at most, another.
    pub fn time_until(&self, from: Instant, holds: impl Fn(Bitrate) -> bool) -> Option<Duration> {
        if holds(self.target(from)) {
            return Some(Duration::ZERO);
        }
        let later = self.targets.iter().filter(|(at, ..)| *at >= from);
        let mut holding = later.filter(|(_, rate, _)| holds(*rate));
        holding.next().map(|(at, ..)| *at - from)
    }

    /// The targets with their reasons, for whoever looks into a run.
    pub fn history(&self) -> &[(Instant, Bitrate, Reason)] {
        &self.targets
    }
}

/// Jain's index of fairness: 1 when all have the same.
pub fn jain(rates: &[Bitrate]) -> f64 {
    let rates = rates.iter().map(|rate| rate.bps() as f64);
    let (sum, squares) = rates.clone().fold((0.0, 0.0), |(sum, squares), rate| {
        (sum + rate, squares + rate * rate)
    });
    if squares == 0.0 {
        return 1.0;
    }
    sum * sum / (rates.count() as f64 * squares)
}
