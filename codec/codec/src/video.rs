use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::{Codec, Fmtp, MediaKind, ScalabilityMode};

use crate::frame::check_size;
use crate::{CodecError, VideoFrame, limits};

/// A format of encoded pictures.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum VideoCodec {
    /// RFC 6386
    Vp8,
    /// VP9 of profile 0: 8 bits, colour at a quarter of the size.
    Vp9,
    /// ITU-T H.264, with start codes.
    H264,
    /// ITU-T H.265, with start codes.
    H265,
    /// AV1, as OBUs with sizes.
    Av1,
}

impl VideoCodec {
    /// All video codecs.
    pub const ALL: [VideoCodec; 5] = [
        VideoCodec::Vp8,
        VideoCodec::Vp9,
        VideoCodec::H264,
        VideoCodec::H265,
        VideoCodec::Av1,
    ];

    /// The encoding name in descriptions.
    pub const fn as_str(self) -> &'static str {
        match self {
            VideoCodec::Vp8 => "VP8",
            VideoCodec::Vp9 => "VP9",
            VideoCodec::H264 => "H264",
            VideoCodec::H265 => "H265",
            VideoCodec::Av1 => "AV1",
        }
    }

    /// The video codec that a codec of a description is; `None` for retransmissions and the like.
    pub fn of(codec: &Codec) -> Option<Self> {
        let named = |it: &VideoCodec| codec.name.eq_ignore_ascii_case(it.as_str());
        let video = codec.kind == MediaKind::Video;
        VideoCodec::ALL.into_iter().find(|it| video && named(it))
    }

    /// How the codec's frames become packets.
    pub fn payload_format(self) -> PayloadFormat {
        PayloadFormat::negotiated(self.as_str(), Fmtp::of(None))
    }
}

impl fmt::Display for VideoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an encoder of pictures is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoEncoderConfig {
    /// The format that the encoder makes.
    pub codec: VideoCodec,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bits a second.
    pub bitrate: u64,
    /// Frames a second.
    pub framerate: f64,
    /// The pictures are of a screen, with letters and sharp edges (`contentHint` `"detail"` and
    /// `"text"`).
    pub screen: bool,
    /// Threads that the encoder may use beside the one that calls it.
    pub threads: u8,
    /// Into which layers the stream is divided: one of those that an encoder of the set has
    /// ([`Implementation::scalability_modes`](crate::Implementation::scalability_modes)).
    pub scalability_mode: ScalabilityMode,
}

impl VideoEncoderConfig {
    /// A megabit and thirty frames a second of a camera, on the caller's thread alone.
    pub fn new(codec: VideoCodec, width: u32, height: u32) -> Self {
        VideoEncoderConfig {
            codec,
            width,
            height,
            bitrate: 1_000_000,
            framerate: 30.0,
            screen: false,
            threads: 0,
            scalability_mode: ScalabilityMode::L1T1,
        }
    }

    /// What an encoder of this format cannot change without a key frame.
    pub fn shape(&self) -> impl PartialEq + use<> {
        (
            (self.width, self.height),
            (self.screen, self.threads),
            self.scalability_mode,
        )
    }

    /// Says whether an encoder can be so at all.
    ///
    /// # Errors
    /// `Invalid` for a size, a rate or a frame rate of zero; `TooLarge` for more pixels than
    /// [`limits::MAX_PIXELS`].
    pub fn check(&self) -> Result<(), CodecError> {
        check_size(self.width, self.height, limits::MAX_PIXELS)?;
        let framerate = self.framerate.is_finite() && self.framerate > 0.0;
        if self.bitrate == 0 || !framerate {
            return Err(CodecError::Invalid("a rate of zero"));
        }
        Ok(())
    }
}

/// What a decoder of pictures is for.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoDecoderConfig {
    /// The format that the decoder takes.
    pub codec: VideoCodec,
    /// Pictures with more pixels are refused before anything is allocated for them.
    pub max_pixels: u64,
    /// Threads that the decoder may use beside the one that calls it.
    pub threads: u8,
}

impl VideoDecoderConfig {
    /// Up to [`limits::MAX_PIXELS`], on the caller's thread alone.
    pub fn new(codec: VideoCodec) -> Self {
        VideoDecoderConfig {
            codec,
            max_pixels: limits::MAX_PIXELS,
            threads: 0,
        }
    }
}

/// An encoded picture, with all its spatial layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedVideoChunk {
    /// The bytes of the encoded picture, in the form of [`duologue_rtp::payload`].
    pub data: Bytes,
    /// Whether this is a key frame: it needs no other one.
    pub key: bool,
    /// The time of the picture, by its source's clock.
    pub timestamp: Duration,
    /// How coarse the picture is, by the scale of its codec.
    pub qp: Option<u8>,
    /// The temporal layer, where there are several.
    pub temporal: Option<u8>,
    /// Whether no other frame needs this one.
    pub discardable: bool,
}

/// Encodes pictures.
pub trait VideoEncode: Send {
    /// Does from the next picture on what this says. The codec stays the same; another size may
    /// come with a key frame.
    ///
    /// # Errors
    /// When it cannot; it then goes on as before.
    fn configure(&mut self, config: &VideoEncoderConfig) -> Result<(), CodecError>;

    /// Encodes a picture of the configured size and adds what comes of it to `out`: mostly one
    /// chunk, none where the rate has none left for it. With `key` it is a key frame.
    ///
    /// # Errors
    /// `Invalid` for a picture of another size; `Failed` by the library.
    fn encode(
        &mut self,
        frame: &VideoFrame,
        key: bool,
        out: &mut Vec<EncodedVideoChunk>,
    ) -> Result<(), CodecError>;
}

/// Decodes pictures.
pub trait VideoDecode: Send {
    /// Decodes one frame and adds the pictures that come of it to `out`, with its `timestamp`:
    /// mostly one. What it is given comes from the network.
    ///
    /// # Errors
    /// `Damaged` for what is no frame of the codec, or needs one that was not there: a key frame is
    /// to be asked for. `TooLarge` for a picture with too many pixels. The decoder goes on with the
    /// next key frame.
    fn decode(
        &mut self,
        data: &[u8],
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError>;

    /// How coarse the last picture was, by the scale of its codec, where the decoder tells it.
    fn last_qp(&self) -> Option<u8> {
        None
    }
}
