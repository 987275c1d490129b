//! Received pictures.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as StdInstant};

use duologue_base::Instant;
use duologue_codec::{
    CodecError, CodecSet, VideoCodec, VideoDecode, VideoDecoderConfig, VideoFrame,
};
use duologue_peer::MediaKind;
use duologue_playout::DueFrame;
use duologue_rtp::{NtpTime, Ssrc};
use duologue_session::{EncodedFrame, Played, PlayerStats};
use futures_core::Stream;
use tokio::time::{Sleep, sleep};
use tracing::debug;

use super::corruption::{Awaited, Samples};
use super::pictures::Pictures;
use super::queue::Queue;
use super::together::Member;
use super::{choice, workers};
use crate::Receiver;
use crate::limits::RAW_PICTURES;

/// The pictures of a receiver. It ends when the transceiver is stopped or the connection closed. It is
/// also a [`Stream`] of them.
///
/// A frame is held back for as long as the network and its decoder need for an even motion, at least
/// for `jitterBufferTarget` and until sound of the same
/// `MediaStream` that is read as raw sound is there.
/// [`RAW_PICTURES`](crate::limits::RAW_PICTURES) of them wait to be read; older ones are dropped and
/// counted. What cannot be decoded is skipped up to the next key frame, which is asked for.
#[derive(Debug)]
#[doc(alias = "MediaStreamTrackProcessor")]
pub struct VideoTrackProcessor(Arc<Queue<VideoFrame>>);

impl VideoTrackProcessor {
    /// Reads the pictures of a receiver; they are decoded on the runtime of the receiver.
    pub fn new(receiver: Box<dyn Receiver>) -> Self {
        let queue = Arc::new(Queue::new(RAW_PICTURES));
        let runtime = receiver.runtime().clone();
        let pump = Pump {
            queue: queue.clone(),
            stream: None,
            decoder: None,
            decoding: None,
            timer: None,
            needs_key: false,
            lost: 0,
            member: Member::new(MediaKind::Video, receiver.id()),
            player: receiver.shared().new_player(),
            receiver,
        };
        drop(runtime.spawn(pump.run()));
        VideoTrackProcessor(queue)
    }

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
    receiver: Box<dyn Receiver>,
    /// Of the last frame.
    stream: Option<Pictures>,
    /// Here while no worker has it.
    decoder: Option<Decoder>,
    decoding: Option<Decoding>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Nothing can be decoded before the next key frame.
    needs_key: bool,
    /// Frames that the reader lost, as last seen.
    lost: u64,
    member: Member,
    /// Its name among all players of the connection.
    player: u64,
}

/// What a worker is handed, and hands back.
struct Decoder {
    inner: Box<dyn VideoDecode>,
    codec: VideoCodec,
    library: Option<String>,
    /// Of the last frame.
    ssrc: Ssrc,
    awaited: Awaited,
}

/// A worker's turn; none if it panicked.
type Decoding = Pin<Box<dyn Future<Output = Option<Decoded>> + Send>>;

struct Decoded {
    timestamp: u32,
    took: Duration,
    /// How likely each picture that was looked at is another one than was encoded.
    corruption: Vec<f64>,
    pictures: Result<(Decoder, Vec<VideoFrame>), CodecError>,
}

/// What the task waits for.
enum Event {
    Frame(EncodedFrame),
    Decoded(Option<Decoded>),
    Time,
}

impl Pump {
    async fn run(mut self) {
        let codecs = workers::codecs(&*self.receiver).await;
        while let Some(event) = poll_fn(|cx| self.poll_event(cx)).await {
            match event {
                Event::Frame(frame) => self.take(frame),
                Event::Decoded(decoded) => self.decoded(decoded),
                Event::Time => {}
            }
            let now = self.now();
            self.decode(now, &codecs);
        }
        self.queue.end();
    }

