use std::fmt;

use duologue_rtp::PayloadType;
use thiserror::Error;

use crate::AudioDecoder;
use crate::limits::{CHANNELS, CLOCK_RATES, CODECS, SAMPLE_RATES};

/// What payloads of one type are.
#[non_exhaustive]
pub enum AudioCodec {
    /// Sound.
    Sound {
        /// Ticks a second of time stamps. They need not be samples: G.722 has 8,000 for 16,000
        /// samples (RFC 3551 §4.5.2).
        clock_rate: u32,
        /// Who decodes it.
        decoder: Box<dyn AudioDecoder>,
    },
    /// Comfort noise (RFC 3389).
    ComfortNoise {
        /// Ticks a second of time stamps.
        clock_rate: u32,
    },
    /// Tones (RFC 4733).
    TelephoneEvent {
        /// What durations are counted in. Time stamps are in the clock of the sound around them.
        clock_rate: u32,
    },
}

impl AudioCodec {
    pub(crate) fn clock_rate(&self) -> u32 {
        match self {
            AudioCodec::Sound { clock_rate, .. }
            | AudioCodec::ComfortNoise { clock_rate }
            | AudioCodec::TelephoneEvent { clock_rate } => *clock_rate,
        }
    }
}

impl fmt::Debug for AudioCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            AudioCodec::Sound { .. } => "Sound",
            AudioCodec::ComfortNoise { .. } => "ComfortNoise",
            AudioCodec::TelephoneEvent { .. } => "TelephoneEvent",
        };
        let mut out = f.debug_struct(name);
        out.field("clock_rate", &self.clock_rate());
        out.finish_non_exhaustive()
    }
}

/// A codec that cannot be played.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CodecError {
    /// The clock is outside 8,000 to 192,000 ticks a second.
    #[error("no audio has a clock of {0} ticks a second")]
    ClockRate(u32),
    /// Samples a second are outside 8,000 to 192,000, or ten milliseconds are no whole number of them.
    #[error("a decoder of {0} samples a second cannot be played")]
    SampleRate(u32),
    /// The codec has no channel, or more than eight.
    #[error("a decoder of {0} channels cannot be played")]
    Channels(u8),
    /// The player has 32 payload types already.
    #[error("there are too many payload types")]
    TooMany,
}

/// Codecs by payload type.
#[derive(Debug, Default)]
pub(crate) struct Codecs(Vec<(PayloadType, AudioCodec)>);

impl Codecs {
    pub(crate) fn set(&mut self, of: PayloadType, codec: AudioCodec) -> Result<(), CodecError> {
        let clock_rate = codec.clock_rate();
        if !CLOCK_RATES.contains(&clock_rate) {
            return Err(CodecError::ClockRate(clock_rate));
        }
        if let AudioCodec::Sound { decoder, .. } = &codec {
            let (rate, channels) = (decoder.sample_rate(), decoder.channels());
            if !SAMPLE_RATES.contains(&rate) || rate % 100 != 0 {
                return Err(CodecError::SampleRate(rate));
            }
            if !CHANNELS.contains(&channels) {
                return Err(CodecError::Channels(channels));
            }
        }
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == of) {
            *known = codec;
            return Ok(());
        }
        if self.0.len() >= CODECS {
            return Err(CodecError::TooMany);
        }
        self.0.push((of, codec));
        Ok(())
    }

    pub(crate) fn find(&self, of: PayloadType) -> Option<(usize, &AudioCodec)> {
        let at = self.0.iter().position(|(known, _)| *known == of)?;
        Some((at, &self.0[at].1))
    }

    pub(crate) fn decoder(&self, at: usize) -> Option<&dyn AudioDecoder> {
        match &self.0.get(at)?.1 {
            AudioCodec::Sound { decoder, .. } => Some(decoder.as_ref()),
            _ => None,
        }
    }

    pub(crate) fn decoder_mut(&mut self, at: usize) -> Option<&mut (dyn AudioDecoder + 'static)> {
        match &mut self.0.get_mut(at)?.1 {
            AudioCodec::Sound { decoder, .. } => Some(decoder.as_mut()),
            _ => None,
        }
    }
}
