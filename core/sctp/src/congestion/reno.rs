use std::time::Duration;

use super::sample::{AckSample, INITIAL_WINDOW_PACKETS};

/// Least window in packets.
const MIN_WINDOW_PACKETS: usize = 4;

/// The congestion control of RFC 9260 §7.2: slow start, then one packet more per round trip, and
/// half of it after a loss.
#[derive(Debug)]
pub(crate) struct Reno {
    mtu: usize,
    window: usize,
    slow_start_threshold: usize,
    partial_bytes_acked: usize,
    smoothed_rtt: Option<Duration>,
}

impl Reno {
    pub(super) fn new(mtu: usize) -> Self {
        Reno {
            mtu,
            window: mtu * INITIAL_WINDOW_PACKETS,
            slow_start_threshold: usize::MAX,
            partial_bytes_acked: 0,
            smoothed_rtt: None,
        }
    }

    pub(super) fn on_ack(&mut self, sample: &AckSample) {
        self.smoothed_rtt = Some(sample.smoothed_rtt);
        if sample.lost > 0 && sample.new_episode {
            self.reduce();
            self.window = self.slow_start_threshold;
        }
        if sample.acked == 0 || !sample.window_limited {
            return;
        }
        if self.window < self.slow_start_threshold {
            self.window += sample.acked;
            return;
        }
        self.partial_bytes_acked += sample.acked;
        while self.partial_bytes_acked >= self.window {
            self.partial_bytes_acked -= self.window;
            self.window += self.mtu;
        }
    }

    /// RFC 9260 §7.2.3
    fn reduce(&mut self) {
        self.slow_start_threshold = (self.window / 2).max(self.mtu * MIN_WINDOW_PACKETS);
        self.partial_bytes_acked = 0;
    }

    pub(super) fn on_timeout(&mut self) {
        self.reduce();
        self.window = self.mtu;
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    pub(super) fn pacing_rate(&self) -> Option<u64> {
        let in_slow_start = self.window < self.slow_start_threshold;
        let gain = if in_slow_start { 2.0 } else { 1.25 };
        let rtt = self.smoothed_rtt?.max(Duration::from_micros(1));
        Some((self.window as f64 * gain / rtt.as_secs_f64()) as u64)
    }
}
