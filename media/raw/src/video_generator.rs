//! Pictures to send.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use duologue_base::Instant;
use duologue_codec::{
    CodecError, CodecSet, ContentHint, EncodedVideoChunk, Scaler, VideoEncode, VideoEncoderConfig,
    VideoFrame,
};
use duologue_peer::{
    DegradationPreference, Exception, RtpHeaderExtensionParameters, RtpSendParameters,
};
use duologue_rtp::PayloadType;
use duologue_rtp::ext::{CorruptionDetection, uri};
use duologue_rtp::payload::FrameSize;
use duologue_session::{EncodedFrameInit, EncoderStats, Given, SourceStats};
use tracing::debug;

use super::corruption::Sampler;
use super::layers::{Layer, Pace, Room};
use super::pace::PerSecond;
use super::queue::{Input, Queue};
use super::{choice, port, workers};
use crate::Sender;
use crate::limits::{ENCODED_PICTURES, RAW_PICTURES_TO_SEND};

/// Takes pictures and sends them, encoded. Cheap to clone; with the last clone it ends.
///
/// Nothing waits: while one picture is encoded the newest one that came is kept, and older ones are
/// dropped and counted, as are pictures that come while the sender may not send, while what it sent
/// has not left, of which there are more than are to be sent, and where no codec is there. Key frames
/// are made when the peer asks for them.
#[derive(Clone, Debug)]
#[doc(alias = "MediaStreamTrackGenerator")]
pub struct VideoTrackGenerator {
    input: Arc<Input<VideoFrame>>,
    hint: Arc<Mutex<ContentHint>>,
}

impl VideoTrackGenerator {
    /// What sends the pictures of a sender; it does so on the runtime of the sender.
    pub fn new(sender: Box<dyn Sender>) -> Self {
        let queue = Arc::new(Queue::new(RAW_PICTURES_TO_SEND));
        let hint = Arc::default();
        let runtime = sender.runtime().clone();
        let pump = Pump {
            queue: queue.clone(),
            hint: Arc::clone(&hint),
            sender,
            layers: Vec::new(),
            scaler: None,
            pace: Pace::default(),
            source: Source::default(),
        };
        drop(runtime.spawn(pump.run()));
        VideoTrackGenerator {
            input: Arc::new(Input::new(queue)),
            hint,
        }
    }

    /// What the pictures show, `contentHint` of a track: by it the encoder is set up, and where the sender's
    /// parameters have no `degradationPreference` it says what gives way (mst-content-hint §3).
    pub fn set_content_hint(&self, hint: ContentHint) {
        *lock(&self.hint) = hint;
    }

    /// Hands over a picture. Its [`timestamp`](VideoFrame::timestamp) is that of the source, and rises.
    ///
    /// # Errors
    /// `InvalidStateError` when the transceiver is stopped or the connection closed.
    pub fn write(&self, frame: VideoFrame) -> Result<(), Exception> {
        self.input.write(frame)
    }

    /// How many pictures were not sent.
    pub fn dropped(&self) -> u64 {
        self.input.dropped()
    }
}

/// The task of a generator.
struct Pump {
    queue: Arc<Queue<VideoFrame>>,
    hint: Arc<Mutex<ContentHint>>,
    sender: Box<dyn Sender>,
    /// Of the sender's encodings, in their order.
    layers: Vec<Encoding>,
    /// Here while no worker has it.
    scaler: Option<Box<Scaler>>,
    pace: Pace,
    source: Source,
}

/// What the application gave.
#[derive(Debug, Default)]
struct Source {
    frames: u64,
    rate: PerSecond,
}

/// What became of one encoding.
struct Encoding {
    layer: Layer,
    /// Here while no worker has it.
    encoder: Option<Encoder>,
    counted: EncoderStats,
    /// What generators counted that this sender had before.
    before: EncoderStats,
    rate: PerSecond,
}

