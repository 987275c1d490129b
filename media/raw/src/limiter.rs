//! What gives way where there is not enough for pictures as they were asked for: first the rate, then
//! their size or how many there are.

use std::time::Duration;

use duologue_peer::DegradationPreference;
use duologue_session::QualityLimitation;

/// Of one encoding.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// What was given up, and why, the last one last.
    given_up: Vec<(Side, QualityLimitation)>,
    /// Since when there is too little, or enough for more.
    short: Option<Duration>,
    ample: Option<Duration>,
    /// How often the size was changed.
    pub(super) resolution_changes: u32,
    durations: [Duration; 4],
    last: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    Size,
    Rate,
}

/// What pictures are to be, and what there is for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) framerate: f64,
    /// What the path has room for, in bits a second; none if that is not known.
    pub(super) bitrate: Option<u64>,
    /// The share of the time between pictures that encoding takes.
    pub(super) load: f64,
    pub(super) preference: DegradationPreference,
}

impl Limiter {
    /// A picture that is of this time comes.
    pub(super) fn handle(&mut self, at: Duration, wanted: &Wanted) {
        let since = self.last.and_then(|last| at.checked_sub(last));
        self.last = Some(at);
        let reason = QualityLimitation::ALL
            .iter()
            .position(|it| *it == self.reason());
        self.durations[reason.unwrap_or(0)] += since.unwrap_or_default().min(LONGEST);

        let (bits, load) = (self.bits_a_pixel(wanted), wanted.load);
        let too_slow = load > TOO_SLOW;
        if bits < TOO_FEW_BITS || too_slow {
            self.ample = None;
            let since = *self.short.get_or_insert(at);
            if at.saturating_sub(since) >= PATIENCE {
                let reason = if too_slow {
                    QualityLimitation::Cpu
                } else {
                    QualityLimitation::Bandwidth
                };
                self.give_up(wanted, reason);
                self.short = Some(at);
            }
            return;
        }
        self.short = None;
        if bits * self.share_of_last() < ENOUGH_BITS || load / self.share_of_last() > FAST {
            self.ample = None;
            return;
        }
        let since = *self.ample.get_or_insert(at);
        if at.saturating_sub(since) >= PATIENCE_FOR_MORE {
            self.ample = Some(at);
            if let Some((Side::Size, _)) = self.given_up.pop() {
                self.resolution_changes += 1;
            }
        }
    }

    /// What each side of a picture is to be multiplied by.
    pub(super) fn scale(&self) -> f64 {
        SCALES[self.steps(Side::Size)]
    }

    /// What the frame rate is to be multiplied by.
    pub(super) fn rate(&self) -> f64 {
        RATES[self.steps(Side::Rate)]
    }

    /// `qualityLimitationReason`
    pub(super) fn reason(&self) -> QualityLimitation {
        let last = self.given_up.last();
        last.map_or(QualityLimitation::None, |(_, reason)| *reason)
    }

    /// `qualityLimitationDurations`
    pub(super) fn durations(&self) -> [Duration; 4] {
        self.durations
    }

    fn steps(&self, side: Side) -> usize {
        self.given_up.iter().filter(|(it, _)| *it == side).count()
    }

    /// What there would be for each pixel, as it is now.
    fn bits_a_pixel(&self, wanted: &Wanted) -> f64 {
        let Some(bitrate) = wanted.bitrate else {
            return f64::INFINITY;
        };
        let pixels = f64::from(wanted.width) * f64::from(wanted.height) * self.scale().powi(2);
        bitrate as f64 / (pixels * wanted.framerate * self.rate()).max(1.0)
    }

    /// The share of the pixels that there were before the last step, of those a step back.
    fn share_of_last(&self) -> f64 {
        match self.given_up.last() {
            None => 1.0,
            Some((Side::Size, _)) => {
                let steps = self.steps(Side::Size);
                (SCALES[steps] / SCALES[steps - 1]).powi(2)
            }
            Some((Side::Rate, _)) => {
                let steps = self.steps(Side::Rate);
                RATES[steps] / RATES[steps - 1]
            }
        }
    }

    fn give_up(&mut self, wanted: &Wanted, reason: QualityLimitation) {
        let least = f64::from(wanted.width.min(wanted.height)) * self.scale();
        let size = self.steps(Side::Size) + 1 < SCALES.len() && least > LEAST_SIDE;
        let rate = self.steps(Side::Rate) + 1 < RATES.len();
        let side = match wanted.preference {
            DegradationPreference::MaintainFramerate if size => Side::Size,
            DegradationPreference::MaintainResolution if rate => Side::Rate,
            DegradationPreference::Balanced if size || rate => {
                let turn = self.steps(Side::Size) > self.steps(Side::Rate);
                if rate && (turn || !size) {
                    Side::Rate
                } else {
                    Side::Size
                }
            }
            _ => return,
        };
        self.given_up.push((side, reason));
        if side == Side::Size {
            self.resolution_changes += 1;
        }
    }
}

