//! What the publisher sends: a clip of VP8 that a browser can decode, encoded before anything is measured, with the time
//! behind each frame.

use std::time::Duration;

use duologue::Instant;
use duologue::codec::{VideoCodec, VideoEncoderConfig, found_codecs, pattern};

use crate::Outcome;

pub(crate) const FPS: u64 = 30;
/// Frames of the clip: from one key frame to the next, if nobody asks for one.
const FRAMES: u16 = 300;
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Comes before the time. Both are behind the last partition of the frame, where no decoder looks (RFC 6386 §9.5).
const MARK: [u8; 8] = *b"duo-time";
const MARKED: usize = MARK.len() + 8;

/// A clip; its first frame is a key frame.
pub(crate) struct Clip(Vec<Vec<u8>>);

impl Clip {
    /// # Errors
    /// Where no encoder of VP8 is on the machine.
    pub(crate) fn encode(kbps: u64) -> Outcome<Self> {
        let config = VideoEncoderConfig {
            bitrate: kbps * 1_000,
            framerate: FPS as f64,
            ..VideoEncoderConfig::new(VideoCodec::Vp8, WIDTH, HEIGHT)
        };
        let mut encoder = found_codecs().video_encoder(&config)?;
        let mut frames = Vec::new();
        for number in 0..FRAMES {
            let picture = pattern::draw_noisy(number, WIDTH, HEIGHT)?;
            let picture = picture.at(Duration::from_secs(1) * u32::from(number) / FPS as u32);
            let mut chunks = Vec::new();
            encoder.encode(&picture, number == 0, &mut chunks)?;
            frames.extend(chunks.into_iter().map(|chunk| chunk.data.to_vec()));
        }
        Ok(Clip(frames))
    }

    /// The frame of a number, sent at a time. After the last one comes the first.
    pub(crate) fn frame(&self, number: usize, at: Instant) -> Vec<u8> {
        let frame = &self.0[number % self.0.len()];
        let mut data = Vec::with_capacity(frame.len() + MARKED);
        data.extend(frame);
        data.extend(MARK);
        data.extend(at.as_nanos().to_be_bytes());
        data
    }
}

/// When a frame was sent, in its last packet.
pub(crate) fn sent(payload: &[u8]) -> Option<Instant> {
    let (mark, time) = payload.last_chunk::<MARKED>()?.split_at(MARK.len());
    let nanos = (mark == MARK).then_some(time)?.try_into().ok()?;
    Some(Instant::from_nanos(u64::from_be_bytes(nanos)))
}
