//! Pictures to send.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use duologue_codec::{
    CodecError, CodecSet, EncodedVideoChunk, VideoCodec, VideoEncode, VideoEncoderConfig,
    VideoFrame,
};
use duologue_peer::{Exception, MediaKind, RtpEncodingParameters};
use duologue_rtp::PayloadType;
use duologue_session::EncodedFrameInit;
use tracing::debug;

use super::queue::{Input, Queue};
use super::{choice, workers};
use crate::flow::Writer;
use crate::limits::{ENCODED_PICTURES, RAW_PICTURES_TO_SEND};
use crate::media::RtpSender;

impl RtpSender {
    /// What sends raw pictures: `VideoTrackGenerator` of mediacapture-transform is what comes nearest.
    /// They are encoded with the first codec that was agreed on and that the
    /// [`Endpoint`](crate::Endpoint) has an encoder for. What the sender's parameters say of its first
    /// encoding counts for them, and their rate follows [`target_bitrates`](Self::target_bitrates); its
    /// track does not count.
    ///
    /// # Errors
    /// `InvalidAccessError` of a sender of sound.
    pub fn video(&self) -> Result<VideoTrackGenerator, Exception> {
        if self.kind() != Some(MediaKind::Video) {
            return Err(Exception::invalid_access("the sender is not of pictures"));
        }
        let queue = Arc::new(Queue::new(RAW_PICTURES_TO_SEND));
        let pump = Pump {
            queue: queue.clone(),
            sender: self.clone(),
            writer: Writer::new(self.connection().clone(), self.id()),
            encoder: None,
            pace: Pace::default(),
        };
        let runtime = self.connection().runtime();
        drop(runtime.spawn(pump.run()));
        Ok(VideoTrackGenerator(Arc::new(Input::new(queue))))
    }
}

/// Takes pictures and sends them, encoded. Cheap to clone; with the last clone it ends.
///
/// ```
/// use std::time::Duration;
/// use duologue::{Exception, RtpSender, codec::pattern};
///
/// /// Sends a moving test picture with a number in it, 30 a second.
/// async fn play(sender: &RtpSender) -> Result<(), Exception> {
///     let video = sender.video()?;
///     let mut clock = tokio::time::interval(Duration::from_micros(33_333));
///     for number in 0.. {
///         clock.tick().await;
///         let picture = pattern::draw(number, 640, 360).expect("a size that can be");
///         video.write(picture.at(Duration::from_micros(33_333) * u32::from(number)))?;
///     }
///     Ok(())
/// }
/// ```
///
/// Nothing waits: while one picture is encoded the newest one that came is kept, and older ones are
/// dropped and counted, as are pictures that come while the sender may not send, while what it sent
/// has not left, and where no codec is there. Key frames are made when the peer asks for them.
#[derive(Clone, Debug)]
#[doc(alias = "MediaStreamTrackGenerator")]
pub struct VideoTrackGenerator(Arc<Input<VideoFrame>>);

impl VideoTrackGenerator {
    /// Hands over a picture. Its [`timestamp`](VideoFrame::timestamp) is that of the source, and rises.
    ///
    /// # Errors
    /// `InvalidStateError` when the transceiver is stopped or the connection closed.
    pub fn write(&self, frame: VideoFrame) -> Result<(), Exception> {
        self.0.write(frame)
    }

    /// How many pictures were not sent.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

/// The task of a generator.
struct Pump {
    queue: Arc<Queue<VideoFrame>>,
    sender: RtpSender,
    writer: Writer<EncodedFrameInit>,
    encoder: Option<Encoder>,
    pace: Pace,
}

/// What a worker is handed, and hands back.
struct Encoder {
    inner: Box<dyn VideoEncode>,
    config: VideoEncoderConfig,
}

impl Pump {
    async fn run(mut self) {
        let codecs = workers::codecs(self.sender.connection()).await;
        while let Some(frame) = poll_fn(|cx| self.queue.poll_pop(cx)).await {
            self.pace.saw(frame.timestamp);
            if self.writer.ended() {
                break;
            }
            if self.writer.queued() > ENCODED_PICTURES || !self.send(frame, &codecs).await {
                self.queue.count_dropped();
            }
        }
        self.queue.end();
    }

    /// `false` if the picture was not sent.
    async fn send(&mut self, frame: VideoFrame, codecs: &CodecSet) -> bool {
        let runtime = self.sender.connection().runtime().clone();
        let Some(parameters) = self.sender.current_parameters() else {
            return false;
        };
        let Some((payload_type, codec)) = choice::video_to_send(&parameters, codecs) else {
            return false;
        };
        let target = self.sender.target_bitrates().first().copied();
        let encoding = parameters.encodings.first();
        let Some(config) = self.pace.config(codec, &frame, encoding, target) else {
            return false;
        };

        let key = self.writer.take_key_frame_request();
        let (encoder, codecs) = (self.encoder.take(), codecs.clone());
        let encode = move || encode(encoder, &codecs, config, &frame, key);
        let Some(encoded) = workers::with_picture(&runtime, encode).await else {
            return false;
        };
        match encoded {
            Ok((encoder, chunks)) => {
                self.encoder = Some(encoder);
                self.write(payload_type, chunks).await
            }
            Err(error) => {
                debug!(%error, "a picture was not encoded");
                if key {
                    self.writer.want_key_frame();
                }
                false
            }
        }
    }

