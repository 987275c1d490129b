//! The codecs of telephones, which every browser has and none has to be licensed: G.711 with both
//! laws, G.722, and comfort noise (RFC 3389).
//!
//! ```
//! use duologue_codec::{AudioCodec, AudioDecoderConfig, AudioEncoderConfig, CodecSet};
//!
//! let mut codecs = CodecSet::new();
//! duologue_g7xx::add_to(&mut codecs);
//! let mut encoder = codecs.audio_encoder(&AudioEncoderConfig::new(AudioCodec::G722))?;
//! let mut decoder = codecs.audio_decoder(&AudioDecoderConfig::new(AudioCodec::G722))?;
//!
//! // 20 ms at 16 kHz are 160 bytes at 64 kbit/s.
//! let mut packet = Vec::new();
//! encoder.encode(&[0.25; 320], &mut packet)?;
//! assert_eq!(packet.len(), 160);
//! let mut sound = [0.0; 320];
//! assert_eq!(decoder.decode(&packet, &mut sound)?, 320);
//! # Ok::<(), duologue_codec::CodecError>(())
//! ```
#![forbid(unsafe_code)]

mod adapters;
mod conceal;
pub mod g711;
pub mod g722;
mod noise;

use duologue_codec::{AudioCodec, CodecSet};

pub use noise::{ComfortNoise, NoiseGenerator};

/// Adds encoders and decoders of G.722, PCMU and PCMA to a set.
pub fn add_to(set: &mut CodecSet) {
    let library = concat!("duologue ", env!("CARGO_PKG_VERSION"));
    for codec in [AudioCodec::G722, AudioCodec::Pcmu, AudioCodec::Pcma] {
        set.add_audio_encoder(codec, library, |config| {
            Ok(Box::new(adapters::Encoder::new(config)))
        });
        set.add_audio_decoder(codec, library, |config| {
            Ok(Box::new(adapters::Decoder::new(config)))
        });
    }
}