/// What a worker is handed, and hands back.
struct Encoder {
    inner: Box<dyn VideoEncode>,
    /// What takes samples of the pictures that it encodes.
    sampler: Sampler,
    library: String,
    config: VideoEncoderConfig,
}

/// One picture for one encoding.
struct Job {
    encoding: usize,
    payload_type: PayloadType,
    config: VideoEncoderConfig,
    encoder: Option<Encoder>,
    key: bool,
    /// Whether it is to be told what the picture was before.
    samples: bool,
}

/// What came of it.
struct Done {
    encoding: usize,
    payload_type: PayloadType,
    key: bool,
    took: Duration,
    encoded: Result<Encoded, CodecError>,
}

struct Encoded {
    encoder: Encoder,
    chunks: Vec<EncodedVideoChunk>,
    corruption_detection: Option<CorruptionDetection>,
}

impl Pump {
    async fn run(mut self) {
        let codecs = workers::codecs(&*self.sender).await;
        while let Some(frame) = poll_fn(|cx| self.queue.poll_pop(cx)).await {
            if self.sender.ended() {
                break;
            }
            self.saw(&frame);
            if self.sender.queued() > ENCODED_PICTURES || !self.send(frame, &codecs).await {
                self.queue.count_dropped();
            }
        }
        self.queue.end();
    }

    fn now(&self) -> Instant {
        self.sender.now()
    }

    /// A picture came.
    fn saw(&mut self, frame: &VideoFrame) {
        let now = self.now();
        self.pace.saw(frame.timestamp);
        self.source.frames += 1;
        self.source.rate.count(now);
        let given = Given::Video {
            size: FrameSize {
                width: frame.width(),
                height: frame.height(),
            },
            frames: self.source.frames,
            frames_per_second: self.source.rate.get(now),
        };
        let sender = self.sender.id();
        self.sender
            .shared()
            .tell_source(SourceStats { sender, given });
    }

    /// `false` if the picture was not sent.
    async fn send(&mut self, frame: VideoFrame, codecs: &CodecSet) -> bool {
        let runtime = self.sender.runtime().clone();
        let Some(parameters) = self.sender.parameters() else {
            return false;
        };
        let jobs = self.jobs(&frame, &parameters, codecs);
        if jobs.is_empty() {
            return false;
        }
        let (scaler, codecs) = (self.scaler.take().unwrap_or_default(), codecs.clone());
        let work = move || encode_all(scaler, jobs, &codecs, &frame);
        let Some((scaler, done)) = workers::with_picture(&runtime, work).await else {
            return false;
        };
        self.scaler = Some(scaler);
        let mut sent = false;
        for done in done {
            sent |= self.done(done).await;
        }
        sent
    }

    /// What is to be encoded of a picture.
    fn jobs(
        &mut self,
        frame: &VideoFrame,
        parameters: &RtpSendParameters,
        codecs: &CodecSet,
    ) -> Vec<Job> {
        let targets = self.sender.target_bitrates();
        let active = parameters.encodings.iter().filter(|it| it.active).count();
        let hint = *lock(&self.hint);
        self.layers.truncate(parameters.encodings.len());
        while self.layers.len() < parameters.encodings.len() {
            let (sender, at) = (self.sender.id(), self.layers.len());
            let before = self.sender.shared().encoder(sender, at);
            self.layers.push(Encoding::after(before));
        }

        let mut jobs = Vec::new();
        for (index, encoding) in parameters.encodings.iter().enumerate() {
            let wanted = encoding.codec.as_ref();
            let Some((payload_type, codec)) = choice::video_to_send(parameters, wanted, codecs)
            else {
                continue;
            };
            let room = Room {
                width: frame.width(),
                height: frame.height(),
                rate: self.pace.rate(),
                target: targets.get(index).copied(),
                alone: active == 1,
                preference: parameters
                    .degradation_preference
                    .unwrap_or_else(|| preference(hint)),
                screen: matches!(hint, ContentHint::Detail | ContentHint::Text),
            };
            let own = &mut self.layers[index];
            let at = frame.timestamp;
            let Some(mut config) = own.layer.plan(at, codec, encoding, &room) else {
                continue;
            };
            let asked = encoding.scalability_mode.as_deref();
            let size = (config.width, config.height);
            config.scalability_mode = choice::scalability_mode(asked, codec, size, codecs);
            jobs.push(Job {
                encoding: index,
                payload_type,
                config,
                encoder: own.encoder.take(),
                key: self.sender.take_key_frame_request(index),
                samples: parameters.header_extensions.iter().any(is_sampled),
            });
        }
        jobs
    }

