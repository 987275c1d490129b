use std::time::Duration;

use duologue_base::Instant;

/// When a frame would arrive if the network were always as fast as it is in the mean: a line through
/// time stamps and arrivals, by recursive least squares. It follows a clock that is off.
#[derive(Debug)]
pub(crate) struct Extrapolator {
    clock_rate: f64,
    begun: Option<Begun>,
}

#[derive(Clone, Copy, Debug)]
struct Begun {
    at: Instant,
    timestamp: i64,
    last: Instant,
    /// Seconds of the stream's clock a second, and at the begin.
    slope: f64,
    offset: f64,
    /// The covariance of the two.
    covariance: [[f64; 2]; 2],
    /// How far frames were off in one direction lately, in seconds: another path.
    early: f64,
    late: f64,
}

impl Extrapolator {
    pub(crate) fn new(clock_rate: u32) -> Self {
        Extrapolator {
            clock_rate: f64::from(clock_rate),
            begun: None,
        }
    }

    /// A frame with this extended time stamp came.
    pub(crate) fn handle(&mut self, arrival: Instant, timestamp: i64) {
        let fits = |it: &Begun| arrival - it.last < LONGEST_GAP && arrival >= it.at;
        let Some(mut begun) = self.begun.filter(fits) else {
            self.begun = Some(Begun::new(arrival, timestamp));
            return;
        };
        let seconds = (arrival - begun.at).as_secs_f64();
        let sent = timestamp.saturating_sub(begun.timestamp) as f64 / self.clock_rate;
        let residual = sent - seconds * begun.slope - begun.offset;
        if begun.has_moved(residual) {
            self.begun = Some(Begun::new(arrival, timestamp));
            return;
        }
        begun.correct(seconds, residual);
        begun.last = begun.last.max(arrival);

        // A clock is off by millionths; what says otherwise is no clock, and begins anew.
        let likely = (begun.slope - 1.0).abs() < SLOPE_MOST;
        self.begun = likely.then_some(begun);
    }

    /// When it would arrive; `None` before the first frame.
    pub(crate) fn arrival(&self, timestamp: i64) -> Option<Instant> {
        let begun = self.begun?;
        let sent = timestamp.saturating_sub(begun.timestamp) as f64 / self.clock_rate;
        let seconds = (sent - begun.offset) / begun.slope;
        Some(later(begun.at, seconds))
    }
}

impl Begun {
    fn new(at: Instant, timestamp: i64) -> Self {
        Begun {
            at,
            timestamp,
            last: at,
            slope: 1.0,
            offset: 0.0,
            covariance: [[SLOPE_UNSURE, 0.0], [0.0, UNSURE]],
            early: 0.0,
            late: 0.0,
        }
    }

    /// One step of recursive least squares without forgetting.
    fn correct(&mut self, seconds: f64, residual: f64) {
        let p = self.covariance;
        let gain = [p[0][0] * seconds + p[0][1], p[1][0] * seconds + p[1][1]];
        let scale = NOISE + seconds * gain[0] + gain[1];
        let gain = gain.map(|it| it / scale);
        self.slope += gain[0] * residual;
        self.offset += gain[1] * residual;

        let row = [seconds * p[0][0] + p[1][0], seconds * p[0][1] + p[1][1]];
        for (line, gain) in self.covariance.iter_mut().zip(gain) {
            for (cell, row) in line.iter_mut().zip(row) {
                *cell -= gain * row;
            }
        }
    }

    /// By cumulated sums: frames have been off in one direction for long enough.
    fn has_moved(&mut self, off: f64) -> bool {
        let off = off.clamp(-MOST_OFF, MOST_OFF);
        self.early = (self.early + off - SLACK).max(0.0);
        self.late = (self.late - off - SLACK).max(0.0);
        let moved = self.early > ALARM || self.late > ALARM;
        if moved {
            (self.early, self.late) = (0.0, 0.0);
        }
        moved
    }
}

fn later(at: Instant, seconds: f64) -> Instant {
    let time = Duration::try_from_secs_f64(seconds.abs()).unwrap_or(Duration::MAX);
    if seconds < 0.0 { at - time } else { at + time }
}

/// A pause after which it begins anew.
const LONGEST_GAP: Duration = Duration::from_secs(10);
/// How far frames are off the line, in seconds squared: ten milliseconds.
const NOISE: f64 = 1e-4;
/// Of the offset at first: a second.
const UNSURE: f64 = 1.0;
/// Of the slope at first: 500 millionths.
const SLOPE_UNSURE: f64 = 2.5e-7;
const SLOPE_MOST: f64 = 0.01;
/// In seconds: what one frame counts at most, what is only jitter, and what is another path.
const MOST_OFF: f64 = 0.1;
const SLACK: f64 = 0.073;
const ALARM: f64 = 0.667;

#[cfg(test)]
mod tests {
    use duologue_base::Rng;

    use super::*;

    fn ms(ms: f64) -> Instant {
        Instant::from_nanos((ms * 1e6) as u64)
    }

    /// How far off the arrival of a frame is foretold, in milliseconds, after 30 frames a second.
    fn error(seconds: u64, drift_ppm: f64, jitter_ms: f64, jump_ms: f64) -> f64 {
        let mut extrapolator = Extrapolator::new(90_000);
        let mut rng = Rng::from_u64(3);
        let frames = seconds * 30;
        let sent = |frame: u64| frame as f64 * 1_000.0 / 30.0 / (1.0 + drift_ppm / 1e6);
        let way = |frame: u64| {
            if frame > frames / 2 {
                1_100.0 + jump_ms
            } else {
                1_100.0
            }
        };
        for frame in 0..frames {
            let jitter = rng.unit() * jitter_ms;
            let arrival = ms(sent(frame) + way(frame) + jitter);
            extrapolator.handle(arrival, frame as i64 * 3_000);
        }
        let foretold = extrapolator.arrival(frames as i64 * 3_000).unwrap();
        let expected = sent(frames) + way(frames) + jitter_ms / 2.0;
        foretold.as_nanos() as f64 / 1e6 - expected
    }

    #[test]
    fn it_follows_the_clock_through_jitter() {
        for (seconds, drift, jitter) in [(5, 0.0, 20.0), (60, 200.0, 20.0), (600, -200.0, 60.0)] {
            let error = error(seconds, drift, jitter, 0.0);
            assert!(error.abs() < 5.0, "{seconds} s, {drift} ppm: {error} ms");
        }
    }

    #[test]
    fn it_follows_a_path_that_gets_longer() {
        for jump in [300.0, -300.0] {
            let error = error(60, 0.0, 5.0, jump);
            assert!(error.abs() < 5.0, "{jump}: {error} ms");
        }
    }

    #[test]
    fn any_time_is_borne() {
        let mut extrapolator = Extrapolator::new(90_000);
        assert_eq!(extrapolator.arrival(0), None);
        for n in [0, i64::MAX, i64::MIN, 7, i64::MAX] {
            extrapolator.handle(Instant::from_nanos(n as u64), n);
            extrapolator.handle(Instant::ZERO, n);
            extrapolator.arrival(n);
        }
    }
}
