use std::time::Duration;

use duologue_base::{Instant, Rng, float};
use duologue_media::cc::Bitrate;

/// What a synthetic encoder is like.
#[derive(Clone, Copy, Debug)]
pub struct EncoderConfig {
    /// Frames a second, on average.
    pub frame_rate: f64,
    /// The least that it can make.
    pub min: Bitrate,
    /// The most that it makes, whatever it is allowed.
    pub max: Bitrate,
    /// Another target is taken so long after the last at the earliest.
    pub reaction: Duration,
    /// Scale of the Laplace distribution of a frame's size, by its mean.
    pub size_noise: f64,
    /// The same of the time between frames.
    pub interval_noise: f64,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        EncoderConfig {
            frame_rate: 30.0,
            min: Bitrate::from_kbps(30),
            max: Bitrate::from_kbps(100_000),
            reaction: Duration::from_millis(200),
            size_noise: 0.1,
            interval_noise: 0.1,
        }
    }
}

/// A source of frames after the statistical model of RFC 8593 §4: sizes and intervals with Laplacian
/// noise around what the target gives, a target that is taken with a latency, and after a large change
/// a transient whose first frame is large and whose others make up for it.
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    rng: Rng,
    wanted: Bitrate,
    rate: Bitrate,
    changed: Instant,
    next: Instant,
    /// Frames of a transient that are left.
    transient: u32,
    paused: bool,
}

impl Encoder {
    /// Begins with a first frame at `start`.
    pub fn new(config: EncoderConfig, start: Instant, rng: Rng) -> Self {
        Encoder {
            config,
            rng,
            wanted: Bitrate::ZERO,
            rate: Bitrate::ZERO,
            changed: Instant::ZERO,
            next: start,
            transient: TRANSIENT,
            paused: false,
        }
    }

    /// What it may make.
    pub fn set_target(&mut self, target: Bitrate) {
        self.wanted = target.clamp(self.config.min, self.config.max);
    }

    /// It makes nothing for now, or goes on.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// When the next frame comes.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// The bytes of the frame that comes now; none while it is paused.
    pub fn frame(&mut self, now: Instant) -> usize {
        let interval = 1.0 / self.config.frame_rate;
        let noise = self.laplace(self.config.interval_noise);
        self.next = now + Duration::from_secs_f64(interval * (1.0 + noise).clamp(0.2, 3.0));
        if self.paused {
            return 0;
        }
        self.react(now);

        let mean = self.rate.bps() as f64 / 8.0 / self.config.frame_rate;
        let scale = match self.transient {
            0 => 1.0,
            TRANSIENT => FIRST_FRAME,
            _ => (f64::from(TRANSIENT) - FIRST_FRAME) / f64::from(TRANSIENT - 1),
        };
        self.transient = self.transient.saturating_sub(1);
        let noise = self.laplace(self.config.size_noise);
        (mean * scale * (1.0 + noise).clamp(0.2, 3.0)).max(50.0) as usize
    }

    fn react(&mut self, now: Instant) {
        let first = self.rate == Bitrate::ZERO;
        if !first && now - self.changed < self.config.reaction {
            return;
        }
        let change = self.wanted / self.rate;
        if !first && change > LARGE_CHANGE {
            self.transient = TRANSIENT;
        }
        self.rate = self.wanted;
        self.changed = now;
    }

    fn laplace(&mut self, scale: f64) -> f64 {
        let uniform = self.rng.unit() - 0.5;
        -scale * uniform.signum() * float::ln((1.0 - 2.0 * uniform.abs()).max(1e-9))
    }
}

/// Frames of a transient.
const TRANSIENT: u32 = 8;
/// How much larger its first one is than the mean.
const FIRST_FRAME: f64 = 3.0;
/// The rate must grow so many times for one.
const LARGE_CHANGE: f64 = 1.5;
