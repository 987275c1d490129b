use std::fmt;

use duologue_playout::{AudioDecoder, Damaged};
use duologue_rtp::payload::opus;

use crate::{AudioCodec, AudioDecode, AudioDecoderConfig};

/// A decoder as the jitter buffer [`AudioPlayout`](duologue_playout::AudioPlayout) takes one.
///
/// ```
/// use duologue_codec::{AudioCodec, AudioDecode, AudioDecoderConfig, CodecError, Played};
/// use duologue_playout::AudioDecoder;
///
/// struct Silence;
///
/// impl AudioDecode for Silence {
///     fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
///         out[..packet.len()].fill(0.0);
///         Ok(packet.len())
///     }
///     fn conceal(&mut self, out: &mut [f32]) {
///         out.fill(0.0);
///     }
///     fn recover(&mut self, _: &[u8], _: &mut [f32]) -> bool {
///         false
///     }
///     fn frames(&self, packet: &[u8]) -> Option<usize> {
///         Some(packet.len())
///     }
/// }
///
/// let config = AudioDecoderConfig::new(AudioCodec::Pcmu);
/// let played = Played::new(Box::new(Silence), config);
/// assert_eq!((played.sample_rate(), played.duration(&[0; 160])), (8_000, Some(160)));
/// ```
pub struct Played {
    decoder: Box<dyn AudioDecode>,
    config: AudioDecoderConfig,
}

impl Played {
    /// A decoder that was made for this.
    pub fn new(decoder: Box<dyn AudioDecode>, config: AudioDecoderConfig) -> Self {
        Played { decoder, config }
    }

    fn is_opus(&self) -> bool {
        self.config.codec == AudioCodec::Opus
    }
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Played");
        out.field("config", &self.config).finish_non_exhaustive()
    }
}

impl AudioDecoder for Played {
    fn sample_rate(&self) -> u32 {
        self.config.codec.sample_rate()
    }

    fn channels(&self) -> u8 {
        self.config.channels
    }

    fn duration(&self, packet: &[u8]) -> Option<u32> {
        u32::try_from(self.decoder.frames(packet)?).ok()
    }

    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
        self.decoder.decode(packet, out).map_err(|_| Damaged)
    }

    fn conceal(&mut self, out: &mut [f32]) -> bool {
        self.decoder.conceal(out);
        true
    }

    fn can_recover(&self, next: &[u8], back: u32) -> bool {
        // The copy is of the packet right before, which was as long.
        self.is_opus() && opus::has_copy(next) && self.duration(next) == Some(back)
    }

    fn recover(&mut self, next: &[u8], back: u32, out: &mut [f32]) -> bool {
        let whole = out.len() == back as usize * usize::from(self.config.channels);
        whole && self.can_recover(next, back) && self.decoder.recover(next, out)
    }

    fn is_silence(&self, packet: &[u8]) -> bool {
        self.is_opus() && opus::is_dtx(packet)
    }
}
