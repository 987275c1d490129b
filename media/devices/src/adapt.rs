//! What a track makes of its device's pieces: cut, made smaller, left out, mixed; black and silence.

use std::time::Duration;

use duologue_codec::{AudioData, Scaler, VideoFrame};

use crate::MediaTrackSettings;

/// What pictures a track is to give.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VideoTarget {
    size: Option<(u32, u32)>,
    frame_rate: Option<f64>,
}

impl VideoTarget {
    pub(crate) fn of(settings: &MediaTrackSettings) -> Self {
        VideoTarget {
            size: settings.width.zip(settings.height),
            frame_rate: settings.frame_rate,
        }
    }
}

/// Of one track.
#[derive(Debug, Default)]
pub(crate) struct VideoAdapter {
    scaler: Scaler,
    /// When the next picture is due.
    next: Option<Duration>,
    black: Option<VideoFrame>,
}

impl VideoAdapter {
    /// None where it is left out, or has no size that can be.
    pub(crate) fn adapt(
        &mut self,
        frame: &VideoFrame,
        target: &VideoTarget,
        enabled: bool,
    ) -> Option<VideoFrame> {
        if !self.takes(frame.timestamp, target.frame_rate) {
            return None;
        }
        let (width, height) = target.size.unwrap_or((frame.width(), frame.height()));
        if !enabled {
            let black = self.black.take();
            let fits = black.filter(|it| (it.width(), it.height()) == (width, height));
            let black = fits.or_else(|| VideoFrame::black(width, height).ok())?;
            self.black = Some(black.clone());
            return Some(black.at(frame.timestamp));
        }
        if (frame.width(), frame.height()) == (width, height) {
            return Some(frame.clone());
        }
        let cut = cut(frame, width, height)?;
        self.scaler.scale(&cut, width, height).ok()
    }

    fn takes(&mut self, at: Duration, rate: Option<f64>) -> bool {
        let Some(step) = rate.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok()) else {
            return true;
        };
        let next = self.next.unwrap_or(at);
        // A source that began anew, or that paused.
        let longer = at.saturating_add(step.saturating_mul(2));
        if longer < next || at > next.saturating_add(step) {
            self.next = Some(at.saturating_add(step));
            return true;
        }
        // Cameras are not exact.
        if at.saturating_add(step / 4) < next {
            return false;
        }
        self.next = Some(next.saturating_add(step));
        true
    }
}

/// The middle of a picture, as large as its shape allows.
fn cut(frame: &VideoFrame, width: u32, height: u32) -> Option<VideoFrame> {
    let (from, to) = (u64::from(frame.width()), u64::from(frame.height()));
    let (width, height) = (u64::from(width), u64::from(height));
    let (wide, high) = match from * height > to * width {
        true => ((to * width).div_ceil(height).min(from), to),
        false => (from, (from * height).div_ceil(width).min(to)),
    };
    let (left, top) = ((from - wide) / 2, (to - high) / 2);
    frame
        .crop(left as u32, top as u32, wide as u32, high as u32)
        .ok()
}

/// Of one track.
#[derive(Debug, Default)]
pub(crate) struct AudioAdapter;

impl AudioAdapter {
    pub(crate) fn adapt(
        &mut self,
        data: &AudioData,
        channels: Option<u32>,
        enabled: bool,
    ) -> Option<AudioData> {
        let wanted = match channels {
            Some(1) => 1,
            Some(2) => 2,
            _ => data.channels(),
        };
        if enabled && data.channels() == wanted {
            return Some(data.clone());
        }
        let samples = match enabled {
            true => mix(data, wanted),
            false => vec![0.0; data.frames() * usize::from(wanted)],
        };
        let made = AudioData::new(samples.into(), data.sample_rate(), wanted);
        made.ok().map(|it| it.at(data.timestamp))
    }
}