    /// Until either end is there no more.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        // Until the application has gone, too.
        if self.queue.poll_ended(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Some(decoding) = &mut self.decoding
            && let Poll::Ready(decoded) = decoding.as_mut().poll(cx)
        {
            self.decoding = None;
            return Poll::Ready(Some(Event::Decoded(decoded)));
        }
        if let Poll::Ready(frame) = self.receiver.poll_frame(cx) {
            return Poll::Ready(frame.map(Event::Frame));
        }

        let Some(due) = self.due() else {
            return Poll::Pending;
        };
        let wait = due - self.now();
        // A timer of the runtime takes a millisecond at least, and it is set anew with each call.
        if wait.is_zero() {
            return Poll::Ready(Some(Event::Time));
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(wait)));
        timer.as_mut().reset(tokio::time::Instant::now() + wait);
        timer.as_mut().poll(cx).map(|()| Some(Event::Time))
    }

    fn due(&self) -> Option<Instant> {
        let stream = self.stream.as_ref()?;
        stream.poll_timeout().filter(|_| self.decoding.is_none())
    }

    fn now(&self) -> Instant {
        self.receiver.now()
    }

    /// A frame is complete.
    fn take(&mut self, frame: EncodedFrame) {
        let lost = self.receiver.dropped();
        if lost > self.lost {
            self.lost = lost;
            self.needs_key = !frame.key;
            self.ask();
        }
        let known = self.stream.take().filter(|it| it.ssrc() == frame.ssrc);
        let stream = known.unwrap_or_else(|| Pictures::new(frame.ssrc));
        let stream = self.stream.insert(stream);

        self.member.join(&*self.receiver);
        let target = self.receiver.jitter_buffer_target();
        stream.set_delays(target, self.member.delay());
        stream.handle_frame(frame);
        if stream.needs_key_frame() {
            self.ask();
        }
    }

    fn tell(&mut self, now: Instant, captured: Option<NtpTime>) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        let played = Played::Video {
            statistics: *stream.statistics(),
            size: stream.size(),
            frames_per_second: stream.frames_per_second(now),
            qp_sum: stream.qp_sum(),
            corruption: stream.corruption(),
        };
        let mut stats = PlayerStats::new(self.receiver.id(), stream.ssrc(), played);
        stats.decoder = stream.library().map(str::to_owned);
        stats.newest = captured.map(|captured| (captured, now));
        self.receiver.shared().tell_player(self.player, stats);
    }

    /// Hands the next frame to a worker, if it is due and none has one.
    fn decode(&mut self, now: Instant, codecs: &CodecSet) {
        while self.decoding.is_none() {
            let stream = self.stream.as_mut();
            let Some(due) = stream.and_then(|it| it.poll_frame(now)) else {
                return;
            };
            let codec = self.codec(&due.frame);
            let Some(codec) = codec.filter(|_| due.frame.0.key || !self.needs_key) else {
                self.give_up(now);
                continue;
            };
            self.decoding = Some(self.begin(due, codec, codecs.clone()));
        }
    }

    fn begin(
        &mut self,
        due: DueFrame<(EncodedFrame, Duration)>,
        codec: VideoCodec,
        codecs: CodecSet,
    ) -> Decoding {
        let DueFrame {
            frame: (frame, at),
            timestamp,
            ..
        } = due;
        let decoder = self.decoder.take();
        let samples = self.stream.as_mut().and_then(|it| it.samples(&frame));
        let work = move || {
            let begun = StdInstant::now();
            let mut pictures = decode(decoder, &codecs, codec, &frame, at);
            let took = begun.elapsed();
            let corruption = match &mut pictures {
                Ok((decoder, pictures)) => decoder.compare(&frame, at, samples, pictures),
                Err(_) => Vec::new(),
            };
            Decoded {
                timestamp,
                took,
                corruption,
                pictures,
            }
        };
        let runtime = self.receiver.runtime().clone();
        Box::pin(async move { workers::with_picture(&runtime, work).await })
    }

    fn decoded(&mut self, decoded: Option<Decoded>) {
        let now = self.now();
        let Some(Decoded {
            timestamp,
            took,
            corruption,
            pictures,
        }) = decoded
        else {
            return self.give_up(now);
        };
        match (pictures, &mut self.stream) {
            (Ok((decoder, pictures)), Some(stream)) => {
                self.needs_key = false;
                stream.handle_decoded(timestamp, took, now, decoder.inner.last_qp());
                for probability in corruption {
                    stream.handle_compared(probability);
                }
                stream.set_library(decoder.library.as_deref());
                self.decoder = Some(decoder);
                let mut captured = None;
                for picture in pictures {
                    captured = Some(stream.shown(timestamp, &picture, now));
                    self.queue.push(picture);
                }
                if let Some(captured) = captured {
                    self.member.played(captured, now, stream.least_delay());
                    self.tell(now, captured);
                }
            }
            (Ok(_), None) => {}
            (Err(error), _) => {
                debug!(%error, "a frame was not decoded");
                self.give_up(now);
            }
        }
    }

    /// Nothing can be made of a frame.
    fn give_up(&mut self, now: Instant) {
        self.queue.count_dropped();
        if let Some(stream) = &mut self.stream {
            stream.handle_failed(now);
        }
        self.needs_key = true;
        // Each time: the key frame that was asked for may be the one that is damaged, or got lost. The
        // session asks the peer as often as is useful.
        self.ask();
        self.tell(now, None);
    }

    fn codec(&self, (frame, _): &(EncodedFrame, Duration)) -> Option<VideoCodec> {
        let agreed = self.receiver.parameters()?.codecs;
        let mut agreed = agreed.iter().filter_map(choice::video);
        let (_, codec) = agreed.find(|(pt, _)| *pt == frame.payload_type)?;
        Some(codec)
    }

    fn ask(&self) {
        self.receiver.request_key_frame();
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
            library: choice::library(codecs.video_decoders(), codec),
            inner: codecs.video_decoder(&VideoDecoderConfig::new(codec))?,
            codec,
            ssrc: frame.ssrc,
            awaited: Awaited::default(),
        },
    };
    let mut pictures = Vec::new();
    decoder.inner.decode(&frame.data, at, &mut pictures)?;
    Ok((decoder, pictures))
}

impl Decoder {
    /// Looks at what came when it was given the frame of this time, of whose picture these are samples.
    fn compare(
        &mut self,
        frame: &EncodedFrame,
        at: Duration,
        samples: Option<Samples>,
        pictures: &[VideoFrame],
    ) -> Vec<f64> {
        // Another stream has times of its own.
        if self.ssrc != frame.ssrc {
            self.ssrc = frame.ssrc;
            self.awaited = Awaited::default();
        }
        if let Some(samples) = samples {
            self.awaited.expect(at, samples);
        }
        self.awaited.compare(pictures)
    }
}