/// Steps of three quarters and two thirds in turn.
const SCALES: [f64; 5] = [1.0, 0.75, 0.5, 0.375, 0.25];
const RATES: [f64; 5] = [1.0, 2.0 / 3.0, 0.5, 1.0 / 3.0, 1.0 / 6.0];
/// No side becomes shorter than half of it.
const LEAST_SIDE: f64 = 180.0;
/// Bits for a pixel: libwebrtc sends no 1280x720 with less than 600 kbit/s, no 640x360 below 150.
const TOO_FEW_BITS: f64 = 0.02;
const ENOUGH_BITS: f64 = 0.03;
/// Shares of the time between pictures.
const TOO_SLOW: f64 = 0.9;
const FAST: f64 = 0.6;
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_FOR_MORE: Duration = Duration::from_secs(3);
/// A source that paused was not limited.
const LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(bitrate: u64, preference: DegradationPreference) -> Wanted {
        Wanted {
            width: 1_280,
            height: 720,
            framerate: 30.0,
            bitrate: Some(bitrate),
            load: 0.2,
            preference,
        }
    }

    /// Thirty pictures a second for so long, from a second on.
    fn pass(limiter: &mut Limiter, from: u64, seconds: u64, wanted: &Wanted) {
        for frame in 30 * from..30 * (from + seconds) {
            limiter.handle(Duration::from_millis(frame * 1_000 / 30), wanted);
        }
    }

    #[test]
    fn what_gives_way_is_what_the_application_minds_less() {
        use DegradationPreference as Prefer;
        for (preference, scale, rate) in [
            (Prefer::MaintainFramerate, 0.5, 1.0),
            (Prefer::MaintainResolution, 1.0, 1.0 / 3.0),
            (Prefer::Balanced, 0.75, 2.0 / 3.0),
            (Prefer::MaintainFramerateAndResolution, 1.0, 1.0),
        ] {
            let mut limiter = Limiter::default();
            // A third of what pictures of this size need.
            pass(&mut limiter, 0, 20, &wanted(210_000, preference));
            assert_eq!(
                (limiter.scale(), limiter.rate()),
                (scale, rate),
                "{preference:?}"
            );
        }
    }

    #[test]
    fn the_size_comes_back_when_the_path_has_room_for_it_for_a_while() {
        let mut limiter = Limiter::default();
        let prefers = DegradationPreference::MaintainFramerate;
        pass(&mut limiter, 0, 5, &wanted(300_000, prefers));
        assert_eq!(limiter.scale(), 0.5);
        assert_eq!(limiter.reason(), QualityLimitation::Bandwidth);
        pass(&mut limiter, 5, 2, &wanted(2_000_000, prefers));
        assert_eq!(limiter.scale(), 0.5);
        pass(&mut limiter, 7, 8, &wanted(2_000_000, prefers));
        assert_eq!((limiter.scale(), limiter.resolution_changes), (1.0, 4));
        assert_eq!(limiter.reason(), QualityLimitation::None);
        let [none, cpu, bandwidth, other] = limiter.durations().map(|it| it.as_secs());
        assert_eq!((cpu, other), (0, 0));
        assert!((5..=12).contains(&bandwidth) && none + bandwidth >= 13);
    }

    #[test]
    fn a_rate_between_the_two_limits_changes_nothing_again_and_again() {
        let mut limiter = Limiter::default();
        let prefers = DegradationPreference::MaintainFramerate;
        // Too little for 720 rows; at 540 there is enough, but not for more.
        pass(&mut limiter, 0, 60, &wanted(500_000, prefers));
        assert_eq!((limiter.scale(), limiter.resolution_changes), (0.75, 1));
    }

    #[test]
    fn who_encodes_too_slowly_sends_less_and_nothing_is_known_without_feedback() {
        let mut limiter = Limiter::default();
        let slow = Wanted {
            bitrate: None,
            load: 1.5,
            ..wanted(0, DegradationPreference::Balanced)
        };
        pass(&mut limiter, 0, 2, &slow);
        assert_eq!(limiter.reason(), QualityLimitation::Cpu);
        assert!(limiter.scale() < 1.0);
        let mut limiter = Limiter::default();
        pass(&mut limiter, 0, 60, &Wanted { load: 0.5, ..slow });
        assert_eq!((limiter.scale(), limiter.rate()), (1.0, 1.0));
    }
}
