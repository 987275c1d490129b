use std::time::Duration;

use duologue_base::Instant;

/// When the next SACK is due (RFC 9260 §6.2).
///
/// Packets that are handled before the next poll are acknowledged together: one SACK per batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Acknowledge {
    /// Nothing new to say.
    Idle,
    /// One packet came; its SACK may wait for a second, or for data to travel with.
    Delayed { until: Instant },
    /// At the next poll.
    Now,
}

impl Acknowledge {
    /// A packet with data came, nothing about it being urgent.
    pub(crate) fn on_data(&mut self, now: Instant, delay: Duration) {
        *self = match *self {
            Acknowledge::Idle => Acknowledge::Delayed { until: now + delay },
            // RFC 9260 §6.2: at least every second packet is acknowledged.
            Acknowledge::Delayed { .. } | Acknowledge::Now => Acknowledge::Now,
        };
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Acknowledge::Delayed { until } = *self
            && until <= now
        {
            *self = Acknowledge::Now;
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match *self {
            Acknowledge::Delayed { until } => Some(until),
            Acknowledge::Idle | Acknowledge::Now => None,
        }
    }
}
