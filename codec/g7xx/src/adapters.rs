//! The codecs behind the traits.

use duologue_codec::{
    AudioCodec, AudioDecode, AudioDecoderConfig, AudioEncode, AudioEncoderConfig, CodecError,
};

use crate::conceal::Concealer;
use crate::{g711, g722};

enum Coder<T> {
    Mu,
    A,
    G722(T),
}

pub(crate) struct Encoder {
    coder: Coder<g722::Encoder>,
    config: AudioEncoderConfig,
}

impl Encoder {
    pub(crate) fn new(config: &AudioEncoderConfig) -> Self {
        let coder = match config.codec {
            AudioCodec::G722 => Coder::G722(g722::Encoder::new()),
            AudioCodec::Pcma => Coder::A,
            _ => Coder::Mu,
        };
        Encoder {
            coder,
            config: config.clone(),
        }
    }
}

impl AudioEncode for Encoder {
    fn configure(&mut self, config: &AudioEncoderConfig) -> Result<(), CodecError> {
        let shape = |it: &AudioEncoderConfig| (it.codec, it.channels, it.packet_ms);
        if shape(config) != shape(&self.config) {
            return Err(CodecError::Invalid("the shape of the sound stays the same"));
        }
        // Its rate is fixed, and it has nothing else to choose.
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let channels = usize::from(self.config.channels);
        if samples.len() != self.config.packet_frames() * channels {
            return Err(CodecError::Invalid(
                "another number of samples than a packet has",
            ));
        }
        // RFC 3551 §4.5.14: one channel on the wire, of two their middle.
        let middle = samples.chunks_exact(channels);
        let mut middle = middle.map(|all| to_i16(all.iter().sum::<f32>() / channels as f32));
        match &mut self.coder {
            Coder::Mu => out.extend(middle.map(g711::encode_mu)),
            Coder::A => out.extend(middle.map(g711::encode_a)),
            Coder::G722(coder) => {
                while let (Some(first), Some(second)) = (middle.next(), middle.next()) {
                    out.push(coder.encode([first, second]));
                }
            }
        }
        Ok(())
    }
}

pub(crate) struct Decoder {
    coder: Coder<g722::Decoder>,
    channels: usize,
    concealer: Concealer,
    /// Of one channel, before they are spread.
    samples: Vec<f32>,
}

impl Decoder {
    pub(crate) fn new(config: &AudioDecoderConfig) -> Self {
        let coder = match config.codec {
            AudioCodec::G722 => Coder::G722(g722::Decoder::new()),
            AudioCodec::Pcma => Coder::A,
            _ => Coder::Mu,
        };
        Decoder {
            coder,
            channels: usize::from(config.channels),
            concealer: Concealer::new(config.codec.sample_rate()),
            samples: Vec::new(),
        }
    }

    /// The one channel on all.
    fn spread(&self, out: &mut [f32]) {
        for (all, sample) in out.chunks_exact_mut(self.channels).zip(&self.samples) {
            all.fill(*sample);
        }
    }
}

impl AudioDecode for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let frames = self.frames(packet).ok_or(CodecError::Damaged("G.7xx", 0))?;
        if out.len() < frames * self.channels {
            return Err(CodecError::Damaged("G.7xx", packet.len() as i64));
        }
        self.samples.clear();
        let bytes = packet.iter().copied();
        match &mut self.coder {
            Coder::Mu => self
                .samples
                .extend(bytes.map(|it| from_i16(g711::decode_mu(it)))),
            Coder::A => self
                .samples
                .extend(bytes.map(|it| from_i16(g711::decode_a(it)))),
            Coder::G722(coder) => {
                let pairs = bytes.flat_map(|byte| coder.decode(byte));
                self.samples.extend(pairs.map(from_i16));
            }
        }
        self.concealer.hear(&self.samples);
        self.spread(out);
        Ok(frames)
    }

    fn conceal(&mut self, out: &mut [f32]) {
        self.samples.clear();
        self.samples.resize(out.len() / self.channels, 0.0);
        self.concealer.fill(&mut self.samples);
        self.spread(out);
    }

    fn recover(&mut self, _: &[u8], _: &mut [f32]) -> bool {
        // A packet has nothing of the one before it.
        false
    }

    fn frames(&self, packet: &[u8]) -> Option<usize> {
        let of_byte = if matches!(self.coder, Coder::G722(_)) {
            2
        } else {
            1
        };
        (!packet.is_empty()).then_some(packet.len() * of_byte)
    }
}

fn to_i16(sample: f32) -> i16 {
    // Out of range it saturates.
    (sample * 32_768.0).round() as i16
}

fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}
