//! `duologue loopback --video FILE`: the frames of a file from one peer to the other, each when its time has
//! come, again and again.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use duologue::files::{FileReader, Format, Frame, Track};
use duologue::{
    Configuration, EncodedFrame, EncodedFrameWriter, EncodedFrames, PeerConnection, RtpReceiver,
    RtpTransceiver, TransceiverDirection, TransceiverInit,
};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

use super::{Args, CONNECT_LIMIT, endpoint, trickle};
use crate::Failure;
use crate::control::Control;
use crate::quantile::quantile;
use crate::record::RecordArgs;

/// How long the last frames may take.
const DRAIN: Duration = Duration::from_secs(1);
/// Frames that wait to be counted.
const WAITING: usize = 256;

/// What was measured. Frames are counted where they arrive.
#[derive(Debug, Serialize)]
struct Outcome {
    setup_ms: f64,
    seconds: f64,
    tracks: Vec<Arrived>,
}

#[derive(Debug, Default, Serialize)]
struct Arrived {
    codec: &'static str,
    frames_sent: usize,
    frames: usize,
    key_frames: usize,
    bytes: usize,
    width: u32,
    height: u32,
    delay_p50_ms: f64,
    delay_p99_ms: f64,
    #[serde(skip)]
    times: Vec<(u32, Instant)>,
}

/// When each frame of a track was sent, by its time stamp.
type Sent = HashMap<u32, Instant>;