    async fn write(&mut self, payload_type: PayloadType, chunks: Vec<EncodedVideoChunk>) -> bool {
        let frames = chunks.into_iter().map(|chunk| EncodedFrameInit {
            payload_type: Some(payload_type),
            timestamp: choice::ticks(chunk.timestamp, VIDEO_CLOCK),
            temporal: chunk.temporal,
            discardable: chunk.discardable,
            data: chunk.data,
            ..EncodedFrameInit::default()
        });
        let mut frames: Vec<_> = frames.collect();
        !frames.is_empty() && self.writer.send_all(&mut frames).await.is_ok()
    }
}

/// All payload formats of video have it.
const VIDEO_CLOCK: u32 = 90_000;

fn encode(
    encoder: Option<Encoder>,
    codecs: &CodecSet,
    config: VideoEncoderConfig,
    frame: &VideoFrame,
    key: bool,
) -> Result<(Encoder, Vec<EncodedVideoChunk>), CodecError> {
    let same = encoder.filter(|it| it.config.codec == config.codec);
    let (mut encoder, key) = match same {
        Some(mut encoder) => {
            if encoder.config != config {
                encoder.inner.configure(&config)?;
                encoder.config = config;
            }
            (encoder, key)
        }
        None => {
            let inner = codecs.video_encoder(&config)?;
            (Encoder { inner, config }, true)
        }
    };
    let mut chunks = Vec::new();
    encoder.inner.encode(frame, key, &mut chunks)?;
    Ok((encoder, chunks))
}

/// How fast pictures come, and what that means for the encoder.
#[derive(Debug, Default)]
struct Pace {
    last: Option<Duration>,
    /// Between pictures, in seconds, smoothed.
    interval: Option<f64>,
    /// What the encoder was told last, which is not told anew for small changes.
    framerate: f64,
}

impl Pace {
    fn saw(&mut self, at: Duration) {
        if let Some(step) = self.last.and_then(|last| at.checked_sub(last)) {
            let step = step.as_secs_f64().clamp(1.0 / 120.0, 1.0);
            let interval = self.interval.unwrap_or(1.0 / 30.0);
            self.interval = Some(interval + (step - interval) / 8.0);
        }
        self.last = Some(at);
    }

    fn config(
        &mut self,
        codec: VideoCodec,
        frame: &VideoFrame,
        encoding: Option<&RtpEncodingParameters>,
        target: Option<u64>,
    ) -> Option<VideoEncoderConfig> {
        // No rate at all: the path is too slow for it.
        if encoding.is_some_and(|encoding| !encoding.active) || target == Some(0) {
            return None;
        }
        let now = self.interval.map_or(30.0, |interval| 1.0 / interval);
        if (now / self.framerate - 1.0).abs() > 0.25 || self.framerate == 0.0 {
            self.framerate = now.round().max(1.0);
        }
        let (width, height) = (frame.width(), frame.height());
        let usual = f64::from(width) * f64::from(height) * self.framerate * BITS_A_PIXEL;
        let usual = usual.clamp(MIN_BITRATE, MAX_BITRATE) as u64;
        // The path has room for so much, and the application allows no more than that.
        let allowed = encoding.and_then(|encoding| encoding.max_bitrate);
        let limits = [target, allowed.map(u64::from)].into_iter().flatten();
        let bitrate = limits.fold(usual, u64::min).max(LEAST_BITRATE);
        Some(VideoEncoderConfig {
            bitrate,
            framerate: self.framerate,
            ..VideoEncoderConfig::new(codec, width, height)
        })
    }
}

/// What a picture of a camera needs to look well with any of the codecs.
const BITS_A_PIXEL: f64 = 0.1;
const MIN_BITRATE: f64 = 100_000.0;
/// Below it an encoder makes nothing that can be looked at.
const LEAST_BITRATE: u64 = 30_000;
/// As browsers have it for one stream.
const MAX_BITRATE: f64 = 2_500_000.0;

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_codec::pattern;

    #[test]
    fn the_encoder_gets_what_the_path_has_room_for_and_no_more_than_is_allowed() {
        let frame = pattern::draw(0, 640, 360).unwrap();
        let mut allowed = RtpEncodingParameters::default();
        let bitrate = |allowed: &RtpEncodingParameters, target| {
            let config = Pace::default().config(VideoCodec::Vp8, &frame, Some(allowed), target);
            config.unwrap().bitrate
        };
        let usual = bitrate(&allowed, None);
        assert_eq!(usual, 691_200);
        assert_eq!(bitrate(&allowed, Some(300_000)), 300_000);
        assert_eq!(bitrate(&allowed, Some(5_000_000)), usual);
        allowed.max_bitrate = Some(200_000);
        assert_eq!(bitrate(&allowed, Some(300_000)), 200_000);
        assert_eq!(bitrate(&allowed, Some(1_000)), LEAST_BITRATE);
        let nothing = Pace::default().config(VideoCodec::Vp8, &frame, None, Some(0));
        assert_eq!(nothing, None);
    }

    #[test]
    fn the_encoder_is_told_how_fast_pictures_come_but_not_each_time() {
        let mut pace = Pace::default();
        let frame = pattern::draw(0, 640, 360).unwrap();
        let mut rates = Vec::new();
        for number in 0..200_u32 {
            let step = if number < 100 { 33_333 } else { 100_000 };
            let before = pace.last.unwrap_or_default();
            pace.saw(before + Duration::from_micros(step));
            let config = pace.config(VideoCodec::Vp8, &frame, None, None);
            rates.push(config.unwrap().framerate);
        }
        assert_eq!((rates[99], *rates.last().unwrap()), (30.0, 10.0));
        rates.dedup();
        assert!(rates.len() <= 6, "{rates:?}");
    }
}
