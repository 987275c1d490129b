use std::time::Duration;

use duologue_base::{Instant, float};

use crate::audio::nanos;

/// How much later than in the mean frames come: what large ones take longer on the way, and noise.
/// A Kalman filter tells one from the other.
#[derive(Debug)]
pub(crate) struct Jitter {
    clock_rate: u32,
    last: Option<Last>,
    /// Seconds a byte, and seconds.
    slope: f64,
    offset: f64,
    covariance: [[f64; 2]; 2],
    /// Seconds a byte between a frame's first packet and its last, the most lately.
    spread: f64,
    /// Of what the two do not explain.
    noise: f64,
    noise_mean: f64,
    frames: u32,
    mean_bytes: f64,
    most_bytes: f64,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    arrival: Instant,
    timestamp: i64,
    bytes: f64,
}

impl Jitter {
    pub(crate) fn new(clock_rate: u32) -> Self {
        Jitter {
            clock_rate,
            last: None,
            slope: FIRST_SLOPE,
            offset: 0.0,
            covariance: [[1e-10, 0.0], [0.0, 1e-4]],
            spread: FIRST_SLOPE,
            noise: 4e-6,
            noise_mean: 0.0,
            frames: 0,
            mean_bytes: 500.0,
            most_bytes: 500.0,
        }
    }

    /// A frame is complete, from its first packet to its last.
    pub(crate) fn handle(
        &mut self,
        (first, arrival): (Instant, Instant),
        timestamp: i64,
        bytes: usize,
    ) {
        self.see_spread(arrival - first, bytes as f64);
        let now = Last {
            arrival,
            timestamp,
            bytes: bytes as f64,
        };
        let Some(last) = self.last.replace(now) else {
            self.mean_bytes = now.bytes;
            self.most_bytes = now.bytes;
            return;
        };
        self.frames = self.frames.saturating_add(1);
        self.mean_bytes += (now.bytes - self.mean_bytes) * MEAN_FOLLOWS;
        self.most_bytes = (self.most_bytes * MOST_KEEPS).max(now.bytes);

        let sent = nanos(timestamp.saturating_sub(last.timestamp), self.clock_rate) as f64 / 1e9;
        let came = seconds_between(last.arrival, arrival);
        let variation = came - sent;
        if !(0.0..PAUSE).contains(&sent) || variation.abs() > PAUSE {
            return;
        }
        self.correct(now.bytes - last.bytes, variation);
    }

    /// What to wait for, beyond the mean.
    pub(crate) fn get(&self) -> Duration {
        if self.frames < FIRST_FRAMES {
            return FIRST;
        }
        // What takes the way of a frame longer is seen within it, too: a beginning at which the sender had to go slowly is
        // not to be waited for until the filter has forgotten it.
        let slope = self.slope.min(self.spread);
        let of_size = slope * (self.most_bytes - self.mean_bytes).max(0.0);
        // Two frames that are late independently of each other differ by twice the variance of one.
        let of_noise = DEVIATIONS * (self.noise / 2.0).sqrt() - UNSEEN;
        let of_noise = of_noise.max(LEAST);
        let all = (of_size + of_noise).clamp(0.0, MOST);
        Duration::from_secs_f64(all)
    }

    /// Frames of few packets tell nothing.
    fn see_spread(&mut self, spread: Duration, bytes: f64) {
        let behind_first = bytes - PACKET;
        if behind_first >= PACKET {
            let now = spread.as_secs_f64() / behind_first;
            self.spread = (self.spread * SPREAD_KEEPS).max(now).min(SLOPE_MOST);
        }
    }

    fn correct(&mut self, bytes: f64, variation: f64) {
        let residual = variation - self.slope * bytes - self.offset;
        // One frame that is very late tells of the moment and not of the path.
        let most = OUTLIER * self.noise.sqrt();
        let residual = residual.clamp(-most, most);
        self.estimate_noise(residual);

        let p = &mut self.covariance;
        p[0][0] += SLOPE_MOVES;
        p[1][1] += OFFSET_MOVES;
        let gain = [p[0][0] * bytes + p[0][1], p[1][0] * bytes + p[1][1]];
        // Deltas that are small beside the largest frame say little of the slope.
        let trust =
            (300.0 * float::exp(-bytes.abs() / self.most_bytes.max(1.0)) + 1.0) * self.noise;
        let scale = (bytes * gain[0] + gain[1] + trust).max(1e-12);
        let gain = gain.map(|it| it / scale);
        self.slope = (self.slope + gain[0] * residual).clamp(SLOPE_LEAST, SLOPE_MOST);
        self.offset += gain[1] * residual;

        let row = [bytes * p[0][0] + p[1][0], bytes * p[0][1] + p[1][1]];
        for (line, gain) in p.iter_mut().zip(gain) {
            for (cell, row) in line.iter_mut().zip(row) {
                *cell -= gain * row;
            }
        }
        if !(0.0..1.0).contains(&p[0][0]) || !(0.0..1.0).contains(&p[1][1]) {
            self.covariance = [[1e-10, 0.0], [0.0, 1e-4]];
        }
    }

