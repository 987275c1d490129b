//! From the time stamps of frames as they were received to times of a file.

use std::time::Duration;

use duologue_base::Instant;
use duologue_media::EncodedFrame;
use duologue_rtp::Ssrc;

use crate::limits::{FOLLOWED_DRIFT, FOLLOWED_WITHIN, LATE_PATIENCE, LATEST, TIME_STAMP_DRIFT};

/// Of one track. Times grow by the time stamps of its frames; what its first frame's time is, and that
/// of the first frame of each other source, is said by when it arrived. The clock of a sender that is faster or slower
/// than ours is followed little by little, else tracks of two clocks would drift apart for as long as it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    rate: u32,
    anchor: Option<Anchor>,
}

/// What is known of the last frame.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    ssrc: Ssrc,
    timestamp: u32,
    arrived: Duration,
    /// In nanoseconds: its own time, which is below that of the frame before if their order is not that of time.
    nanos: i128,
    /// What was said.
    last: Duration,
    late: Option<Late>,
}

/// Frames come much later than their time stamps say. A network that stalled has them come faster then, until they are
/// as early as before; a sender that stopped its clock has them come later for good.
#[derive(Clone, Copy, Debug)]
struct Late {
    /// By how much, in nanoseconds: the least so far.
    by: i128,
    /// When it was that.
    since: Duration,
}

impl Timeline {
    pub(crate) fn new(rate: u32) -> Self {
        Timeline { rate, anchor: None }
    }

    /// As if no frame had come.
    pub(crate) fn reset(&mut self) {
        self.anchor = None;
    }

    /// The time of a frame of a file that begins with `origin`, not below that of the one before.
    pub(crate) fn place(&mut self, frame: &EncodedFrame, origin: Instant) -> Duration {
        let arrived = frame.received - origin;
        let continued = self
            .anchor
            .and_then(|anchor| self.next(anchor, frame, arrived));
        let floor = self.anchor.map_or(Duration::ZERO, |anchor| anchor.last);
        let (nanos, late) = continued.unwrap_or((nanos(arrived.max(floor)), None));
        let time = u64::try_from(nanos).unwrap_or(0);
        let last = Duration::from_nanos(time).max(floor);
        self.anchor = Some(Anchor {
            ssrc: frame.ssrc,
            timestamp: frame.timestamp,
            arrived,
            nanos,
            last,
            late,
        });
        last
    }

    /// `None` if the frame is of another source, or its time stamps are as if it were.
    fn next(
        &self,
        anchor: Anchor,
        frame: &EncodedFrame,
        arrived: Duration,
    ) -> Option<(i128, Option<Late>)> {
        let ticks = frame.timestamp.wrapping_sub(anchor.timestamp).cast_signed();
        let step = i128::from(ticks) * SECOND / i128::from(self.rate);
        let arrival = nanos(arrived) - nanos(anchor.arrived);
        let drift = nanos(TIME_STAMP_DRIFT);
        let stalled = step >= 0 && (drift..=nanos(LATEST)).contains(&(arrival - step));
        if anchor.ssrc != frame.ssrc || ((step - arrival).abs() >= drift && !stalled) {
            return None;
        }

        let time = anchor.nanos + step;
        let (ahead, most) = (time - nanos(arrived), nanos(FOLLOWED_DRIFT));
        let late = match anchor.late {
            _ if -ahead < most => None,
            None if -ahead < drift => None,
            // It gets no better.
            Some(late) if -ahead > late.by - most => Some(late),
            _ => Some(Late {
                by: -ahead,
                since: arrived,
            }),
        };
        match late {
            // What was sent again arrives after what is behind it.
            Some(late) if arrived.saturating_sub(late.since) <= LATE_PATIENCE => {
                return Some((time, Some(late)));
            }
            Some(_) if -ahead >= drift => return None,
            _ => {}
        }
        let beyond = ahead - ahead.clamp(-most, most);
        let within = nanos(FOLLOWED_WITHIN);
        let pull = beyond * step.clamp(0, within) / within;
        Some((time - pull, None))
    }
}

fn nanos(time: Duration) -> i128 {
    time.as_nanos().cast_signed()
}