    /// `false` if nothing of it was sent.
    async fn done(&mut self, done: Done) -> bool {
        let now = self.now();
        let Encoded {
            encoder,
            chunks,
            corruption_detection,
        } = match done.encoded {
            Ok(encoded) => encoded,
            Err(error) => {
                debug!(%error, "a picture was not encoded");
                if done.key {
                    self.sender.want_key_frame(done.encoding);
                }
                return false;
            }
        };
        let Some(own) = self.layers.get_mut(done.encoding) else {
            return false;
        };
        own.layer.took(done.took);
        own.count(&encoder, &chunks, done.took, now);
        let mode = encoder.config.scalability_mode;
        own.encoder = Some(encoder);
        self.sender.shared().tell_encoder(own.counted.clone());

        let of = EncodedFrameInit {
            encoding: done.encoding,
            captured: Some(now - done.took),
            payload_type: Some(done.payload_type),
            scalability_mode: Some(mode),
            corruption_detection,
            ..EncodedFrameInit::default()
        };
        self.write(&of, chunks).await
    }

    /// Sends frames of which these things are known.
    async fn write(&mut self, of: &EncodedFrameInit, chunks: Vec<EncodedVideoChunk>) -> bool {
        let frames = chunks.into_iter().map(|chunk| EncodedFrameInit {
            timestamp: choice::ticks(chunk.timestamp, choice::VIDEO_CLOCK),
            temporal: chunk.temporal,
            discardable: chunk.discardable,
            data: chunk.data,
            ..of.clone()
        });
        let mut frames: Vec<_> = frames.collect();
        !frames.is_empty() && port::send_all(&*self.sender, &mut frames).await.is_ok()
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.sender.shared().forget_source(self.sender.id());
    }
}

impl Encoding {
    fn after(before: EncoderStats) -> Self {
        Encoding {
            layer: Layer::default(),
            encoder: None,
            counted: before.clone(),
            before,
            rate: PerSecond::default(),
        }
    }

    fn count(
        &mut self,
        encoder: &Encoder,
        chunks: &[EncodedVideoChunk],
        took: Duration,
        now: Instant,
    ) {
        let limiter = self.layer.limiter();
        let counted = &mut self.counted;
        counted.total_encode_time += took;
        counted.scalability_mode = encoder.config.scalability_mode;
        counted.limitation = limiter.reason();
        counted.limitation_durations = self.before.limitation_durations;
        for (total, own) in counted
            .limitation_durations
            .iter_mut()
            .zip(limiter.durations())
        {
            *total += own;
        }
        counted.resolution_changes = self.before.resolution_changes + limiter.resolution_changes;
        for chunk in chunks {
            self.rate.count(now);
            counted.frames_encoded += 1;
            counted.key_frames_encoded += u64::from(chunk.key);
            let bytes = encoder.config.bitrate as f64 / encoder.config.framerate / 8.0;
            counted.total_encoded_bytes_target += bytes as u64;
            if let Some(qp) = chunk.qp {
                *counted.qp_sum.get_or_insert(0) += u64::from(qp);
            }
        }
        counted.frames_per_second = self.rate.get(now);
        if counted.encoder.as_deref() != Some(&encoder.library) {
            counted.encoder = Some(encoder.library.clone());
        }
    }
}

