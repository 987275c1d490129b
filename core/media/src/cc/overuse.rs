//! Whether the path is used too much, by the slope of its delay.

use std::time::Duration;

use duologue_base::Instant;

/// What the delay says of the path.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Usage {
    /// The delay stays.
    #[default]
    Normal,
    /// A queue grows.
    Over,
    /// A queue drains.
    Under,
}

/// Compares the slope with a threshold that adapts: quickly down while the slope is small, slowly up
/// while it is large, so that flows which fill queues on purpose do not starve us
/// (draft-ietf-rmcat-gcc-02 §5.4).
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Overuse, Usage};
/// use std::time::Duration;
///
/// let mut overuse = Overuse::default();
/// let mut now = Instant::ZERO;
/// for groups in 2..60 {
///     now += Duration::from_millis(10);
///     overuse.push(now, 0.2, groups, 10.0);
/// }
/// assert_eq!(overuse.usage(), Usage::Over);
/// ```
#[derive(Debug)]
pub struct Overuse {
    usage: Usage,
    threshold: f64,
    adapted: Option<Instant>,
    last_slope: f64,
    /// Milliseconds above the threshold, and groups.
    above: Option<(f64, u32)>,
}

impl Default for Overuse {
    fn default() -> Self {
        Overuse {
            usage: Usage::Normal,
            threshold: THRESHOLD_START,
            adapted: None,
            last_slope: 0.0,
            above: None,
        }
    }
}

impl Overuse {
    /// A slope after so many groups, the last of which was sent so many milliseconds after the one
    /// before.
    pub fn push(&mut self, arrival: Instant, slope: f64, groups: u32, sent: f64) {
        if groups < 2 {
            self.usage = Usage::Normal;
            return;
        }
        let trend = f64::from(groups.min(GROUPS_WEIGHED)) * slope * GAIN;
        if trend > self.threshold {
            let (time, count) = match self.above {
                // It has been above for half the time since the last, on average.
                None => (sent / 2.0, 1),
                Some((time, count)) => (time + sent, count + 1),
            };
            self.above = Some((time, count));
            if time > OVERUSE_TIME_MS && count > 1 && slope >= self.last_slope {
                self.above = Some((0.0, 0));
                self.usage = Usage::Over;
            }
        } else {
            self.above = None;
            self.usage = if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }

        self.last_slope = slope;
        self.adapt(arrival, trend.abs());
    }

    /// What the delay says now.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// What the slope, times the groups and the gain, is compared with.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    fn adapt(&mut self, now: Instant, trend: f64) {
        let last = self.adapted.replace(now).unwrap_or(now);
        if trend > self.threshold + SPIKE {
            // The capacity fell: that is no other flow's doing, and nothing to get used to.
            return;
        }
        let gain = if trend < self.threshold {
            ADAPT_DOWN
        } else {
            ADAPT_UP
        };
        let time = (now - last).min(ADAPT_TIME_MAX).as_secs_f64() * 1e3;
        self.threshold += gain * (trend - self.threshold) * time;
        self.threshold = self.threshold.clamp(THRESHOLD_MIN, THRESHOLD_MAX);
    }
}

const GAIN: f64 = 4.0;
const GROUPS_WEIGHED: u32 = 60;
const OVERUSE_TIME_MS: f64 = 10.0;
const THRESHOLD_START: f64 = 12.5;
pub(super) const THRESHOLD_MIN: f64 = 6.0;
const THRESHOLD_MAX: f64 = 600.0;
const SPIKE: f64 = 15.0;
const ADAPT_UP: f64 = 0.0087;
const ADAPT_DOWN: f64 = 0.039;
const ADAPT_TIME_MAX: Duration = Duration::from_millis(100);
