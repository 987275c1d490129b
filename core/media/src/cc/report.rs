//! The rate where only receiver reports come.

use std::time::Duration;

use duologue_base::{Instant, float};

use super::Bitrate;

/// Losses of receiver reports: 8 % more a second below 2 % of loss, less by half the loss above 10 %
/// (draft-ietf-rmcat-gcc-02 §6).
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Bitrate, ReportedLoss};
///
/// let mut reported = ReportedLoss::default();
/// let rate = Bitrate::from_kbps(1_000);
/// let fewer = reported.push(Instant::ZERO, 20, 100, rate, None);
/// assert_eq!(fewer, Some(rate * 0.9));
/// ```
#[derive(Debug, Default)]
pub struct ReportedLoss {
    lost: u32,
    expected: u32,
    decreased: Option<Instant>,
    increased: Option<Instant>,
}

impl ReportedLoss {
    /// Packets lost of so many expected since the last report, and the rate now: the rate that
    /// follows, if another one does.
    pub fn push(
        &mut self,
        now: Instant,
        lost: u32,
        expected: u32,
        rate: Bitrate,
        rtt: Option<Duration>,
    ) -> Option<Bitrate> {
        self.lost = self.lost.saturating_add(lost.min(expected));
        self.expected = self.expected.saturating_add(expected);
        if self.expected < PACKETS_NEEDED {
            return None;
        }
        let loss = f64::from(self.lost) / f64::from(self.expected);
        (self.lost, self.expected) = (0, 0);

        if loss <= LOSS_LOW {
            let since = self.increased.replace(now).map_or(PERIOD, |at| now - at);
            let share = since.min(PERIOD).as_secs_f64() / PERIOD.as_secs_f64();
            return Some(rate * float::pow(GROWTH, share) + STEP);
        }
        self.increased = Some(now);
        if loss <= LOSS_HIGH {
            return None;
        }
        let interval = DECREASE_INTERVAL + rtt.unwrap_or_default();
        if self.decreased.is_some_and(|at| now - at < interval) {
            return None;
        }
        self.decreased = Some(now);
        Some(rate * (1.0 - loss / 2.0))
    }
}

const PACKETS_NEEDED: u32 = 20;
const LOSS_LOW: f64 = 0.02;
const LOSS_HIGH: f64 = 0.1;
const PERIOD: Duration = Duration::from_secs(1);
const GROWTH: f64 = 1.08;
const STEP: Bitrate = Bitrate::from_kbps(1);
const DECREASE_INTERVAL: Duration = Duration::from_millis(300);
