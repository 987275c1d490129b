//! RIFF WAVE.

use std::time::Duration;

use duologue_codec::AudioData;
use hound::{SampleFormat, WavReader};

use super::{Frames, Pieces, Reader};
use crate::{AudioMode, DeviceError};

pub(super) fn open(reader: Reader) -> Result<Frames, String> {
    let reader = WavReader::new(reader).map_err(|it| it.to_string())?;
    let spec = reader.spec();
    let mode = AudioMode {
        sample_rate: spec.sample_rate,
        channels: spec.channels.min(2) as u8,
    };
    if usize::from(spec.channels) > PLACES.len() {
        return Err("it has more channels than are known".into());
    }
    super::raw::check(mode)?;
    let scale = match spec.sample_format {
        SampleFormat::Float => None,
        SampleFormat::Int => Some(1.0 / (1_u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32),
    };
    let sound = Sound {
        reader,
        mode,
        channels: spec.channels.into(),
        scale,
        first: 0,
    };
    Ok(Frames::Audio(Box::new(sound), mode))
}

struct Sound {
    reader: WavReader<Reader>,
    mode: AudioMode,
    /// As many as the file has: of more than two, two are made.
    channels: usize,
    /// Of whole numbers.
    scale: Option<f32>,
    /// The number of the next sample.
    first: u64,
}

impl Pieces<AudioData> for Sound {
    fn next(&mut self) -> Result<Option<(AudioData, Duration)>, DeviceError> {
        let channels = self.channels;
        let count = self.mode.sample_rate as usize / 100 * channels;
        // What a pipe says of its length, or a file that was cut off, is not true: sound ends where it ends.
        let mut samples: Vec<f32> = match self.scale {
            Some(scale) => {
                let samples = self.reader.samples::<i32>().take(count);
                samples
                    .map_while(Result::ok)
                    .map(|it| it as f32 * scale)
                    .collect()
            }
            None => {
                let samples = self.reader.samples::<f32>().take(count);
                samples.map_while(Result::ok).collect()
            }
        };
        samples.truncate(samples.len() / channels * channels);
        if channels > 2 {
            samples = samples.chunks_exact(channels).flat_map(to_two).collect();
        }
        super::raw::piece(samples, self.mode, &mut self.first)
    }
}

/// How loud each channel of a file is in the left and the right one, in the order that WAVE has them: the two in
/// front, the middle, the lowest tones, the two behind, the two at the sides. As ITU-R BS.775 has it; the lowest tones
/// are left out.
const PLACES: [(f32, f32); 8] = [
    (1.0, 0.0),
    (0.0, 1.0),
    (HALF, HALF),
    (0.0, 0.0),
    (HALF, 0.0),
    (0.0, HALF),
    (HALF, 0.0),
    (0.0, HALF),
];

/// Half of the power.
const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Of the samples of one moment. Four channels are two in front and two behind.
fn to_two(samples: &[f32]) -> [f32; 2] {
    let places = |at: usize| match (samples.len(), at) {
        (4, 2 | 3) => PLACES[at + 2],
        _ => PLACES[at],
    };
    let (mut two, mut most) = ([0.0; 2], [0.0_f32; 2]);
    for (at, sample) in samples.iter().enumerate() {
        let (left, right) = places(at);
        for (side, share) in [left, right].into_iter().enumerate() {
            two[side] += share * sample;
            most[side] += share;
        }
    }
    // The loudest is as loud as it was, and no louder.
    [two[0] / most[0].max(1.0), two[1] / most[1].max(1.0)]
}
