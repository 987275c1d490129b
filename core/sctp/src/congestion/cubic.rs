use std::time::Duration;

use duologue_base::{Instant, float};

use super::sample::{AckSample, INITIAL_WINDOW_PACKETS};

/// RFC 9438 §4.6: multiplicative decrease.
const BETA: f64 = 0.7;
/// RFC 9438 §5: how fast the window grows, in packets per cubic second.
const C: f64 = 0.4;
/// Least window in packets.
const MIN_WINDOW_PACKETS: usize = 4;

/// CUBIC (RFC 9438), leaving slow start by HyStart++ (RFC 9406).
#[derive(Debug)]
pub(crate) struct Cubic {
    mtu: usize,
    window: usize,
    slow_start_threshold: usize,
    phase: Phase,
    /// Bytes by which the window at the last reduction was exceeded, for fast convergence.
    window_max: f64,
    smoothed_rtt: Option<Duration>,
    /// What the last reduction changed, in case that it was for nothing.
    before: Option<Reduced>,
}

#[derive(Debug)]
struct Reduced {
    window: usize,
    slow_start_threshold: usize,
    phase: Phase,
    window_max: f64,
}

#[derive(Debug)]
enum Phase {
    SlowStart(HyStart),
    Avoidance(Option<Epoch>),
}

/// A stretch of congestion avoidance (RFC 9438 §4.2).
#[derive(Debug)]
struct Epoch {
    started: Instant,
    /// Seconds until the window is back at `window_max`.
    k: f64,
    /// The window that a Reno flow would have (§4.3).
    reno_window: f64,
    /// Bytes of growth not yet worth a change of the window.
    credit: f64,
}

impl Cubic {
    pub(super) fn new(mtu: usize) -> Self {
        Cubic {
            mtu,
            window: mtu * INITIAL_WINDOW_PACKETS,
            slow_start_threshold: usize::MAX,
            phase: Phase::SlowStart(HyStart::default()),
            window_max: 0.0,
            smoothed_rtt: None,
            before: None,
        }
    }

    pub(super) fn on_ack(&mut self, sample: &AckSample) {
        self.smoothed_rtt = Some(sample.smoothed_rtt);
        if sample.lost > 0 && sample.new_episode {
            self.reduce();
        }
        if sample.acked == 0 || !sample.window_limited {
            // RFC 9260 §7.2.1: an unused window does not grow.
            return;
        }
        match &mut self.phase {
            Phase::SlowStart(hystart) => {
                self.window += sample.acked / hystart.on_ack(sample);
                if hystart.is_over() || self.window >= self.slow_start_threshold {
                    self.slow_start_threshold = self.window;
                    self.phase = Phase::Avoidance(None);
                }
            }
            Phase::Avoidance(epoch) => {
                let epoch = epoch.get_or_insert_with(|| {
                    Epoch::start(sample.now, self.window as f64, self.window_max, self.mtu)
                });
                self.window += epoch.growth(sample, self.window, self.window_max, self.mtu);
            }
        }
    }

    /// RFC 9438 §4.6, with the fast convergence of §4.7.
    fn reduce(&mut self) {
        let window = self.window as f64;
        let phase = std::mem::replace(&mut self.phase, Phase::Avoidance(None));
        self.before = Some(Reduced {
            window: self.window,
            slow_start_threshold: self.slow_start_threshold,
            phase,
            window_max: self.window_max,
        });
        self.window_max = if window < self.window_max {
            window * (1.0 + BETA) / 2.0
        } else {
            window
        };
        self.window = super::sample::scale(self.window, BETA).max(self.mtu * MIN_WINDOW_PACKETS);
        self.slow_start_threshold = self.window;
    }

    /// RFC 9438 §4.9: the last reduction was for nothing.
    pub(super) fn undo(&mut self) {
        let Some(before) = self.before.take() else {
            return;
        };
        self.window = self.window.max(before.window);
        self.slow_start_threshold = before.slow_start_threshold;
        self.phase = match before.phase {
            // The round trips of a pause say nothing.
            Phase::SlowStart(_) => Phase::SlowStart(HyStart::default()),
            Phase::Avoidance(_) => Phase::Avoidance(None),
        };
        self.window_max = before.window_max;
    }

    pub(super) fn on_timeout(&mut self, again: bool) {
        // RFC 5681 §3.1: the threshold stays where a retransmission times out as well.
        if !again {
            self.reduce();
        }
        self.window = self.mtu * MIN_WINDOW_PACKETS;
        self.phase = Phase::SlowStart(HyStart::default());
    }

