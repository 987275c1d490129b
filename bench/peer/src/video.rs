//! A call of raw pictures, 1280x720 at 30 a second: what it costs beside its codecs alone, on the same pictures in the
//! same run, and how often a picture is copied on its way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpu_time::ThreadTime;
use duologue::codec::{
    CodecError, CodecSet, EncodedVideoChunk, VideoCodec, VideoDecode, VideoDecoderConfig,
    VideoEncode, VideoEncoderConfig, VideoFrame, found_codecs, pattern,
};
use duologue::{
    MediaKind, RtpEncodingParameters, TransceiverDirection, TransceiverInit, VideoTrackGenerator,
    VideoTrackProcessor,
};
use tokio::time::{MissedTickBehavior, interval};

use crate::args::Args;
use crate::pair::Pairs;
use crate::{Outcome, report, seconds};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Pictures a second.
const RATE: u32 = 30;
/// Pictures that are sent over and over.
const PICTURES: u16 = 45;

/// What was counted since the beginning.
#[derive(Debug, Default)]
struct Counted {
    /// CPU time within encoders and decoders, in nanoseconds.
    codecs: AtomicU64,
    encoded: AtomicU64,
    decoded: AtomicU64,
    shown: AtomicU64,
    /// Pictures whose pixels were somewhere else than before: between source and encoder, between decoder and reader.
    copied_to_encoder: AtomicU64,
    copied_to_reader: AtomicU64,
    /// Where pictures are that the decoder gave last.
    given: Mutex<Vec<usize>>,
}

impl Counted {
    fn within<T>(&self, does: impl FnOnce() -> T) -> T {
        let began = ThreadTime::now();
        let done = does();
        let nanos = began.elapsed().as_nanos() as u64;
        self.codecs.fetch_add(nanos, Ordering::Relaxed);
        done
    }

    fn read(&self) -> [f64; 6] {
        let all = [
            &self.codecs,
            &self.encoded,
            &self.decoded,
            &self.shown,
            &self.copied_to_encoder,
            &self.copied_to_reader,
        ];
        all.map(|it| it.load(Ordering::Relaxed) as f64)
    }
}

