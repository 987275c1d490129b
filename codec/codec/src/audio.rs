use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duologue_rtp::{Codec, MediaKind};

use crate::{CodecError, limits};

/// A format of encoded sound.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum AudioCodec {
    /// RFC 6716
    Opus,
    /// ITU-T G.722, 64 kbit/s
    G722,
    /// ITU-T G.711 with the law of North America and Japan
    Pcmu,
    /// ITU-T G.711 with the law of everywhere else
    Pcma,
}

impl AudioCodec {
    /// All audio codecs.
    pub const ALL: [AudioCodec; 4] = [
        AudioCodec::Opus,
        AudioCodec::G722,
        AudioCodec::Pcmu,
        AudioCodec::Pcma,
    ];

    /// The encoding name in descriptions.
    pub const fn as_str(self) -> &'static str {
        match self {
            AudioCodec::Opus => "opus",
            AudioCodec::G722 => "G722",
            AudioCodec::Pcmu => "PCMU",
            AudioCodec::Pcma => "PCMA",
        }
    }

    /// The audio codec that a codec of a description is; `None` for retransmissions, tones and the like.
    pub fn of(codec: &Codec) -> Option<Self> {
        let named = |it: &AudioCodec| codec.name.eq_ignore_ascii_case(it.as_str());
        let audio = codec.kind == MediaKind::Audio;
        AudioCodec::ALL.into_iter().find(|it| audio && named(it))
    }

    /// Samples a second of its sound, in hertz.
    pub const fn sample_rate(self) -> u32 {
        match self {
            AudioCodec::Opus => 48_000,
            AudioCodec::G722 => 16_000,
            AudioCodec::Pcmu | AudioCodec::Pcma => 8_000,
        }
    }

    /// The clock rate of the codec's RTP time stamps, in hertz: RFC 3551 §4.5.2 says 8,000 of
    /// G.722, by an old mistake.
    pub const fn clock_rate(self) -> u32 {
        match self {
            AudioCodec::Opus => 48_000,
            _ => 8_000,
        }
    }
}

impl fmt::Display for AudioCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Raw sound. Clones share its samples.
///
/// ```
/// use duologue_codec::AudioData;
///
/// // Ten milliseconds of silence, in stereo.
/// let sound = AudioData::new(vec![0.0; 960].into(), 48_000, 2)?;
/// assert_eq!((sound.frames(), sound.duration().as_millis()), (480, 10));
/// # Ok::<(), duologue_codec::CodecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AudioData {
    samples: Arc<[f32]>,
    sample_rate: u32,
    channels: u8,
    /// The time of the first sample, on the clock of its source.
    pub timestamp: Duration,
}

impl AudioData {
    /// Sound of these samples, from -1 to 1, those of all channels in turn (`"f32"`).
    ///
    /// # Errors
    /// `Invalid` for no channels or more than [`limits::MAX_CHANNELS`], a rate of zero, or samples
    /// of some channels only.
    pub fn new(samples: Arc<[f32]>, sample_rate: u32, channels: u8) -> Result<Self, CodecError> {
        if channels == 0 || channels > limits::MAX_CHANNELS || sample_rate == 0 {
            return Err(CodecError::Invalid("no such sound"));
        }
        if !samples.len().is_multiple_of(usize::from(channels)) {
            return Err(CodecError::Invalid("samples of some channels only"));
        }
        Ok(AudioData {
            samples,
            sample_rate,
            channels,
            timestamp: Duration::ZERO,
        })
    }

    /// The samples of all channels in turn.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The sample rate, in hertz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// The number of channels, one or two.
    #[doc(alias = "numberOfChannels")]
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// Samples of one channel.
    #[doc(alias = "numberOfFrames")]
    pub fn frames(&self) -> usize {
        self.samples.len() / usize::from(self.channels)
    }

    /// How long the sound lasts.
    pub fn duration(&self) -> Duration {
        let nanos = self.frames() as u64 * 1_000_000_000 / u64::from(self.sample_rate);
        Duration::from_nanos(nanos)
    }

