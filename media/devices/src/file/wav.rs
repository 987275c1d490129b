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
        channels: u8::try_from(spec.channels).unwrap_or(0),
    };
    super::raw::check(mode)?;
    let scale = match spec.sample_format {
        SampleFormat::Float => None,
        SampleFormat::Int => Some(1.0 / (1_u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32),
    };
    let sound = Sound {
        reader,
        mode,
        scale,
        first: 0,
    };
    Ok(Frames::Audio(Box::new(sound), mode))
}

struct Sound {
    reader: WavReader<Reader>,
    mode: AudioMode,
    /// Of whole numbers.
    scale: Option<f32>,
    /// The number of the next sample.
    first: u64,
}

impl Pieces<AudioData> for Sound {
    fn next(&mut self) -> Result<Option<(AudioData, Duration)>, DeviceError> {
        let channels = usize::from(self.mode.channels);
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
        super::raw::piece(samples, self.mode, &mut self.first)
    }
}
