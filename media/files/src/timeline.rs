//! From the time stamps of frames as they were received to times of a file.

use std::time::Duration;

use duologue_base::Instant;
use duologue_media::EncodedFrame;
use duologue_rtp::Ssrc;

use crate::limits::TIME_STAMP_DRIFT;
use crate::track::time_of;

/// Of one track. Times grow by the time stamps of its frames; what its first frame's time is, and that
/// of the first frame of each other source, is said by when it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    rate: u32,
    anchor: Option<Anchor>,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    ssrc: Ssrc,
    timestamp: u32,
    /// Of the last frame, from the first one of this source.
    ticks: u64,
    /// Of the first frame of this source.
    time: Duration,
    last: Duration,
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
        let mut anchor = continued.unwrap_or(Anchor {
            ssrc: frame.ssrc,
            timestamp: frame.timestamp,
            ticks: 0,
            time: arrived.max(floor),
            last: arrived.max(floor),
        });
        anchor.last = anchor.last.max(floor);
        self.anchor = Some(anchor);
        anchor.last
    }

    /// `None` if the frame is of another source, or its time stamps are as if it were.
    fn next(&self, mut anchor: Anchor, frame: &EncodedFrame, arrived: Duration) -> Option<Anchor> {
        let step = frame.timestamp.wrapping_sub(anchor.timestamp).cast_signed();
        anchor.ticks = anchor.ticks.checked_add_signed(step.into())?;
        anchor.timestamp = frame.timestamp;
        anchor.last = anchor.time + time_of(anchor.ticks, 1, self.rate.into())?;
        let drift = anchor.last.abs_diff(arrived);
        (anchor.ssrc == frame.ssrc && drift < TIME_STAMP_DRIFT).then_some(anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_rtp::PayloadType;

    fn frame(ssrc: u32, timestamp: u32, ms: u64) -> EncodedFrame {
        EncodedFrame {
            ssrc: Ssrc(ssrc),
            encoding: 0,
            rid: None,
            payload_type: PayloadType::new(96).unwrap(),
            timestamp,
            sequence_number: 0,
            key: false,
            size: None,
            temporal: None,
            discardable: false,
            audio_level: None,
            contributing_sources: Vec::new(),
            capture_time: None,
            captured: None,
            corruption_detection: None,
            spatial: None,
            frame_id: None,
            dependencies: Vec::new(),
            data: Default::default(),
            first_received: Instant::from_nanos(ms * 1_000_000),
            received: Instant::from_nanos(ms * 1_000_000),
            repaired: false,
            sender_time: None,
        }
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
}