    /// The sound at another time of its source's clock.
    pub fn at(mut self, timestamp: Duration) -> Self {
        self.timestamp = timestamp;
        self
    }
}

/// What an encoder of sound is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioEncoderConfig {
    /// The format that the encoder makes.
    pub codec: AudioCodec,
    /// The number of channels, one or two.
    pub channels: u8,
    /// Bits a second; the codec's own choice where it has one, if missing.
    pub bitrate: Option<u32>,
    /// How much one packet has, in milliseconds: 10, 20, 40 or 60.
    pub packet_ms: u8,
    /// Each packet has a coarse copy of the one before it (`useinbandfec`).
    pub in_band_fec: bool,
    /// Whether nothing but a sign of life is sent while there is silence (`usedtx`).
    pub dtx: bool,
    /// The share of packets that is lost on the way, from 0 to 1.
    pub packet_loss: f32,
}

impl AudioEncoderConfig {
    /// The configuration for one channel in packets of 20 ms.
    pub fn new(codec: AudioCodec) -> Self {
        AudioEncoderConfig {
            codec,
            channels: 1,
            bitrate: None,
            packet_ms: 20,
            in_band_fec: false,
            dtx: false,
            packet_loss: 0.0,
        }
    }

    /// Samples of one channel in a packet.
    pub fn packet_frames(&self) -> usize {
        self.codec.sample_rate() as usize / 1_000 * usize::from(self.packet_ms)
    }

    /// Says whether an encoder can be so at all.
    ///
    /// # Errors
    /// `Invalid` if it cannot.
    pub fn check(&self) -> Result<(), CodecError> {
        let channels = (1..=limits::MAX_CHANNELS).contains(&self.channels);
        let loss = (0.0..=1.0).contains(&self.packet_loss);
        if !channels || !loss || ![10, 20, 40, 60].contains(&self.packet_ms) {
            return Err(CodecError::Invalid("no such sound"));
        }
        Ok(())
    }
}

/// What a decoder of sound is for.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioDecoderConfig {
    /// The format that the decoder takes.
    pub codec: AudioCodec,
    /// How many channels the decoder makes of whatever comes.
    pub channels: u8,
}

impl AudioDecoderConfig {
    /// The configuration for one channel.
    pub fn new(codec: AudioCodec) -> Self {
        AudioDecoderConfig { codec, channels: 1 }
    }
}

/// Encodes sound.
pub trait AudioEncode: Send {
    /// Does from the next packet on what this says. Codec, channels and the length of packets stay
    /// the same.
    ///
    /// # Errors
    /// When it cannot; it then goes on as before.
    fn configure(&mut self, config: &AudioEncoderConfig) -> Result<(), CodecError>;

    /// Encodes the samples of one packet,
    /// [`packet_frames`](AudioEncoderConfig::packet_frames) of each channel in turn, and adds its
    /// bytes to `out`.
    ///
    /// # Errors
    /// `Invalid` for another number of samples; `Failed` by the library.
    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), CodecError>;
}

/// Decodes sound. All samples are of the channels in turn, at the codec's
/// [`sample_rate`](AudioCodec::sample_rate).
pub trait AudioDecode: Send {
    /// Decodes a packet into the beginning of `out` and returns how many samples of each channel it
    /// had. What it is given comes from the network.
    ///
    /// # Errors
    /// `Damaged` for what is no packet of the codec, or one that `out` has no room for.
    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, CodecError>;

    /// Fills `out` with what may have been in a packet that was lost.
    fn conceal(&mut self, out: &mut [f32]);

    /// Fills `out` with what was lost before `next`, as far as that packet has a copy of it.
    /// `false` if it has none: then it is concealed.
    fn recover(&mut self, next: &[u8], out: &mut [f32]) -> bool;

    /// How many samples of each channel a packet has; `None` if it is none.
    fn frames(&self, packet: &[u8]) -> Option<usize>;
}
