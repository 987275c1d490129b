use std::fmt;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::{CodecError, limits};

/// Sound at another rate, in pieces of any length.
///
/// ```
/// use duologue_codec::Resampler;
///
/// let mut resampler = Resampler::new(44_100, 48_000, 1)?;
/// let mut out = Vec::new();
/// for _ in 0..100 {
///     resampler.process(&[0.0; 441], &mut out)?;
/// }
/// // A second, but for what it holds back.
/// assert!((47_000..=48_000).contains(&out.len()));
/// # Ok::<(), duologue_codec::CodecError>(())
/// ```
pub struct Resampler {
    inner: Async<f32>,
    channels: usize,
    pending: Vec<f32>,
    scratch: Vec<f32>,
}

impl Resampler {
    /// A resampler from one rate to another, in hertz.
    ///
    /// # Errors
    /// `Invalid` for rates outside of [`limits::SAMPLE_RATES`] and for no channels or too many.
    pub fn new(from: u32, to: u32, channels: u8) -> Result<Self, CodecError> {
        let wrong = CodecError::Invalid("no such sound");
        let rates = limits::SAMPLE_RATES.contains(&from) && limits::SAMPLE_RATES.contains(&to);
        if !rates || !(1..=limits::MAX_CHANNELS).contains(&channels) {
            return Err(wrong);
        }
        let mut parameters = SincInterpolationParameters::new(128, WindowFunction::BlackmanHarris2);
        parameters.oversampling_factor = 128;
        parameters.interpolation = SincInterpolationType::Linear;
        let ratio = f64::from(to) / f64::from(from);
        // Ten milliseconds at a time.
        let chunk = (from / 100) as usize;
        let channels = usize::from(channels);
        let inner = Async::new_sinc(ratio, 1.0, &parameters, chunk, channels, FixedAsync::Input);
        Ok(Resampler {
            inner: inner.map_err(|_| wrong)?,
            channels,
            pending: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Takes samples of all channels in turn and adds what comes of them to `out`.
    ///
    /// # Errors
    /// `Failed` by the library.
    pub fn process(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), CodecError> {
        let failed = || CodecError::Failed("the resampling", 0);
        self.pending.extend_from_slice(samples);
        loop {
            let (frames, channels) = (self.inner.input_frames_next(), self.channels);
            if self.pending.len() < frames * channels {
                return Ok(());
            }
            let room = self.inner.output_frames_max();
            self.scratch.resize(room * channels, 0.0);
            let source = InterleavedSlice::new(&self.pending, channels, frames);
            let source = source.map_err(|_| failed())?;
            let target = InterleavedSlice::new_mut(&mut self.scratch, channels, room);
            let mut target = target.map_err(|_| failed())?;
            let made = self.inner.process_into_buffer(&source, &mut target, None);
            let (taken, made) = made.map_err(|_| failed())?;
            out.extend_from_slice(&self.scratch[..made * channels]);
            self.pending.drain(..taken * channels);
        }
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler")
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    #[test]
    fn a_tone_keeps_its_pitch_and_its_level_from_every_rate_to_every_rate() {
        for (from, to) in [
            (44_100, 48_000),
            (48_000, 16_000),
            (48_000, 8_000),
            (8_000, 48_000),
            (96_000, 48_000),
        ] {
            let mut resampler = Resampler::new(from, to, 2).unwrap();
            let mut out = Vec::new();
            // In pieces that fit nothing.
            let tone: Vec<f32> = (0..2 * from)
                .map(|at| ((at / 2) as f32 * 440.0 * TAU / from as f32).sin() / 2.0)
                .collect();
            for piece in tone.chunks(2 * 333) {
                resampler.process(piece, &mut out).unwrap();
            }
            let left: Vec<f32> = out.chunks_exact(2).map(|it| it[0]).collect();
            let middle = &left[left.len() / 4..left.len() * 3 / 4];
            let seconds = middle.len() as f32 / to as f32;
            let rises = middle.windows(2).filter(|it| it[0] < 0.0 && it[1] >= 0.0);
            let hertz = rises.count() as f32 / seconds;
            assert!((436.0..=444.0).contains(&hertz), "{from} {to}: {hertz}");
            let power = middle.iter().map(|it| it * it).sum::<f32>() / middle.len() as f32;
            assert!((0.12..=0.13).contains(&power), "{from} {to}: {power}");
        }
    }

    #[test]
    fn rates_that_cannot_be_are_refused() {
        for (from, to, channels) in [(0, 48_000, 1), (48_000, 1_000_000, 1), (48_000, 8_000, 0)] {
            assert!(Resampler::new(from, to, channels).is_err());
        }
    }
}
