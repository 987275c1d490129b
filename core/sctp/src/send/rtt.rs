use std::time::Duration;

use crate::Timers;

/// Round-trip time and retransmission timeout (RFC 9260 §6.3.1).
#[derive(Debug)]
pub(crate) struct Rtt {
    estimate: Option<Estimate>,
    min: Option<Duration>,
    initial: Duration,
    rto_min: Duration,
    rto_max: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Estimate {
    smoothed: Duration,
    variation: Duration,
}

impl Rtt {
    pub(crate) fn new(timers: &Timers) -> Self {
        Rtt {
            estimate: None,
            min: None,
            initial: timers.rto_initial,
            rto_min: timers.rto_min,
            rto_max: timers.rto_max,
        }
    }

    pub(crate) fn on_sample(&mut self, rtt: Duration) {
        self.min = Some(self.min.map_or(rtt, |min| min.min(rtt)));
        self.estimate = Some(match self.estimate {
            None => Estimate {
                smoothed: rtt,
                variation: rtt / 2,
            },
            Some(old) => Estimate {
                variation: (old.variation * 3 + old.smoothed.abs_diff(rtt)) / 4,
                smoothed: (old.smoothed * 7 + rtt) / 8,
            },
        });
    }

    /// The timeout after `backoff` timeouts in a row.
    pub(crate) fn rto(&self, backoff: u32) -> Duration {
        let rto = match self.estimate {
            None => self.initial,
            Some(estimate) => estimate.smoothed + estimate.variation * 4,
        };
        let rto = rto.clamp(self.rto_min, self.rto_max);
        rto.saturating_mul(1 << backoff.min(16)).min(self.rto_max)
    }

    pub(crate) fn rto_max(&self) -> Duration {
        self.rto_max
    }

    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.estimate.map(|estimate| estimate.smoothed)
    }

    /// The least of all samples.
    pub(crate) fn min(&self) -> Option<Duration> {
        self.min
    }
}