const SECOND: i128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use duologue_rtp::PayloadType;

    use super::*;

    fn frame(ssrc: u32, timestamp: u32, ms: u64) -> EncodedFrame {
        EncodedFrame::new(
            Ssrc(ssrc),
            PayloadType::new(96).unwrap(),
            timestamp,
            Instant::from_nanos(ms * 1_000_000),
            Bytes::new(),
        )
    }

    fn times(frames: &[EncodedFrame]) -> Vec<u128> {
        let mut timeline = Timeline::new(90_000);
        let placed = frames
            .iter()
            .map(|frame| timeline.place(frame, Instant::ZERO));
        placed.map(|time| time.as_millis()).collect()
    }

    #[test]
    fn times_are_those_of_the_time_stamps_and_not_of_the_arrival() {
        let frames = [
            frame(1, 4_294_965_796, 500),
            frame(1, 1_500, 560),
            frame(1, 4_500, 561),
        ];
        assert_eq!(times(&frames), [500, 533, 566]);
    }

    #[test]
    fn another_source_goes_on_when_it_arrived() {
        let frames = [
            frame(1, 0, 0),
            frame(1, 3_000, 33),
            frame(2, 777_777, 80),
            frame(2, 780_777, 120),
        ];
        assert_eq!(times(&frames), [0, 33, 80, 113]);
    }

    #[test]
    fn time_stamps_that_jump_are_those_of_another_source() {
        let frames = [
            frame(1, 0, 0),
            frame(1, 90_000_000, 33),
            frame(1, 90_003_000, 70),
        ];
        assert_eq!(times(&frames), [0, 33, 66]);
    }

    #[test]
    fn no_time_is_below_the_one_before() {
        let frames = [frame(1, 90_000, 0), frame(1, 93_000, 33), frame(2, 0, 10)];
        assert_eq!(times(&frames), [0, 33, 33]);
    }

    /// Five minutes of a sender whose clock is off by so many parts of a thousand, as it arrives.
    fn of_clock(off: i64) -> (Vec<EncodedFrame>, Vec<Duration>) {
        let frames =
            (0..6_000).map(|n| frame(1, (n * 4_500 * (1_000 + off) / 1_000) as u32, n as u64 * 50));
        let frames: Vec<_> = frames.collect();
        let mut timeline = Timeline::new(90_000);
        let placed = frames.iter().map(|it| timeline.place(it, Instant::ZERO));
        let placed = placed.collect();
        (frames, placed)
    }

    #[test]
    fn the_clock_of_a_sender_that_is_off_is_followed_without_a_jump() {
        for off in [-20, 20] {
            let (frames, placed) = of_clock(off);
            for pair in placed.windows(2) {
                let step = (pair[1] - pair[0]).as_millis();
                assert!((47..=53).contains(&step), "{off}: {step} ms");
            }
            for (frame, placed) in frames.iter().zip(&placed) {
                let wrong = placed.abs_diff(frame.received - Instant::ZERO);
                assert!(wrong < Duration::from_millis(1_500), "{off}: {wrong:?}");
            }
        }
    }

    #[test]
    fn frames_that_come_late_and_together_have_their_times_again() {
        // Ten a second; a network that takes nothing for so long from the first second on, and then all at once.
        for stall in [1_800, 5_000, 12_000] {
            let arrives = |n: u64| match n * 100 {
                at if (1_000..1_000 + stall).contains(&at) => 1_000 + stall,
                at => at,
            };
            let frames = (0..300).map(|n| frame(1, n * 9_000, arrives(n.into())));
            let frames: Vec<_> = frames.collect();
            for (n, time) in (0..).zip(times(&frames)) {
                assert!(time.abs_diff(n * 100) < 100, "{stall}, {n}: {time} ms");
            }
        }
    }

    #[test]
    fn a_late_frame_that_was_whole_before_the_one_ahead_of_it_has_its_time() {
        // What completed the second one was sent again.
        let frames = [
            frame(1, 0, 0),
            frame(1, 9_000, 5_000),
            frame(1, 12_000, 4_990),
        ];
        assert_eq!(times(&frames), [0, 100, 133]);
    }

    #[test]
    fn a_sender_whose_clock_stood_still_is_followed_after_a_second() {
        let arrives = |n: u64| n * 100 + if n < 10 { 0 } else { 5_000 };
        let frames = (0..60).map(|n| frame(1, n * 9_000, arrives(n.into())));
        let frames: Vec<_> = frames.collect();
        let placed = times(&frames);
        assert!(placed.is_sorted());
        for (n, time) in (0..).zip(placed).skip(10 + 12) {
            assert!(time.abs_diff(u128::from(arrives(n))) < 30, "{n}: {time} ms");
        }
    }
}
