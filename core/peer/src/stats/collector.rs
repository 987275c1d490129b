use std::time::Duration;

use duologue_base::{Instant, TransportKey};

use super::Stats;

/// A report that is being made.
pub(crate) struct Collector {
    /// The time since 1970 at the origin of the session's clock.
    pub(crate) epoch: Duration,
    /// When it is made, on the session's clock.
    pub(crate) collected: Instant,
    pub(crate) stats: Vec<Stats>,
}

impl Collector {
    /// Milliseconds since 1970.
    pub(crate) fn timestamp(&self) -> f64 {
        self.wall(self.collected)
    }

    /// A moment of the session's clock in milliseconds since 1970.
    pub(super) fn wall(&self, at: Instant) -> f64 {
        (self.epoch + at.since_origin()).as_secs_f64() * 1e3
    }
}

pub(crate) fn transport_id(TransportKey(key): TransportKey) -> String {
    format!("T{key}")
}
