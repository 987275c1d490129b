use std::fmt;
use std::io::{self, Seek, Write};
use std::time::Duration;

use duologue_codec::{AudioData, Resampler};
use hound::{Error, SampleFormat, WavSpec};

use super::unlikely;
use crate::adapt::mix;
use crate::limits;

/// Records sound to a WAV file of 16 bits. Its rate and channels are those of the first piece; gaps are
/// silent, so that the file lasts as long as what was recorded.
///
/// ```
/// use duologue_devices::{WavWriter, codec::tone};
///
/// let mut file = WavWriter::new(std::io::Cursor::new(Vec::new()));
/// file.write(&tone::draw(0, 480, 48_000, 1, 440.0)?)?;
/// // Ten milliseconds are missing.
/// file.write(&tone::draw(960, 480, 48_000, 1, 440.0)?)?;
/// assert_eq!(file.finish()?.as_millis(), 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WavWriter<W: Write + Seek>(State<W>);

enum State<W: Write + Seek> {
    /// No sound came yet.
    Empty(W),
    Begun(Box<Begun<W>>),
    /// After an error.
    Broken,
}

struct Begun<W: Write + Seek> {
    writer: hound::WavWriter<W>,
    rate: u32,
    channels: u8,
    /// When the first sample is of.
    origin: Duration,
    resampler: Option<(u32, Resampler)>,
    /// Samples of one channel since the header was written last.
    since: u32,
}

impl<W: Write + Seek> fmt::Debug for WavWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WavWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// A writer of a WAV file that writes to `to`.
    pub fn new(to: W) -> Self {
        WavWriter(State::Empty(to))
    }

    /// Adds a piece. Of a gap longer than [`limits::GAP`] the rest is left out.
    ///
    /// # Errors
    /// What writing says; nothing is written after one.
    pub fn write(&mut self, data: &AudioData) -> io::Result<()> {
        let mut begun = match std::mem::replace(&mut self.0, State::Broken) {
            State::Empty(to) => Box::new(Begun::new(to, data)?),
            State::Begun(begun) => begun,
            State::Broken => return Err(io::Error::other("the file was not written before")),
        };
        begun.write(data)?;
        self.0 = State::Begun(begun);
        Ok(())
    }

    /// Completes the file. Gives how long it lasts.
    ///
    /// # Errors
    /// What writing says.
    pub fn finish(self) -> io::Result<Duration> {
        match self.0 {
            State::Empty(_) => Ok(Duration::ZERO),
            State::Begun(begun) => {
                let lasts = begun.lasts();
                begun.writer.finalize().map_err(failed)?;
                Ok(lasts)
            }
            State::Broken => Err(io::Error::other("the file was not written before")),
        }
    }
}

impl<W: Write + Seek> Begun<W> {
    fn new(to: W, first: &AudioData) -> io::Result<Self> {
        let spec = WavSpec {
            channels: first.channels().into(),
            sample_rate: first.sample_rate(),
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        Ok(Begun {
            writer: hound::WavWriter::new(to, spec).map_err(failed)?,
            rate: first.sample_rate(),
            channels: first.channels(),
            origin: first.timestamp,
            resampler: None,
            since: 0,
        })
    }

    fn lasts(&self) -> Duration {
        let frames = u64::from(self.writer.duration());
        Duration::from_nanos(frames * 1_000_000_000 / u64::from(self.rate))
    }

    fn write(&mut self, data: &AudioData) -> io::Result<()> {
        let gap = data.timestamp.saturating_sub(self.origin + self.lasts());
        let silence = gap.min(limits::GAP);
        self.origin += gap - silence;
        // Less than a piece is the jitter of its clock.
        if silence >= JITTER {
            let frames = (silence.as_secs_f64() * f64::from(self.rate)).round() as usize;
            self.put(&vec![0.0; frames * usize::from(self.channels)])?;
        }

        let mixed = mix(data, self.channels);
        let samples = self.resampled(mixed, data.sample_rate())?;
        self.put(&samples)
    }

    fn resampled(&mut self, samples: Vec<f32>, from: u32) -> io::Result<Vec<f32>> {
        if from == self.rate {
            self.resampler = None;
            return Ok(samples);
        }
        let known = self.resampler.take().filter(|(rate, _)| *rate == from);
        let (_, resampler) = match known {
            Some(known) => self.resampler.insert(known),
            None => {
                let new = Resampler::new(from, self.rate, self.channels).map_err(unlikely)?;
                self.resampler.insert((from, new))
            }
        };
        let mut out = Vec::new();
        resampler.process(&samples, &mut out).map_err(unlikely)?;
        Ok(out)
    }

    fn put(&mut self, samples: &[f32]) -> io::Result<()> {
        for sample in samples {
            let sample = (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
            self.writer.write_sample(sample).map_err(failed)?;
        }
        // A file whose program is ended by force is whole but for the last second.
        self.since += samples.len() as u32 / u32::from(self.channels);
        if self.since >= self.rate {
            self.since = 0;
            self.writer.flush().map_err(failed)?;
        }
        Ok(())
    }
}

fn failed(error: Error) -> io::Error {
    match error {
        Error::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// Of the clock of a source.
const JITTER: Duration = Duration::from_millis(5);
