use std::time::Duration;

use duologue_rtp::payload::{Parts, PayloadFormat};

use crate::frame::check_size;
use crate::{CodecError, VideoDecode, VideoDecoderConfig, VideoFrame, limits};

/// Looks at the size that a frame says it has before its decoder does: a few bytes of a header make
/// a decoder allocate a picture.
pub(crate) struct Bounded {
    inner: Box<dyn VideoDecode>,
    format: PayloadFormat,
    max_pixels: u64,
    parts: Parts,
}

impl Bounded {
    pub(crate) fn new(inner: Box<dyn VideoDecode>, config: &VideoDecoderConfig) -> Self {
        Bounded {
            inner,
            format: config.codec.payload_format(),
            max_pixels: config.max_pixels,
            parts: Parts::new(),
        }
    }
}

impl VideoDecode for Bounded {
    fn decode(
        &mut self,
        data: &[u8],
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        if data.len() > limits::MAX_CHUNK {
            return Err(CodecError::TooLarge("a chunk", data.len() as u64));
        }
        let found = self.format.find_parts(data, &mut self.parts);
        found.map_err(|_| CodecError::Damaged("its payload format", 0))?;
        if let Some(size) = self.format.frame_info(data, &self.parts).size {
            check_size(size.width, size.height, self.max_pixels)?;
        }

        self.inner.decode(data, timestamp, out)
    }

    fn last_qp(&self) -> Option<u8> {
        self.inner.last_qp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VideoCodec;

    struct Never;

    impl VideoDecode for Never {
        fn decode(
            &mut self,
            _: &[u8],
            _: Duration,
            _: &mut Vec<VideoFrame>,
        ) -> Result<(), CodecError> {
            panic!("it sees it")
        }
    }

    /// RFC 6386 §9.1: a key frame's start code and its size, of 14 bits each.
    fn key_frame_of_vp8(width: u16, height: u16) -> Vec<u8> {
        let [w, h] = [width, height].map(u16::to_le_bytes);
        [&[0x10, 0, 0, 0x9d, 0x01, 0x2a][..], &w, &h, &[0; 16]].concat()
    }

    /// The uncompressed header of a key frame of VP9: marker, profile 0, sync code, BT.601, size.
    fn key_frame_of_vp9(width: u32, height: u32) -> Vec<u8> {
        let mut bits = format!("10000010{:024b}0010", 0x0049_8342);
        bits += &format!("{:016b}{:016b}0", width - 1, height - 1);
        bits += &"0".repeat(8 * 24 - bits.len());
        let bytes = bits.as_bytes().chunks(8);
        let bytes = bytes.map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit & 1)));
        bytes.collect()
    }

    #[test]
    fn a_header_of_16384_times_16384_never_reaches_a_decoder() {
        let vp8 = key_frame_of_vp8(16_383, 16_383);
        let vp9 = key_frame_of_vp9(16_384, 16_384);
        for (codec, frame) in [(VideoCodec::Vp8, vp8), (VideoCodec::Vp9, vp9)] {
            let config = VideoDecoderConfig::new(codec);
            let mut decoder = Bounded::new(Box::new(Never), &config);
            let refused = decoder.decode(&frame, Duration::ZERO, &mut Vec::new());
            assert!(
                matches!(refused, Err(CodecError::TooLarge("a picture", _))),
                "{codec}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_is_longer_than_any_picture_never_reaches_a_decoder() {
        let config = VideoDecoderConfig::new(VideoCodec::Vp8);
        let mut decoder = Bounded::new(Box::new(Never), &config);
        let long = vec![0x11; limits::MAX_CHUNK + 1];
        let refused = decoder.decode(&long, Duration::ZERO, &mut Vec::new());
        assert!(matches!(refused, Err(CodecError::TooLarge("a chunk", _))));
    }
}
