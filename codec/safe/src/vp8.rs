use std::time::Duration;

use duologue_codec::{CodecError, PixelFormat, Plane, VideoDecode, VideoDecoderConfig, VideoFrame};
use oxideav_vp8::state::Vp8DecoderState;

pub(crate) const NAME: &str = "oxideav-vp8";

pub(crate) struct Decoder {
    state: Vp8DecoderState,
    /// Nothing can be decoded before a key frame.
    began: bool,
}

impl Decoder {
    pub(crate) fn new(config: &VideoDecoderConfig) -> Self {
        Decoder {
            state: Vp8DecoderState::new().with_max_pixels_per_frame(config.max_pixels),
            began: false,
        }
    }
}

impl VideoDecode for Decoder {
    fn decode(
        &mut self,
        data: &[u8],
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        // RFC 6386 §9.1: the lowest bit of the first byte is clear in key frames.
        let key = data.first().is_some_and(|byte| byte & 1 == 0);
        if !self.began && !key {
            return Err(CodecError::Damaged(NAME, 0));
        }
        let decoded = self.state.decode_frame(data);
        let picture = decoded.map_err(|_| CodecError::Damaged(NAME, 1))?;
        self.began = true;
        if self.state.last_frame_shown() == Some(false) {
            return Ok(());
        }
        let (width, height) = (picture.width, picture.height);
        let planes = [picture.y, picture.u, picture.v];
        let planes = planes.into_iter().enumerate().map(|(index, data)| Plane {
            stride: PixelFormat::I420.plane_size(index, width, height).0,
            data: data.into(),
        });
        let frame = VideoFrame::new(PixelFormat::I420, width, height, planes.collect())?;
        out.push(frame.at(timestamp));
        Ok(())
    }
}
