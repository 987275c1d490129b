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
        if let Some(size) = self.format.coded_size(data, &self.parts) {
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

    /// A key frame of H.264 (ITU-T H.264 §7.3.2.1.1): so many macroblocks each way, and all but one cut off.
    fn key_frame_of_h264(blocks: u32) -> Vec<u8> {
        let cut = (16 * blocks - 16) / 2;
        // Level 4 of the baseline profile.
        let mut bits = format!("{:08b}{:08b}{:08b}{:08b}", 0x67, 66, 0, 40);
        for value in [0, 0, 2, 1] {
            bits += &exp_golomb(value);
        }
        bits += "0";
        bits += &(exp_golomb(blocks - 1) + &exp_golomb(blocks - 1) + "111");
        for value in [0, cut, 0, cut] {
            bits += &exp_golomb(value);
        }
        bits += "01";
        let set = bytes_of(bits);
        [&[0, 0, 0, 1][..], &set, &[0, 0, 0, 1, 0x65, 0x88, 0x84]].concat()
    }

    #[test]
    fn a_picture_that_is_cut_to_a_small_one_never_reaches_a_decoder() {
        let config = VideoDecoderConfig::new(VideoCodec::H264);
        let mut decoder = Bounded::new(Box::new(Never), &config);
        let refused = decoder.decode(&key_frame_of_h264(1_000), Duration::ZERO, &mut Vec::new());
        let pixels = 16_000 * 16_000;
        assert_eq!(refused, Err(CodecError::TooLarge("a picture", pixels)));
    }

    /// The bits of an unsigned Exp-Golomb code (ITU-T H.264 §9.1, H.265 §9.2).
    fn exp_golomb(value: u32) -> String {
        let digits = format!("{:b}", value + 1);
        format!("{}{digits}", "0".repeat(digits.len() - 1))
    }

    fn bytes_of(mut bits: String) -> Vec<u8> {
        bits += &"0".repeat(8 - bits.len() % 8);
        let bytes = bits.as_bytes().chunks(8);
        let bytes = bytes.map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit & 1)));
        bytes.collect()
    }

    /// A sequence parameter set of H.265 (§7.3.2.2) whose conformance window leaves 16 by 16 pixels, and an
    /// IDR slice.
    fn key_frame_of_h265(side: u32) -> Vec<u8> {
        // Header, sps_video_parameter_set_id, no sub-layers, nesting; the main profile at level 4. What would
        // be zeros is not, so that no start code is in it.
        let mut bits = format!("{:016b}{:08b}{:08b}", 0x4201, 1, 1);
        bits += &"10".repeat(16);
        bits += &"10".repeat(24);
        bits += &format!("{:08b}", 120);
        let cut = (side - 16) / 2;
        for value in [0, 1, side, side] {
            bits += &exp_golomb(value);
        }
        bits += "1";
        for value in [0, cut, 0, cut] {
            bits += &exp_golomb(value);
        }
        bits += "01";
        let set = bytes_of(bits);
        [
            &[0, 0, 0, 1][..],
            &set,
            &[0, 0, 0, 1, 0x26, 0x01, 0xaf, 0x88],
        ]
        .concat()
    }

    #[test]
    fn a_picture_of_h265_that_is_cut_to_a_small_one_never_reaches_a_decoder_either() {
        let config = VideoDecoderConfig::new(VideoCodec::H265);
        let mut decoder = Bounded::new(Box::new(Never), &config);
        let frame = key_frame_of_h265(16_000);
        let refused = decoder.decode(&frame, Duration::ZERO, &mut Vec::new());
        let pixels = 16_000 * 16_000;
        assert_eq!(refused, Err(CodecError::TooLarge("a picture", pixels)));
        // A small set behind it hides nothing.
        let both = [frame, key_frame_of_h265(640)].concat();
        let refused = decoder.decode(&both, Duration::ZERO, &mut Vec::new());
        assert_eq!(refused, Err(CodecError::TooLarge("a picture", pixels)));
    }

    #[test]
    #[should_panic(expected = "it sees it")]
    fn a_picture_of_a_common_size_does() {
        let config = VideoDecoderConfig::new(VideoCodec::H264);
        let mut decoder = Bounded::new(Box::new(Never), &config);
        let _ = decoder.decode(&key_frame_of_h264(40), Duration::ZERO, &mut Vec::new());
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
