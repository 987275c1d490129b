//! The slope of the queueing delay.

use std::collections::VecDeque;

use duologue_base::Instant;

use super::Delta;
use super::time::ms_between;

/// A line through the smoothed delay of the last 20 groups.
///
/// Its slope estimates (rate sent - rate of the path) / rate of the path: above zero a queue grows.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Delta, Trendline};
/// use std::time::Duration;
///
/// let mut line = Trendline::default();
/// let mut slope = 0.0;
/// for group in 1..40 {
///     // Sent every 10 ms, arriving every 12.5.
///     let at = Instant::ZERO + Duration::from_micros(12_500 * group);
///     slope = line.push(&Delta { sent: 10.0, arrived: 12.5, at });
/// }
/// assert!((0.15..0.25).contains(&slope));
/// ```
#[derive(Debug, Default)]
pub struct Trendline {
    groups: u32,
    begin: Option<Instant>,
    accumulated: f64,
    smoothed: f64,
    /// Milliseconds of arrival, and of smoothed delay.
    points: VecDeque<(f64, f64)>,
    slope: f64,
}

impl Trendline {
    /// A delta between two groups. The slope with it, milliseconds of delay in a millisecond.
    pub fn push(&mut self, delta: &Delta) -> f64 {
        self.groups = (self.groups + 1).min(GROUPS_COUNTED);
        let begin = *self.begin.get_or_insert(delta.at);
        self.accumulated += delta.arrived - delta.sent;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        self.points
            .push_back((ms_between(begin, delta.at), self.smoothed));

        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        if self.points.len() == WINDOW {
            self.slope = self.fit().unwrap_or(self.slope);
        }
        self.slope
    }

    /// Deltas so far, up to 1,000.
    pub fn groups(&self) -> u32 {
        self.groups
    }

    /// Least squares; `None` when all arrived at once.
    fn fit(&self) -> Option<f64> {
        let count = self.points.len() as f64;
        let (x, y) = self
            .points
            .iter()
            .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (x, y) = (x / count, y / count);
        let (above, below) = self
            .points
            .iter()
            .fold((0.0, 0.0), |(above, below), point| {
                let (dx, dy) = (point.0 - x, point.1 - y);
                (above + dx * dy, below + dx * dx)
            });
        (below > 0.0).then(|| above / below)
    }
}

const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
const GROUPS_COUNTED: u32 = 1_000;