pub(super) async fn run(args: &Args, path: &Path) -> Result<(), Failure> {
    let tracks = FileReader::open(path)?.tracks().to_vec();
    let began = Instant::now();
    let connecting = timeout(CONNECT_LIMIT, Pair::connect(&tracks, &args.record)).await;
    let mut pair = connecting
        .map_err(|_| "the two peers did not connect: is there a loopback interface?")??;
    let setup_ms = began.elapsed().as_secs_f64() * 1e3;

    let began = Instant::now();
    let mut arrived: Vec<Arrived> = tracks.iter().map(|_| Arrived::default()).collect();
    let sent = {
        let sending = send(path, args.seconds, &pair.writers);
        tokio::pin!(sending);
        loop {
            tokio::select! {
                sent = &mut sending => break sent?,
                Some((track, frame)) = pair.frames.recv() => arrived[track].count(&frame),
            }
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    let expected: usize = sent.iter().map(HashMap::len).sum();
    while arrived.iter().map(|track| track.frames).sum::<usize>() < expected {
        match timeout(DRAIN, pair.frames.recv()).await {
            Ok(Some((track, frame))) => arrived[track].count(&frame),
            _ => break,
        }
    }
    pair.peers.iter().for_each(PeerConnection::close);

    for ((arrived, sent), track) in arrived.iter_mut().zip(&sent).zip(&tracks) {
        arrived.compare(track.format, sent);
    }
    let outcome = Outcome {
        setup_ms,
        seconds,
        tracks: arrived,
    };
    match args.json {
        true => println!("{}", serde_json::to_string(&outcome)?),
        false => print(&outcome),
    }
    Ok(())
}

fn print(outcome: &Outcome) {
    println!("set-up       {:>10.1} ms", outcome.setup_ms);
    for track in &outcome.tracks {
        println!(
            "{:<12} {:>10} of {} frames in {:.2} s, {} of them key frames, {:.0} kB, delay {:.2} ms median, {:.2} ms p99",
            track.codec,
            track.frames,
            track.frames_sent,
            outcome.seconds,
            track.key_frames,
            track.bytes as f64 / 1e3,
            track.delay_p50_ms,
            track.delay_p99_ms
        );
    }
}

impl Arrived {
    fn count(&mut self, frame: &EncodedFrame) {
        self.frames += 1;
        self.key_frames += usize::from(frame.key);
        self.bytes += frame.data.len();
        self.times.push((frame.timestamp, Instant::now()));
        if let Some(size) = frame.size {
            (self.width, self.height) = (size.width, size.height);
        }
    }

    fn compare(&mut self, format: Format, sent: &Sent) {
        self.codec = format.mime_type();
        self.frames_sent = sent.len();
        // The sender adds a number of its own to all time stamps; the first frame has 0.
        let first = self.times.first().map_or(0, |(timestamp, _)| *timestamp);
        let delay = |(timestamp, arrived): &(u32, Instant)| {
            let sent = sent.get(&timestamp.wrapping_sub(first))?;
            Some((*arrived - *sent).as_secs_f64() * 1e3)
        };
        let mut delays: Vec<f64> = self.times.iter().filter_map(delay).collect();
        if delays.is_empty() {
            return;
        }
        delays.sort_by(f64::total_cmp);
        self.delay_p50_ms = quantile(&delays, 0.5);
        self.delay_p99_ms = quantile(&delays, 0.99);
    }
}

/// Sends the file until the time is over. Tells when each frame went, by its time stamp from that of
/// the track's first one.
async fn send(
    path: &Path,
    limit: Duration,
    writers: &[(Format, EncodedFrameWriter)],
) -> Result<Vec<Sent>, Failure> {
    let mut sent = vec![(None, Sent::new()); writers.len()];
    let (begun, mut round) = (tokio::time::Instant::now(), Duration::ZERO);
    while round < limit {
        let mut file = FileReader::open(path)?;
        let mut last = Duration::ZERO;
        while let Some(frame) = file.next_frame()? {
            let time = round + frame.time;
            if time >= limit {
                break;
            }
            last = last.max(frame.time);
            sleep_until(begun + time).await;
            let (format, writer) = &writers[frame.track];
            let (first, times) = &mut sent[frame.track];
            let init = Frame { time, ..frame }.to_init(*format);
            let first = *first.get_or_insert(init.timestamp);
            times.insert(init.timestamp.wrapping_sub(first), Instant::now());
            writer.send_all(&mut vec![init]).await?;
        }
        // The last frame lasts, too.
        round += last + Duration::from_millis(33);
    }
    Ok(sent.into_iter().map(|(_, times)| times).collect())
}

/// Two connected peers, and the tracks between them.
struct Pair {
    peers: [PeerConnection; 2],
    writers: Vec<(Format, EncodedFrameWriter)>,
    frames: mpsc::Receiver<(usize, EncodedFrame)>,
    _control: Option<Control>,
}

impl Pair {
    async fn connect(tracks: &[Track], record: &RecordArgs) -> Result<Pair, Failure> {
        let (endpoint, control) = endpoint(record)?;
        let (near, near_events) = endpoint.connection(Configuration::default())?;
        let (far, far_events) = endpoint.connection(Configuration::default())?;
        let mut writers = Vec::new();
        for track in tracks {
            let init = TransceiverInit {
                direction: TransceiverDirection::Sendonly,
                ..TransceiverInit::default()
            };
            let transceiver = near.add_transceiver(track.format.kind(), init)?;
            prefer(&transceiver, track.format)?;
            writers.push((track.format, transceiver.sender().frames()));
        }
        let ready = near.create_data_channel("ready", Default::default())?;
        near.set_local_description(None).await?;
        far.set_remote_description(near.local_description().ok_or("no offer")?)
            .await?;
        let (counter, frames) = mpsc::channel(WAITING);
        for (track, transceiver) in far.transceivers().into_iter().enumerate() {
            tokio::spawn(count(
                transceiver.receiver().frames(),
                track,
                counter.clone(),
            ));
        }
        far.set_local_description(None).await?;
        near.set_remote_description(far.local_description().ok_or("no answer")?)
            .await?;
        tokio::spawn(trickle(near_events, far.clone(), None));
        tokio::spawn(trickle(far_events, near.clone(), None));
        ready.opened().await?;
        Ok(Pair {
            peers: [near, far],
            writers,
            frames,
            _control: control,
        })
    }
}

/// Of the codecs, the one of the file.
fn prefer(transceiver: &RtpTransceiver, format: Format) -> Result<(), Failure> {
    let mut codecs = RtpReceiver::capabilities(format.kind()).codecs;
    codecs.retain(|codec| {
        let name = codec.mime_type.as_str();
        name.eq_ignore_ascii_case(format.mime_type()) || name == "video/rtx"
    });
    Ok(transceiver.set_codec_preferences(codecs)?)
}

async fn count(mut from: EncodedFrames, track: usize, to: mpsc::Sender<(usize, EncodedFrame)>) {
    while let Some(frame) = from.recv().await {
        if to.send((track, frame)).await.is_err() {
            return;
        }
    }
}