/// `corruption-detection` was agreed on.
fn is_sampled(agreed: &RtpHeaderExtensionParameters) -> bool {
    *agreed.uri == *uri::CORRUPTION_DETECTION
}

/// mst-content-hint §3; webrtc-pc §5.2.5: what nothing says is for us to choose.
fn preference(hint: ContentHint) -> DegradationPreference {
    match hint {
        ContentHint::Motion => DegradationPreference::MaintainFramerate,
        ContentHint::Detail | ContentHint::Text => DegradationPreference::MaintainResolution,
        _ => DegradationPreference::Balanced,
    }
}

fn lock(hint: &Mutex<ContentHint>) -> MutexGuard<'_, ContentHint> {
    // Nothing that can panic runs under this lock.
    hint.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The work of one worker for one picture.
fn encode_all(
    mut scaler: Box<Scaler>,
    jobs: Vec<Job>,
    codecs: &CodecSet,
    frame: &VideoFrame,
) -> (Box<Scaler>, Vec<Done>) {
    let done = jobs.into_iter().map(|job| {
        let begun = StdInstant::now();
        let (encoding, payload_type, key) = (job.encoding, job.payload_type, job.key);
        let encoded = encode(&mut scaler, job, codecs, frame);
        Done {
            encoding,
            payload_type,
            key,
            took: begun.elapsed(),
            encoded,
        }
    });
    let done = done.collect();
    (scaler, done)
}

fn encode(
    scaler: &mut Scaler,
    job: Job,
    codecs: &CodecSet,
    frame: &VideoFrame,
) -> Result<Encoded, CodecError> {
    let config = job.config;
    let same = job.encoder.filter(|it| it.config.codec == config.codec);
    let scaled;
    let frame = if (frame.width(), frame.height()) == (config.width, config.height) {
        frame
    } else {
        scaled = scaler.scale(frame, config.width, config.height)?;
        &scaled
    };
    let (mut encoder, key) = match same {
        Some(mut encoder) => {
            if encoder.config != config {
                encoder.inner.configure(&config)?;
                encoder.config = config;
            }
            (encoder, job.key)
        }
        None => (Encoder::new(codecs, config)?, true),
    };
    let mut chunks = Vec::new();
    encoder.inner.encode(frame, key, &mut chunks)?;
    Ok(Encoded {
        corruption_detection: match &chunks[..] {
            [chunk] if job.samples => encoder.sample(frame, chunk),
            _ => None,
        },
        encoder,
        chunks,
    })
}

impl Encoder {
    fn new(codecs: &CodecSet, config: VideoEncoderConfig) -> Result<Self, CodecError> {
        let library = choice::library(codecs.video_encoders(), config.codec);
        Ok(Encoder {
            inner: codecs.video_encoder(&config)?,
            sampler: Sampler::default(),
            library: library.unwrap_or_default(),
            config,
        })
    }

    /// Who receives only lower spatial layers has pictures of another size.
    fn sample(
        &mut self,
        frame: &VideoFrame,
        chunk: &EncodedVideoChunk,
    ) -> Option<CorruptionDetection> {
        let config = &self.config;
        let alone = config.scalability_mode.spatial_layers() == 1;
        let sampler = &mut self.sampler;
        alone
            .then(|| sampler.sample(frame, config.codec, chunk))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_keeps_its_rate_and_what_has_details_its_size() {
        let rate = DegradationPreference::MaintainFramerate;
        let size = DegradationPreference::MaintainResolution;
        for (hint, kept) in [
            (ContentHint::Motion, rate),
            (ContentHint::Detail, size),
            (ContentHint::Text, size),
            (ContentHint::None, DegradationPreference::Balanced),
        ] {
            assert_eq!(preference(hint), kept, "{hint:?}");
        }
    }
}