    fn estimate_noise(&mut self, residual: f64) {
        let follows = 1.0 / f64::from(self.frames.clamp(1, NOISE_FRAMES));
        let off = residual - self.noise_mean;
        self.noise_mean += off * follows;
        let noise = self.noise + (off * off - self.noise) * follows;
        self.noise = noise.clamp(1e-8, MOST * MOST);
    }
}

fn seconds_between(a: Instant, b: Instant) -> f64 {
    (b - a).as_secs_f64() - (a - b).as_secs_f64()
}

/// Before anything is known, in ten frames.
const FIRST: Duration = Duration::from_millis(30);
const FIRST_FRAMES: u32 = 10;
/// A link of 2 Mbit/s, at first.
const FIRST_SLOPE: f64 = 8.0 / 2_000_000.0;
/// A tenth is left after four seconds.
const SPREAD_KEEPS: f64 = 0.98;
/// Bytes of a packet that is full.
const PACKET: f64 = 1_200.0;
const MEAN_FOLLOWS: f64 = 0.03;
const MOST_KEEPS: f64 = 0.999;
const NOISE_FRAMES: u32 = 400;
/// 99 % of frames of a normal distribution.
const DEVIATIONS: f64 = 2.33;
/// What noise alone may delay a picture without being waited for: at thirty a second that is less than half of the
/// time that one is seen. To wait for it would make each picture of a call later. libwebrtc leaves 30 ms out.
const UNSEEN: f64 = 0.015;
const OUTLIER: f64 = 15.0;
const SLOPE_MOVES: f64 = 1e-14;
const OFFSET_MOVES: f64 = 1e-16;
/// 800 Mbit/s, and 8 kbit/s.
const SLOPE_LEAST: f64 = 1e-8;
const SLOPE_MOST: f64 = 1e-3;
/// Where nothing varies.
const LEAST: f64 = 0.001;
const MOST: f64 = 5.0;
/// Beyond it, it was no way that a packet took, in seconds.
const PAUSE: f64 = 10.0;

#[cfg(test)]
mod tests {
    use duologue_base::Rng;

    use super::*;

    /// The estimate after frames of `bytes(n)` over a link, each late by `late(n)` milliseconds, which its packets take.
    fn after(
        frames: u64,
        bytes: impl Fn(u64) -> usize,
        mut late: impl FnMut(u64) -> f64,
    ) -> Duration {
        let mut jitter = Jitter::new(90_000);
        for frame in 0..frames {
            let ms = 1_000.0 + frame as f64 * 1_000.0 / 30.0;
            let at = |ms: f64| Instant::from_nanos((ms * 1e6) as u64);
            let arrival = at(ms + late(frame));
            jitter.handle((at(ms), arrival), frame as i64 * 3_000, bytes(frame));
        }
        jitter.get()
    }

    #[test]
    fn a_quiet_network_has_next_to_none() {
        assert!(after(300, |_| 5_000, |_| 0.0) < Duration::from_millis(10));
    }

    #[test]
    fn noise_is_waited_for() {
        let mut rng = Rng::from_u64(1);
        let jitter = after(900, |_| 5_000, |_| rng.unit() * 40.0);
        // None is later than 20 ms beyond the mean, which deviates by 11.5 ms.
        assert!((8..17).contains(&jitter.as_millis()), "{jitter:?}");
        let jitter = after(900, |_| 5_000, |_| rng.unit() * 20.0);
        assert!(jitter < Duration::from_millis(2), "not seen: {jitter:?}");
    }

    #[test]
    fn large_frames_are_waited_for_by_what_the_link_takes() {
        // 4 Mbit/s: a key frame of 60 kB each second takes 120 ms, others 10.
        let bytes = |n: u64| if n.is_multiple_of(30) { 60_000 } else { 5_000 };
        let jitter = after(900, bytes, |n| bytes(n) as f64 * 8.0 / 4_000.0);
        assert!((70..170).contains(&jitter.as_millis()), "{jitter:?}");
    }

    #[test]
    fn a_slow_beginning_is_forgotten_within_seconds() {
        // A key frame and a second at the pace of a sender that does not know the path yet; then frames are there at once.
        let bytes = |n: u64| {
            if n == 0 {
                24_000
            } else {
                8_000 + n as usize * 997 % 3_000
            }
        };
        let late = |n: u64| {
            if n < 30 {
                bytes(n) as f64 * 8.0 / 1_500.0
            } else {
                0.1
            }
        };
        assert!(after(30, bytes, late) > Duration::from_millis(30));
        let jitter = after(150, bytes, late);
        assert!(jitter < Duration::from_millis(10), "{jitter:?}");
    }

    #[test]
    fn anything_is_borne() {
        let mut jitter = Jitter::new(1);
        for n in [0, u64::MAX, 5, u64::MAX / 2, 7] {
            for timestamp in [0, i64::MAX, i64::MIN] {
                let at = Instant::from_nanos(n);
                jitter.handle((Instant::ZERO, at), timestamp, usize::MAX);
                jitter.handle((at, Instant::ZERO), timestamp, 0);
            }
        }
        assert!(jitter.get() <= Duration::from_secs(5));
    }
}