    pub(super) fn on_restart_from_idle(&mut self, _now: Instant) {
        // RFC 9438 §5.8: the cubic clock does not run while there is nothing to send.
        if let Phase::Avoidance(epoch) = &mut self.phase {
            *epoch = None;
        }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// Twice the window per round trip in slow start, a quarter more otherwise, so that pacing
    /// spreads packets without being the limit.
    pub(super) fn pacing_rate(&self) -> Option<u64> {
        let gain = match self.phase {
            Phase::SlowStart(_) => 2.0,
            Phase::Avoidance(_) => 1.25,
        };
        let rtt = self.smoothed_rtt?.max(Duration::from_micros(1));
        Some((self.window as f64 * gain / rtt.as_secs_f64()) as u64)
    }
}

impl Epoch {
    fn start(now: Instant, window: f64, window_max: f64, mtu: usize) -> Self {
        let packets = (window_max - window).max(0.0) / mtu as f64;
        Epoch {
            started: now,
            k: float::cbrt(packets / C),
            reno_window: window,
            credit: 0.0,
        }
    }

    /// Bytes to add to the window (RFC 9438 §4.2 to §4.5).
    fn growth(&mut self, sample: &AckSample, window: usize, max: f64, mtu: usize) -> usize {
        let (window, mtu) = (window as f64, mtu as f64);
        let acked = sample.acked as f64;
        let elapsed = (sample.now - self.started + sample.smoothed_rtt).as_secs_f64();
        let plateau = max.max(if self.k == 0.0 { window } else { 0.0 });
        let cubic = plateau + C * (elapsed - self.k).powi(3) * mtu;
        let target = cubic.clamp(window, 1.5 * window);
        // §4.3: as gentle as Reno with this decrease until its old window is reached.
        let alpha = if self.reno_window < max {
            3.0 * (1.0 - BETA) / (1.0 + BETA)
        } else {
            1.0
        };
        self.reno_window += alpha * acked * mtu / window;
        let step = ((target - window) * acked / window).max(0.0);
        self.credit += step.max(self.reno_window - window - self.credit);
        let whole = self.credit.max(0.0).floor();
        self.credit -= whole;
        whole as usize
    }
}

/// Leaves slow start when the round-trip time rises, before packets are lost (RFC 9406).
#[derive(Debug, Default)]
struct HyStart {
    round_end: u64,
    round_min: Option<Duration>,
    last_min: Option<Duration>,
    samples: u32,
    /// In conservative slow start: the baseline and rounds so far.
    conservative: Option<(Duration, u32)>,
}

impl HyStart {
    const MIN_SAMPLES: u32 = 4;
    const MIN_THRESHOLD: Duration = Duration::from_millis(4);
    const MAX_THRESHOLD: Duration = Duration::from_millis(16);
    const CONSERVATIVE_ROUNDS: u32 = 5;
    const CONSERVATIVE_DIVISOR: usize = 4;

    /// Takes a SACK, and says what to divide the growth of slow start by.
    fn on_ack(&mut self, sample: &AckSample) -> usize {
        if sample.prior_delivered >= self.round_end {
            self.round_end = sample.delivered;
            self.last_min = self.round_min.take();
            self.samples = 0;
            if let Some((_, rounds)) = &mut self.conservative {
                *rounds += 1;
            }
        }
        if let Some(rtt) = sample.rtt {
            self.round_min = Some(self.round_min.map_or(rtt, |min| min.min(rtt)));
            self.samples += 1;
        }
        if let (Some(min), Some(last)) = (self.round_min, self.last_min) {
            match self.conservative {
                // RFC 9406 §4.2: the rise was spurious, go on.
                Some((baseline, _)) if min < baseline => self.conservative = None,
                None if self.samples >= Self::MIN_SAMPLES => {
                    let threshold = (last / 8).clamp(Self::MIN_THRESHOLD, Self::MAX_THRESHOLD);
                    if min >= last + threshold {
                        self.conservative = Some((min, 0));
                    }
                }
                _ => {}
            }
        }
        match self.conservative {
            Some(_) => Self::CONSERVATIVE_DIVISOR,
            None => 1,
        }
    }

    fn is_over(&self) -> bool {
        self.conservative
            .is_some_and(|(_, rounds)| rounds >= Self::CONSERVATIVE_ROUNDS)
    }
}
