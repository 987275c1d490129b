//! Received pictures.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use duologue_codec::{
    CodecError, CodecSet, VideoCodec, VideoDecode, VideoDecoderConfig, VideoFrame,
};
use duologue_peer::{Exception, MediaKind};
use duologue_session::EncodedFrame;
use futures_core::Stream;
use tracing::debug;

use super::queue::Queue;
use super::{choice, workers};
use crate::flow::Reader;
use crate::limits::RAW_PICTURES;
use crate::media::RtpReceiver;

impl RtpReceiver {
    /// What the peer sends, as raw pictures: `MediaStreamTrackProcessor` of mediacapture-transform is
    /// what comes nearest. They come as they are decoded, from the next key frame on, which is asked
    /// for.
    ///
    /// # Errors
    /// `InvalidAccessError` of a receiver of sound.
    pub fn video(&self) -> Result<VideoTrackProcessor, Exception> {
        if self.kind() != Some(MediaKind::Video) {
            return Err(Exception::invalid_access("the receiver is not of pictures"));
        }
        let queue = Arc::new(Queue::new(RAW_PICTURES));
        let pump = Pump {
            queue: queue.clone(),
            receiver: self.clone(),
            reader: Reader::new(self.connection().clone(), self.id()),
            decoder: None,
            clock: choice::Clock::new(90_000),
            needs_key: false,
            lost: 0,
        };
        let runtime = self.connection().runtime();
        drop(runtime.spawn(pump.run()));
        Ok(VideoTrackProcessor(queue))
    }
}

/// The pictures of a receiver. It ends when the transceiver is stopped or the connection closed. It is
/// also a [`Stream`] of them.
///
/// ```
/// use duologue::{Exception, RtpReceiver};
///
/// /// How large the pictures are that come.
/// async fn size(receiver: &RtpReceiver) -> Result<Option<(u32, u32)>, Exception> {
///     let mut video = receiver.video()?;
///     let picture = video.recv().await;
///     Ok(picture.map(|picture| (picture.width(), picture.height())))
/// }
/// ```
///
/// [`RAW_PICTURES`](crate::limits::RAW_PICTURES) of them wait to be read; older ones are dropped and
/// counted. What cannot be decoded is skipped up to the next key frame, which is asked for.
#[derive(Debug)]
#[doc(alias = "MediaStreamTrackProcessor")]
pub struct VideoTrackProcessor(Arc<Queue<VideoFrame>>);

impl VideoTrackProcessor {
    /// The next picture; `None` at the end.
    pub async fn recv(&mut self) -> Option<VideoFrame> {
        poll_fn(|cx| self.0.poll_pop(cx)).await
    }

    /// The next picture, if there is one already.
    pub fn try_recv(&mut self) -> Option<VideoFrame> {
        self.0.try_pop()
    }

    /// How many pictures were dropped because nobody read them in time, and how many frames were not
    /// decoded.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl Stream for VideoTrackProcessor {
    type Item = VideoFrame;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<VideoFrame>> {
        self.0.poll_pop(cx)
    }
}

impl Drop for VideoTrackProcessor {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The task of a processor.
struct Pump {
    queue: Arc<Queue<VideoFrame>>,
    receiver: RtpReceiver,
    reader: Reader<EncodedFrame>,
    decoder: Option<Decoder>,
    clock: choice::Clock,
    /// Nothing can be decoded before the next key frame.
    needs_key: bool,
    /// Frames that the reader lost, as last seen.
    lost: u64,
}

/// What a worker is handed, and hands back.
struct Decoder {
    inner: Box<dyn VideoDecode>,
    codec: VideoCodec,
}

impl Pump {
    async fn run(mut self) {
        let codecs = workers::codecs(self.receiver.connection()).await;
        loop {
            // Until the application has gone, too.
            let frame = poll_fn(|cx| match self.queue.poll_ended(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => self.reader.poll_next(cx),
            });
            let Some(frame) = frame.await else { break };
            let lost = self.reader.dropped();
            if lost > self.lost {
                self.lost = lost;
                self.needs_key = !frame.key;
                self.ask();
            }
            if self.needs_key && !frame.key {
                self.queue.count_dropped();
                continue;
            }
            if self.decode(frame, &codecs).await {
                self.needs_key = false;
            } else {
                self.queue.count_dropped();
                self.needs_key = true;
                self.ask();
            }
        }
        self.queue.end();
    }

    /// `false` if nothing can be made of it.
    async fn decode(&mut self, frame: EncodedFrame, codecs: &CodecSet) -> bool {
        let runtime = self.receiver.connection().runtime().clone();
        let Some(codec) = self.codec(&frame) else {
            return false;
        };
        let at = self.clock.time(frame.timestamp);
        let (decoder, codecs) = (self.decoder.take(), codecs.clone());
        let decode = move || decode(decoder, &codecs, codec, &frame, at);
        match workers::with_picture(&runtime, decode).await {
            Some(Ok((decoder, pictures))) => {
                self.decoder = Some(decoder);
                for picture in pictures {
                    self.queue.push(picture);
                }
                true
            }
            Some(Err(error)) => {
                debug!(%error, "a frame was not decoded");
                false
            }
            None => false,
        }
    }

    fn codec(&self, frame: &EncodedFrame) -> Option<VideoCodec> {
        let agreed = self.receiver.parameters()?.codecs;
        let mut agreed = agreed.iter().filter_map(choice::video);
        let (_, codec) = agreed.find(|(pt, _)| *pt == frame.payload_type)?;
        Some(codec)
    }

    fn ask(&self) {
        // A receiver that no longer receives needs none.
        let _ = self.receiver.send_key_frame_request(0);
    }
}

/// A decoder that failed is not used again: nobody knows what it remembers.
fn decode(
    decoder: Option<Decoder>,
    codecs: &CodecSet,
    codec: VideoCodec,
    frame: &EncodedFrame,
    at: Duration,
) -> Result<(Decoder, Vec<VideoFrame>), CodecError> {
    let mut decoder = match decoder.filter(|it| it.codec == codec) {
        Some(decoder) => decoder,
        None => Decoder {
            inner: codecs.video_decoder(&VideoDecoderConfig::new(codec))?,
            codec,
        },
    };
    let mut pictures = Vec::new();
    decoder.inner.decode(&frame.data, at, &mut pictures)?;
    Ok((decoder, pictures))
}
