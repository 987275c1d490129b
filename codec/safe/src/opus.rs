use duologue_codec::{
    AudioDecode, AudioDecoderConfig, AudioEncode, AudioEncoderConfig, CodecError,
};
use duologue_rtp::payload::opus;
use ropus::{Application, Bitrate, Channels, DecodeMode, InbandFec};

pub(crate) const NAME: &str = "ropus";

const RATE: u32 = 48_000;
/// RFC 6716 §3.2.5: no packet is longer than 120 ms; §3.2.1: none of its frames than 1,275 bytes.
const MAX_PACKET: usize = 1_275 * 6 + 20;
/// Half of what the best costs.
const COMPLEXITY: u8 = 5;

fn channels(count: u8) -> Channels {
    if count == 1 {
        Channels::Mono
    } else {
        Channels::Stereo
    }
}

pub(crate) struct Encoder {
    inner: ropus::Encoder,
    config: AudioEncoderConfig,
}

impl Encoder {
    pub(crate) fn new(config: &AudioEncoderConfig) -> Result<Self, CodecError> {
        // As browsers: speech of one channel, anything of two.
        let application = match config.channels {
            1 => Application::Voip,
            _ => Application::Audio,
        };
        let builder = ropus::Encoder::builder(RATE, channels(config.channels), application);
        let inner = builder.complexity(COMPLEXITY).build();
        let mut encoder = Encoder {
            inner: inner.map_err(|_| CodecError::Failed(NAME, 0))?,
            config: config.clone(),
        };
        encoder.configure(config)?;
        Ok(encoder)
    }
}

impl AudioEncode for Encoder {
    fn configure(&mut self, config: &AudioEncoderConfig) -> Result<(), CodecError> {
        let shape = |it: &AudioEncoderConfig| (it.codec, it.channels, it.packet_ms);
        if shape(config) != shape(&self.config) {
            return Err(CodecError::Invalid("the shape of the sound stays the same"));
        }
        let usual = 32_000 * u32::from(config.channels);
        let bitrate = config.bitrate.unwrap_or(usual).clamp(6_000, 510_000);
        let fec = match config.in_band_fec {
            true => InbandFec::Enabled,
            false => InbandFec::Disabled,
        };
        let loss = (config.packet_loss.clamp(0.0, 1.0) * 100.0).round() as u8;
        let set = self
            .inner
            .set_bitrate(Bitrate::Bits(bitrate))
            .and_then(|()| self.inner.set_inband_fec(fec))
            .and_then(|()| self.inner.set_packet_loss_perc(loss))
            .and_then(|()| self.inner.set_dtx(config.dtx));
        set.map_err(|_| CodecError::Failed(NAME, 1))?;
        self.config = config.clone();
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let frames = self.config.packet_frames();
        if samples.len() != frames * usize::from(self.config.channels) {
            return Err(CodecError::Invalid(
                "another number of samples than a packet has",
            ));
        }
        let mut packet = [0; MAX_PACKET];
        let len = self.inner.encode_float(samples, &mut packet);
        let len = len.map_err(|_| CodecError::Failed(NAME, 2))?;
        out.extend_from_slice(&packet[..len]);
        Ok(())
    }
}

pub(crate) struct Decoder {
    inner: ropus::Decoder,
    channels: usize,
}

impl Decoder {
    pub(crate) fn new(config: &AudioDecoderConfig) -> Result<Self, CodecError> {
        let inner = ropus::Decoder::new(RATE, channels(config.channels));
        Ok(Decoder {
            inner: inner.map_err(|_| CodecError::Failed(NAME, 0))?,
            channels: usize::from(config.channels),
        })
    }

    fn run(&mut self, packet: &[u8], out: &mut [f32], mode: DecodeMode) -> Option<usize> {
        let whole = out.len() - out.len() % self.channels;
        let out = &mut out[..whole.min(5_760 * self.channels)];
        let made = self.inner.decode_float(packet, out, mode).ok()?;
        // What is loud goes over a little by the coding.
        for sample in &mut out[..made * self.channels] {
            *sample = sample.clamp(-1.0, 1.0);
        }
        Some(made)
    }
}

impl AudioDecode for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let damaged = CodecError::Damaged(NAME, 0);
        // An empty one would be a loss.
        if packet.is_empty() {
            return Err(damaged);
        }
        let decoded = self.run(packet, out, DecodeMode::Normal);
        decoded.ok_or(damaged)
    }

    fn conceal(&mut self, out: &mut [f32]) {
        // It makes multiples of 2.5 ms, 120 ms at most; a rest is silent.
        let step = RATE as usize / 400 * self.channels;
        let mut rest = out;
        while rest.len() >= step {
            let len = (rest.len() - rest.len() % step).min(48 * step);
            let (part, behind) = rest.split_at_mut(len);
            if self.run(&[], part, DecodeMode::Normal).is_none() {
                part.fill(0.0);
            }
            rest = behind;
        }
        rest.fill(0.0);
    }

    fn recover(&mut self, next: &[u8], out: &mut [f32]) -> bool {
        opus::has_copy(next) && self.run(next, out, DecodeMode::Fec).is_some()
    }

    fn frames(&self, packet: &[u8]) -> Option<usize> {
        opus::duration(packet).map(|frames| frames as usize)
    }
}
