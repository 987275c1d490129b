//! Codecs that other people wrote in Rust, for machines that have none of the libraries of
//! `duologue_system`: Opus (`ropus`), and decoding VP8 (`oxideav-vp8`). They are young, each of one
//! author: ARCHITECTURE.md says how they were judged, and the tests hold them against libopus, libvpx
//! and FFmpeg on streams of Chromium and Firefox.
//!
//! ```
//! use duologue_codec::{AudioCodec, AudioDecoderConfig, AudioEncoderConfig, CodecSet};
//!
//! let mut codecs = CodecSet::new();
//! duologue_safe::add_to(&mut codecs);
//! let mut encoder = codecs.audio_encoder(&AudioEncoderConfig::new(AudioCodec::Opus))?;
//! let mut decoder = codecs.audio_decoder(&AudioDecoderConfig::new(AudioCodec::Opus))?;
//! let mut packet = Vec::new();
//! encoder.encode(&[0.0; 960], &mut packet)?;
//! assert_eq!(decoder.frames(&packet), Some(960));
//! # Ok::<(), duologue_codec::CodecError>(())
//! ```
#![forbid(unsafe_code)]

mod opus;
mod vp8;

use duologue_codec::{AudioCodec, CodecSet, VideoCodec};

/// Adds them to a set, behind what is there.
pub fn add_to(set: &mut CodecSet) {
    set.add_audio_encoder(AudioCodec::Opus, opus::NAME, |config| {
        Ok(Box::new(opus::Encoder::new(config)?))
    });
    set.add_audio_decoder(AudioCodec::Opus, opus::NAME, |config| {
        Ok(Box::new(opus::Decoder::new(config)?))
    });
    set.add_video_decoder(VideoCodec::Vp8, vp8::NAME, |config| {
        Ok(Box::new(vp8::Decoder::new(config)))
    });
}
