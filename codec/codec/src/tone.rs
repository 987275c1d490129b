//! A test tone that is heard to go on and to beat, and what finds out how high a tone is: by them a test
//! knows that sound came whole.
//!
//! ```
//! use duologue_codec::tone;
//!
//! let second = tone::draw(0, 48_000, 48_000, 1, 440.0)?;
//! let hertz = tone::frequency(&second).unwrap();
//! assert!((hertz - 440.0).abs() < 1.0, "{hertz}");
//! # Ok::<(), duologue_codec::CodecError>(())
//! ```

use std::f64::consts::TAU;
use std::time::Duration;

use crate::{AudioData, CodecError};

/// Some samples of each channel of a tone, from sample `first` on: loud in the first tenth of each
/// second and soft in the rest of it.
///
/// # Errors
/// As [`AudioData::new`].
pub fn draw(
    first: u64,
    frames: usize,
    sample_rate: u32,
    channels: u8,
    hertz: f64,
) -> Result<AudioData, CodecError> {
    let rate = u64::from(sample_rate.max(1));
    let mut samples = Vec::with_capacity(frames * usize::from(channels));
    for at in first..first + frames as u64 {
        let loud = at % rate < rate / 10;
        let amplitude = if loud { LOUD } else { SOFT };
        // Whole seconds apart, so that it stays as exact after hours.
        let whole = (at / rate) as f64 * hertz.fract();
        let phase = whole + (at % rate) as f64 / rate as f64 * hertz;
        let sample = (phase * TAU).sin() * amplitude;
        samples.extend(std::iter::repeat_n(sample as f32, channels.into()));
    }
    let nanos = u128::from(first) * 1_000_000_000 / u128::from(rate);
    let data = AudioData::new(samples.into(), sample_rate, channels)?;
    Ok(data.at(Duration::from_nanos(nanos.min(u64::MAX.into()) as u64)))
}

/// How high the loudest tone of a sound's first channel is, in hertz, by how often it rises through
/// zero; `None` of silence and of less than two periods. It wants sound without much noise.
pub fn frequency(sound: &AudioData) -> Option<f64> {
    let channels = usize::from(sound.channels());
    let first = sound.samples().chunks_exact(channels).map(|it| it[0]);
    let (mut last, mut crossings): (f32, Vec<f64>) = (0.0, Vec::new());
    // What has been below the threshold since: noise around zero is no period.
    let mut low = false;
    for (at, sample) in first.enumerate() {
        low |= sample < -THRESHOLD;
        if low && last < 0.0 && sample >= 0.0 {
            let part = f64::from(last / (last - sample));
            crossings.push(at as f64 - 1.0 + part);
            low = false;
        }
        last = sample;
    }
    let (begin, end) = (crossings.first()?, crossings.last()?);
    let periods = crossings.len() as f64 - 1.0;
    (periods >= 2.0).then(|| periods * f64::from(sound.sample_rate()) / (end - begin))
}

const LOUD: f64 = 0.5;
const SOFT: f64 = 0.1;
const THRESHOLD: f32 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_goes_on_over_pieces_and_is_as_high_as_it_was_made() {
        for (hertz, rate, channels) in
            [(440.0, 48_000, 1), (261.63, 16_000, 2), (1_000.0, 8_000, 1)]
        {
            let piece = rate as usize / 100;
            let pieces = (0..200).map(|at| {
                let first = 3_600 * u64::from(rate) + at * piece as u64;
                draw(first, piece, rate, channels, hertz).unwrap()
            });
            let samples: Vec<f32> = pieces.flat_map(|it| it.samples().to_vec()).collect();
            let whole = AudioData::new(samples.into(), rate, channels).unwrap();
            let found = frequency(&whole).unwrap();
            assert!((found - hertz).abs() < 0.5, "{hertz}: {found}");
        }
    }

    #[test]
    fn silence_and_faint_noise_have_no_frequency() {
        let silence = AudioData::new(vec![0.0; 4_800].into(), 48_000, 1).unwrap();
        assert_eq!(frequency(&silence), None);
        let noise = (0..4_800).map(|at: u32| (at % 7) as f32 / 1_000.0 - 0.003);
        let noise: Vec<f32> = noise.collect();
        let noise = AudioData::new(noise.into(), 48_000, 1).unwrap();
        assert_eq!(frequency(&noise), None);
    }
}
