//! Loudspeakers: where sound goes that is heard.

use std::fmt;
use std::time::Duration;

use duologue_codec::{AudioData, Resampler};

use crate::adapt::mix;
use crate::{AudioMode, DeviceError};

/// An open loudspeaker. It is closed when it is dropped.
pub trait Play: Send {
    /// What it takes.
    fn mode(&self) -> AudioMode;

    /// Takes samples, from -1 to 1, those of all channels in turn, and never waits: what is too much for it is
    /// dropped, the oldest first.
    ///
    /// # Errors
    /// `NotReadable`: it has gone.
    fn write(&mut self, samples: &[f32]) -> Result<(), DeviceError>;

    /// For how long it was silent, since it first played, because nothing was there in time.
    fn missed(&self) -> Duration {
        Duration::ZERO
    }
}

/// A loudspeaker that takes sound of any rate: a sink as `setSinkId()` chooses it for an audio element.
///
/// ```
/// use duologue_devices::{MediaDevices, codec::tone};
///
/// let mut output = MediaDevices::fake().open_output(None)?;
/// // What came of a peer, piece by piece.
/// output.write(&tone::draw(0, 441, 44_100, 2, 440.0)?)?;
/// assert_eq!(output.mode().sample_rate, 48_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "setSinkId")]
pub struct AudioOutput {
    device_id: String,
    device: Box<dyn Play>,
    /// Of another rate than the device's, with the rate that it takes.
    resampler: Option<(u32, Resampler)>,
    scratch: Vec<f32>,
}

impl fmt::Debug for AudioOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AudioOutput").field(&self.device_id).finish()
    }
}

impl AudioOutput {
    /// What most loudspeakers take; one that does not is opened as it can be.
    pub(crate) const MODE: AudioMode = AudioMode {
        sample_rate: 48_000,
        channels: 2,
    };

    pub(crate) fn new(device_id: String, device: Box<dyn Play>) -> Self {
        AudioOutput {
            device_id,
            device,
            resampler: None,
            scratch: Vec::new(),
        }
    }

    /// `sinkId`
    #[doc(alias = "sinkId")]
    pub fn device_id(&self) -> &str {
        &self.device_id
    }

    /// How the device was opened.
    pub fn mode(&self) -> AudioMode {
        self.device.mode()
    }

    /// How long the output was silent, since it first played, because no sound was there in time.
    pub fn missed(&self) -> Duration {
        self.device.missed()
    }

    /// Plays a piece of sound after those before it. It never waits: what comes much faster than it is heard
    /// is dropped, the oldest first.
    ///
    /// # Errors
    /// `NotReadable` once the device has gone; `Invalid` for a rate that cannot be converted.
    pub fn write(&mut self, data: &AudioData) -> Result<(), DeviceError> {
        let AudioMode {
            sample_rate,
            channels,
        } = self.device.mode();
        let mixed = mix(data, channels);
        if data.sample_rate() == sample_rate {
            self.resampler = None;
            return self.device.write(&mixed);
        }

        let wrong = |_| DeviceError::Invalid("sound of such a rate is not converted");
        let from = data.sample_rate();
        let known = self.resampler.take().filter(|(rate, _)| *rate == from);
        let (_, resampler) = match known {
            Some(known) => self.resampler.insert(known),
            None => {
                let new = Resampler::new(from, sample_rate, channels).map_err(wrong)?;
                self.resampler.insert((from, new))
            }
        };
        self.scratch.clear();
        let converted = resampler.process(&mixed, &mut self.scratch);
        converted.map_err(wrong)?;
        self.device.write(&self.scratch)
    }
}