fn place(picture: &VideoFrame) -> usize {
    picture.planes()[0].data.as_ptr() as usize
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// An encoder of a library, on one thread, so that the time of that is all of it.
struct Encoder {
    inner: Box<dyn VideoEncode>,
    counted: Arc<Counted>,
    sources: Arc<Vec<usize>>,
}

impl VideoEncode for Encoder {
    fn configure(&mut self, config: &VideoEncoderConfig) -> Result<(), CodecError> {
        let config = alone(config);
        self.counted.within(|| self.inner.configure(&config))
    }

    fn encode(
        &mut self,
        frame: &VideoFrame,
        key: bool,
        out: &mut Vec<EncodedVideoChunk>,
    ) -> Result<(), CodecError> {
        count(&self.counted.encoded);
        if !self.sources.contains(&place(frame)) {
            count(&self.counted.copied_to_encoder);
        }
        self.counted.within(|| self.inner.encode(frame, key, out))
    }
}

fn alone(config: &VideoEncoderConfig) -> VideoEncoderConfig {
    VideoEncoderConfig {
        threads: 0,
        ..config.clone()
    }
}

struct Decoder {
    inner: Box<dyn VideoDecode>,
    counted: Arc<Counted>,
}

impl VideoDecode for Decoder {
    fn decode(
        &mut self,
        data: &[u8],
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        let before = out.len();
        let done = self
            .counted
            .within(|| self.inner.decode(data, timestamp, out));
        let given = self.counted.given.lock();
        let mut given = given.unwrap_or_else(PoisonError::into_inner);
        for picture in &out[before..] {
            count(&self.counted.decoded);
            given.push(place(picture));
        }
        let old = given.len().saturating_sub(usize::from(PICTURES));
        given.drain(..old);
        done
    }

    fn last_qp(&self) -> Option<u8> {
        self.inner.last_qp()
    }
}

/// Those of the machine, watched.
fn watched(codec: VideoCodec, counted: &Arc<Counted>, sources: &Arc<Vec<usize>>) -> CodecSet {
    let (mut codecs, found) = (CodecSet::new(), found_codecs());
    let (to, of, from) = (counted.clone(), sources.clone(), found.clone());
    codecs.add_video_encoder(codec, "watched", move |config| {
        Ok(Box::new(Encoder {
            inner: from.video_encoder(&alone(config))?,
            counted: to.clone(),
            sources: of.clone(),
        }))
    });
    let to = counted.clone();
    codecs.add_video_decoder(codec, "watched", move |config| {
        let config = VideoDecoderConfig {
            threads: 0,
            ..config.clone()
        };
        Ok(Box::new(Decoder {
            inner: found.video_decoder(&config)?,
            counted: to.clone(),
        }))
    });
    codecs
}

/// Moving, with the noise of a camera.
fn pictures() -> Outcome<Vec<VideoFrame>> {
    let picture = |number| pattern::draw_noisy(number, WIDTH, HEIGHT);
    let pictures: Result<_, CodecError> = (0..PICTURES).map(picture).collect();
    Ok(pictures?)
}

pub(crate) async fn run(args: &Args) -> Outcome<String> {
    let codec = match args.get("codec", "VP8".to_owned()).as_str() {
        "VP9" => VideoCodec::Vp9,
        "AV1" => VideoCodec::Av1,
        "H264" => VideoCodec::H264,
        _ => VideoCodec::Vp8,
    };
    let pictures = pictures()?;
    let counted = Arc::<Counted>::default();
    let sources = Arc::new(pictures.iter().map(place).collect::<Vec<_>>());
    let codecs = watched(codec, &counted, &sources);
    let pairs = Pairs::with_codecs(codecs, args)?;
    let (mut alice, mut bob) = pairs.peers()?;
    let encoding = RtpEncodingParameters {
        max_bitrate: Some(1_000 * args.get("kbps", 1_500)),
        ..Default::default()
    };
    let init = TransceiverInit {
        direction: TransceiverDirection::Sendonly,
        send_encodings: vec![encoding],
        ..Default::default()
    };
    let from = alice.connection.add_transceiver(MediaKind::Video, init)?;
    pairs.negotiate(&mut alice, &mut bob).await?;
    let to = bob.connection.transceivers().into_iter().next();
    let to = to.ok_or("no transceiver")?;
    tokio::spawn(see(to.receiver().video()?, counted.clone()));
    tokio::spawn(show(from.sender().video()?, pictures));

    tokio::time::sleep(seconds(args.get("warm", 5.0))).await;
    let (cpu, before) = (report::cpu(), counted.read());
    tokio::time::sleep(seconds(args.get("secs", 10.0))).await;
    let (cpu, after) = (report::cpu() - cpu, counted.read());
    let [codecs, encoded, decoded, shown, to_encoder, to_reader] =
        std::array::from_fn(|at| after[at] - before[at]);
    let codecs = Duration::from_nanos(codecs as u64);
    Ok(report::video(
        [encoded, decoded, shown],
        [to_encoder, to_reader],
        codecs,
        cpu,
    ))
}

/// Without a cost: all pictures are there.
async fn show(to: VideoTrackGenerator, pictures: Vec<VideoFrame>) {
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let began = ticks.tick().await;
    for picture in pictures.iter().cycle() {
        let at = ticks.tick().await - began;
        if to.write(picture.clone().at(at)).is_err() {
            return;
        }
    }
}

async fn see(mut from: VideoTrackProcessor, counted: Arc<Counted>) {
    while let Some(picture) = from.recv().await {
        count(&counted.shown);
        let given = counted.given.lock();
        let given = given.unwrap_or_else(PoisonError::into_inner);
        if !given.contains(&place(&picture)) {
            count(&counted.copied_to_reader);
        }
    }
}
