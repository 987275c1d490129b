//! Pictures, sound, and what encodes and decodes them: traits and plain types. No codec is here, and
//! no stream: [`CodecSet`] has what an application brings and what was found on the machine, behind
//! [`VideoEncode`], [`VideoDecode`], [`AudioEncode`] and [`AudioDecode`].
//!
//! The words are those of WebCodecs: a [`VideoFrame`] and [`AudioData`] are raw, an
//! [`EncodedVideoChunk`] is not. Decoders of a set refuse pictures that are larger than
//! [`limits::MAX_PIXELS`] before they see them.
//!
//! ```
//! use std::time::Duration;
//! use duologue_codec::{
//!     CodecError, CodecSet, EncodedVideoChunk, VideoCodec, VideoEncode, VideoEncoderConfig, VideoFrame,
//! };
//!
//! /// A codec of the application's own, say one of a graphics card.
//! struct Mine;
//!
//! impl VideoEncode for Mine {
//!     fn configure(&mut self, _: &VideoEncoderConfig) -> Result<(), CodecError> {
//!         Ok(())
//!     }
//!
//!     fn encode(
//!         &mut self,
//!         frame: &VideoFrame,
//!         key: bool,
//!         out: &mut Vec<EncodedVideoChunk>,
//!     ) -> Result<(), CodecError> {
//!         let data = frame.planes()[0].data.clone();
//!         out.push(EncodedVideoChunk { data, key, timestamp: frame.timestamp, ..Default::default() });
//!         Ok(())
//!     }
//! }
//!
//! let mut codecs = CodecSet::new();
//! codecs.add_video_encoder(VideoCodec::H265, "mine", |_| Ok(Box::new(Mine)));
//! let config = VideoEncoderConfig::new(VideoCodec::H265, 64, 48);
//! let mut encoder = codecs.video_encoder(&config)?;
//! let mut chunks = Vec::new();
//! encoder.encode(&VideoFrame::black(64, 48)?, true, &mut chunks)?;
//! assert!(chunks[0].key);
//! # Ok::<(), CodecError>(())
//! ```
#![forbid(unsafe_code)]

mod audio;
mod bounded;
mod convert;
mod error;
mod frame;
mod hint;
pub mod limits;
pub mod pattern;
mod played;
mod resample;
mod scale;
mod set;
pub mod tone;
mod video;

pub use audio::{
    AudioCodec, AudioData, AudioDecode, AudioDecoderConfig, AudioEncode, AudioEncoderConfig,
};
pub use duologue_rtp::ScalabilityMode;
pub use error::CodecError;
pub use frame::{PixelFormat, Plane, Rotation, VideoFrame};
pub use hint::ContentHint;
pub use played::Played;
pub use resample::Resampler;
pub use scale::Scaler;
pub use set::{CodecSet, Implementation};
pub use video::{
    EncodedVideoChunk, VideoCodec, VideoDecode, VideoDecoderConfig, VideoEncode, VideoEncoderConfig,
};
