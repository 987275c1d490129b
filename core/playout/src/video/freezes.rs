use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use super::VideoStatistics;

/// What frames that are shown tell: freezes and pauses.
#[derive(Debug, Default)]
pub(crate) struct Freezes {
    last: Option<Instant>,
    /// Between the last frames.
    durations: VecDeque<Duration>,
}

impl Freezes {
    /// A frame is shown.
    pub(crate) fn handle(&mut self, at: Instant, statistics: &mut VideoStatistics) {
        statistics.frames_rendered += 1;
        let Some(last) = self.last.replace(at) else {
            return;
        };
        let duration = at - last;
        let seconds = duration.as_secs_f64();
        statistics.total_inter_frame_delay += duration;
        statistics.total_squared_inter_frame_delay += seconds * seconds;

        // webrtc-stats, "freezeCount": an interval of at least max(3 · average, average + 150 ms), by the
        // last 30 frames.
        if self.durations.len() >= LEAST_FRAMES {
            let sum: Duration = self.durations.iter().sum();
            let average = sum / self.durations.len() as u32;
            if duration >= (average * 3).max(average + FREEZE) {
                statistics.freeze_count += 1;
                statistics.total_freezes_duration += duration;
            }
        }
        // webrtc-stats, "pauseCount": when a frame is rendered after more than five seconds.
        if duration > PAUSE {
            statistics.pause_count += 1;
            statistics.total_pauses_duration += duration;
        }
        if self.durations.len() >= FRAMES {
            self.durations.pop_front();
        }
        self.durations.push_back(duration);
    }
}

const FRAMES: usize = 30;
/// So many make an average.
const LEAST_FRAMES: usize = 5;
const FREEZE: Duration = Duration::from_millis(150);
const PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(gaps: &[u64]) -> VideoStatistics {
        let mut statistics = VideoStatistics::default();
        let mut freezes = Freezes::default();
        let mut at = Instant::from_nanos(1);
        freezes.handle(at, &mut statistics);
        for gap in gaps {
            at += Duration::from_millis(*gap);
            freezes.handle(at, &mut statistics);
        }
        statistics
    }

    #[test]
    fn a_freeze_is_three_frames_or_150_ms_more_than_one() {
        let fast = [&[33; 30][..], &[182]].concat();
        assert_eq!(shown(&fast).freeze_count, 0);
        let fast = [&[33; 30][..], &[183]].concat();
        assert_eq!(shown(&fast).freeze_count, 1);
        assert_eq!(
            shown(&fast).total_freezes_duration,
            Duration::from_millis(183)
        );
        let slow = [&[200; 30][..], &[599]].concat();
        assert_eq!(shown(&slow).freeze_count, 0);
        let slow = [&[200; 30][..], &[600]].concat();
        assert_eq!(shown(&slow).freeze_count, 1);
    }

    #[test]
    fn a_pause_is_more_than_five_seconds() {
        let statistics = shown(&[33, 5_000, 5_001]);
        assert_eq!(statistics.pause_count, 1);
        assert_eq!(
            statistics.total_pauses_duration,
            Duration::from_millis(5_001)
        );
        assert_eq!(statistics.frames_rendered, 4);
        assert_eq!(
            statistics.total_inter_frame_delay,
            Duration::from_millis(10_034)
        );
    }
}
