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
///
/// Such a file has less than 4 GiB, which are six hours of two channels at 48 kHz: what would be more is refused.
pub struct WavWriter<W: Write + Seek> {
    state: State<W>,
    /// Bytes of samples that it may have.
    most: u32,
}

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
    /// Samples, of all channels, that there is room for.
    left: usize,
}

impl<W: Write + Seek> fmt::Debug for WavWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WavWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// A writer of a WAV file that writes to `to`.
    pub fn new(to: W) -> Self {
        WavWriter {
            state: State::Empty(to),
            most: limits::WAV_BYTES,
        }
    }

    /// Adds a piece. Of a gap longer than [`limits::GAP`] the rest is left out.
    ///
    /// # Errors
    /// What writing says, `FileTooLarge` for a piece that the file has no room for; nothing is written after one, and
    /// what was written before is a whole file.
    pub fn write(&mut self, data: &AudioData) -> io::Result<()> {
        let mut begun = match std::mem::replace(&mut self.state, State::Broken) {
            State::Empty(to) => Box::new(Begun::new(to, data, self.most)?),
            State::Begun(begun) => begun,
            State::Broken => return Err(io::Error::other("the file was not written before")),
        };
        begun.write(data)?;
        self.state = State::Begun(begun);
        Ok(())
    }

    /// Completes the file. Gives how long it lasts.
    ///
    /// # Errors
    /// What writing says.
    pub fn finish(self) -> io::Result<Duration> {
        match self.state {
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
    fn new(to: W, first: &AudioData, most: u32) -> io::Result<Self> {
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
            left: most as usize / 2,
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
        self.left = match self.left.checked_sub(samples.len()) {
            Some(left) => left,
            None => return Err(io::Error::new(io::ErrorKind::FileTooLarge, FULL)),
        };
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

const FULL: &str = "a WAV file has no room for more than 4 GiB";
/// Of the clock of a source.
const JITTER: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use duologue_codec::tone;

    use super::*;

    #[test]
    fn a_file_that_has_no_room_for_more_is_whole_and_says_so() {
        let mut bytes = Vec::new();
        let mut file = WavWriter {
            state: State::Empty(Cursor::new(&mut bytes)),
            most: 4_000,
        };
        let mut refused = 0;
        for n in 0..5 {
            let piece = tone::draw(n * 480, 480, 48_000, 2, 440.0).unwrap();
            match file.write(&piece) {
                Ok(()) => assert_eq!(refused, 0),
                Err(error) if refused == 0 => {
                    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
                    refused += 1;
                }
                Err(_) => refused += 1,
            }
        }
        drop(file);
        // Two pieces of 1,920 bytes are in it.
        assert_eq!(refused, 3);
        let read = hound::WavReader::new(&bytes[..]).unwrap();
        assert_eq!(read.duration(), 960);
    }

    #[test]
    fn what_the_header_says_of_the_whole_file_fits_into_its_32_bits() {
        // That of hound has 68 bytes at most.
        assert!(limits::WAV_BYTES.checked_add(68).is_some());
    }
}
