use std::time::Duration;

/// Measurements of round trips, in the names of webrtc-stats §8.5 and §8.7.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RoundTrips {
    /// `roundTripTime`
    pub last: Option<Duration>,
    /// `totalRoundTripTime`
    pub total: Duration,
    /// `roundTripTimeMeasurements`
    pub measurements: u64,
}

impl RoundTrips {
    pub(crate) fn count(&mut self, trip: Duration) {
        self.last = Some(trip);
        self.total += trip;
        self.measurements += 1;
    }
}