/// The samples of a sound in one channel or two.
pub(crate) fn mix(data: &AudioData, channels: u8) -> Vec<f32> {
    match (data.channels(), channels) {
        (2, 1) => {
            let pairs = data.samples().chunks_exact(2);
            pairs.map(|it| (it[0] + it[1]) / 2.0).collect()
        }
        (1, 2) => data.samples().iter().flat_map(|it| [*it, *it]).collect(),
        _ => data.samples().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_codec::pattern;

    fn target(width: u32, height: u32, frame_rate: f64) -> VideoTarget {
        VideoTarget {
            size: Some((width, height)),
            frame_rate: Some(frame_rate),
        }
    }

    #[test]
    fn pictures_are_cut_in_the_middle_and_made_smaller() {
        let mut adapter = VideoAdapter::default();
        let whole = pattern::draw(77, 640, 480).unwrap();
        let same = adapter
            .adapt(&whole, &target(640, 480, 30.0), true)
            .unwrap();
        assert_eq!(
            same.planes()[0].data.as_ptr(),
            whole.planes()[0].data.as_ptr()
        );
        for (at, (width, height)) in [
            (320, 240),
            (480, 480),
            (640, 2),
            (2, 480),
            (1, 1),
            (333, 111),
        ]
        .into_iter()
        .enumerate()
        {
            let frame = whole.clone().at(Duration::from_secs(at as u64 + 1));
            let made = adapter
                .adapt(&frame, &target(width, height, 30.0), true)
                .unwrap();
            assert_eq!((made.width(), made.height()), (width, height));
        }
        let small = whole.at(Duration::from_secs(60));
        let small = adapter
            .adapt(&small, &target(320, 240, 30.0), true)
            .unwrap();
        assert_eq!(pattern::number(&small), Some(77));
    }

    #[test]
    fn as_many_pictures_are_left_out_as_the_rate_says() {
        for (rate, expected) in [(30.0, 300), (15.0, 150), (10.0, 100), (7.0, 70), (0.5, 5)] {
            let mut adapter = VideoAdapter::default();
            let frame = VideoFrame::black(16, 16).unwrap();
            let taken = (0..300_u32).filter(|at| {
                // Not exact, as cameras are not.
                let wobble = Duration::from_millis(u64::from(at % 3));
                let frame = frame
                    .clone()
                    .at(Duration::from_micros(33_333) * *at + wobble);
                adapter.adapt(&frame, &target(16, 16, rate), true).is_some()
            });
            let taken = taken.count();
            assert!(
                taken.abs_diff(expected) <= 1 + expected / 50,
                "{rate}: {taken}"
            );
        }
    }

    #[test]
    fn one_picture_in_the_age_of_the_world_is_one() {
        for rate in [f64::MIN_POSITIVE, 1e-19, 1e-10] {
            let mut adapter = VideoAdapter::default();
            let frame = VideoFrame::black(16, 16).unwrap();
            let taken = (0..10).filter(|at| {
                let frame = frame.clone().at(Duration::from_secs(*at));
                adapter.adapt(&frame, &target(16, 16, rate), true).is_some()
            });
            let taken = taken.count();
            assert!(taken == 1 || rate == f64::MIN_POSITIVE, "{rate}: {taken}");
        }
    }

    #[test]
    fn a_track_that_is_not_enabled_gives_black_and_silence_of_its_shape() {
        let mut adapter = VideoAdapter::default();
        let frame = pattern::draw(1, 64, 48).unwrap().at(Duration::from_secs(3));
        let black = adapter.adapt(&frame, &target(32, 24, 30.0), false).unwrap();
        let expected = VideoFrame::black(32, 24).unwrap().at(frame.timestamp);
        assert_eq!(black, expected);

        let sound = AudioData::new(vec![0.5; 8].into(), 48_000, 2).unwrap();
        let silence = AudioAdapter.adapt(&sound, Some(1), false).unwrap();
        assert_eq!((silence.samples(), silence.channels()), (&[0.0; 4][..], 1));
    }

    #[test]
    fn channels_are_mixed_and_doubled() {
        let stereo = AudioData::new(vec![0.5, 0.1, -0.5, 0.1].into(), 48_000, 2).unwrap();
        let mono = AudioAdapter.adapt(&stereo, Some(1), true).unwrap();
        assert_eq!(mono.samples(), [0.3, -0.2]);
        let both = AudioAdapter.adapt(&mono, Some(2), true).unwrap();
        assert_eq!(both.samples(), [0.3, 0.3, -0.2, -0.2]);
        assert_eq!(AudioAdapter.adapt(&stereo, None, true), Some(stereo));
    }
}
