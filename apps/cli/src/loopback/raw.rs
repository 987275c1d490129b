//! `duologue loopback --video --audio`: a test picture and a tone from one peer to the other, encoded and
//! decoded with the codecs of this machine, and what of them came.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use duologue::codec::{AudioData, VideoFrame, pattern, tone};
use duologue::devices::{
    ConstrainRange, FakeDevices, LocalTrack, MediaDevices, MediaStreamConstraints,
    MediaTrackConstraintSet,
};
use duologue::{
    AudioTrackProcessor, Configuration, MediaKind, PeerConnection, RtpReceiver, RtpTransceiver,
    VideoTrackProcessor,
};
use serde::Serialize;
use tokio::time::timeout;

use super::{Args, CONNECT_LIMIT, endpoint, trickle};
use crate::Failure;
use crate::control::Control;
use crate::quantile::quantile;

/// How long what was sent last may take.
const DRAIN: Duration = Duration::from_secs(2);
/// Pictures that are kept to be compared with what comes.
const SENT: usize = 60;
/// How far the tone may be from what was sent, in hertz.
const FALSE_HERTZ: f64 = 5.0;
/// Sound at the beginning, which is not looked at: there is none before the first packet came.
const SETTLING: Duration = Duration::from_millis(500);

/// What was measured, at the far end.
#[derive(Debug, Serialize)]
struct Outcome {
    setup_ms: f64,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Heard>,
}

#[derive(Debug, Default, Serialize)]
struct Seen {
    codec: String,
    encoder: String,
    decoder: String,
    width: u32,
    height: u32,
    frames_sent: usize,
    frames: usize,
    /// Pictures whose number could not be read.
    unreadable: usize,
    /// The peak signal-to-noise ratio of the brightness, the median.
    psnr_db: f64,
    /// From when a picture was captured until it was to be shown.
    glass_to_glass_p50_ms: f64,
    glass_to_glass_p99_ms: f64,
}

#[derive(Debug, Default, Serialize)]
struct Heard {
    codec: String,
    seconds: f64,
    sent_hertz: f64,
    hertz: f64,
}

pub(super) async fn run(args: &Args) -> Result<(), Failure> {
    let began = Instant::now();
    let connecting = timeout(CONNECT_LIMIT, Pair::connect(args)).await;
    let pair = connecting
        .map_err(|_| "the two peers did not connect: is there a loopback interface?")??;
    let setup_ms = began.elapsed().as_secs_f64() * 1e3;

    let began = Instant::now();
    let end = tokio::time::Instant::now() + args.seconds;
    let (video, audio) = tokio::join!(see(&pair, end), hear(&pair, end));
    let outcome = Outcome {
        setup_ms,
        seconds: began.elapsed().as_secs_f64(),
        video,
        audio,
    };
    pair.peers.iter().for_each(PeerConnection::close);

    match args.json {
        true => println!("{}", serde_json::to_string(&outcome)?),
        false => outcome.print(),
    }
    outcome.judge()
}

impl Outcome {
    fn print(&self) {
        println!("set-up       {:>10.1} ms", self.setup_ms);
        if let Some(seen) = &self.video {
            println!(
                "{:<12} {:>10} of {} pictures of {}x{} in {:.2} s, {:.1} dB, glass to glass {:.1} ms median, \
                 {:.1} ms p99 ({}, {})",
                seen.codec,
                seen.frames,
                seen.frames_sent,
                seen.width,
                seen.height,
                self.seconds,
                seen.psnr_db,
                seen.glass_to_glass_p50_ms,
                seen.glass_to_glass_p99_ms,
                seen.encoder,
                seen.decoder
            );
        }
        if let Some(heard) = &self.audio {
            println!(
                "{:<12} {:>10.2} s of a tone of {:.1} Hz, sent at {:.1} Hz",
                heard.codec, heard.seconds, heard.hertz, heard.sent_hertz
            );
        }
    }

    /// What did not come as it was sent is a failure.
    fn judge(&self) -> Result<(), Failure> {
        if let Some(seen) = &self.video
            && seen.frames == 0
        {
            return Err("no picture came: `duologue check` says which codecs are here".into());
        }
        match &self.audio {
            Some(heard) if (heard.hertz - heard.sent_hertz).abs() > FALSE_HERTZ => {
                Err("the tone did not come as it was sent".into())
            }
            _ => Ok(()),
        }
    }
}

/// Pictures on their way.
#[derive(Default)]
struct Way {
    sent: VecDeque<(u16, Instant, VideoFrame)>,
    seen: Seen,
    ratios: Vec<f64>,
    delays: Vec<f64>,
}

impl Way {
    fn captured(&mut self, picture: VideoFrame) {
        self.seen.frames_sent += 1;
        if let Some(number) = pattern::number(&picture) {
            if self.sent.len() >= SENT {
                self.sent.pop_front();
            }
            self.sent.push_back((number, Instant::now(), picture));
        }
    }

    fn came(&mut self, picture: &VideoFrame) {
        self.seen.frames += 1;
        (self.seen.width, self.seen.height) = (picture.width(), picture.height());
        let number = pattern::number(picture);
        let sent = self.sent.iter().find(|(sent, ..)| Some(*sent) == number);
        let Some((_, at, sent)) = sent else {
            self.seen.unreadable += 1;
            return;
        };
        self.delays.push(at.elapsed().as_secs_f64() * 1e3);
        // Smaller ones are not compared: the path had no room for them.
        self.ratios.extend(pattern::psnr(sent, picture));
    }

    fn outcome(mut self) -> Seen {
        self.ratios.sort_by(f64::total_cmp);
        self.delays.sort_by(f64::total_cmp);
        let median = |sorted: &[f64], at| match sorted.is_empty() {
            true => 0.0,
            false => quantile(sorted, at),
        };
        self.seen.psnr_db = median(&self.ratios, 0.5);
        self.seen.glass_to_glass_p50_ms = median(&self.delays, 0.5);
        self.seen.glass_to_glass_p99_ms = median(&self.delays, 0.99);
        self.seen
    }
}

async fn see(pair: &Pair, end: tokio::time::Instant) -> Option<Seen> {
    let (camera, transceiver) = pair.video.as_ref()?;
    let mut captured = camera.video()?;
    let mut shown: VideoTrackProcessor = transceiver.receiver().video().ok()?;
    let mut way = Way::default();
    let last = end + DRAIN;
    let mut capturing = true;
    loop {
        tokio::select! {
            picture = captured.recv(), if capturing => match picture {
                Some(picture) => way.captured(picture),
                None => break,
            },
            picture = shown.recv() => match picture {
                Some(picture) => way.came(&picture),
                None => break,
            },
            // What is measured is this long.
            () = tokio::time::sleep_until(end), if capturing => {
                camera.stop();
                capturing = false;
            }
            // A picture that was lost tells nothing.
            () = tokio::time::sleep_until(last) => break,
        }
        if !capturing && way.seen.frames >= way.seen.frames_sent {
            break;
        }
    }

    let mut seen = way.outcome();
    let report = pair.peers[0].get_stats().await.unwrap_or_default();
    let mut sent = report.outbound_rtp();
    let encoder = sent.find_map(|it| it.encoder_implementation.clone());
    seen.encoder = encoder.unwrap_or_default();
    let report = pair.peers[1].get_stats().await.unwrap_or_default();
    let decoder = report
        .inbound_rtp()
        .find_map(|it| it.decoder_implementation.clone());
    seen.decoder = decoder.unwrap_or_default();
    seen.codec = codec_of(&transceiver.receiver());
    Some(seen)
}

async fn hear(pair: &Pair, end: tokio::time::Instant) -> Option<Heard> {
    let (_, transceiver) = pair.audio.as_ref()?;
    let mut heard: AudioTrackProcessor = transceiver.receiver().audio().ok()?;
    let (mut samples, mut before) = (Vec::new(), Duration::ZERO);
    let (mut rate, mut channels) = (48_000, 1);
    while let Ok(Some(data)) = tokio::time::timeout_at(end, heard.recv()).await {
        if before < SETTLING {
            before += data.duration();
            continue;
        }
        (rate, channels) = (data.sample_rate(), data.channels());
        samples.extend_from_slice(data.samples());
    }
    let whole = AudioData::new(samples.into(), rate, channels).ok()?;
    Some(Heard {
        codec: codec_of(&transceiver.receiver()),
        seconds: whole.duration().as_secs_f64(),
        sent_hertz: FakeDevices::HERTZ,
        hertz: tone::frequency(&whole).unwrap_or(0.0),
    })
}

fn codec_of(receiver: &RtpReceiver) -> String {
    let codecs = receiver.parameters().map(|it| it.codecs);
    let first = codecs.and_then(|it| it.into_iter().next());
    first.map(|it| it.codec.mime_type).unwrap_or_default()
}

/// Two connected peers, what the first one sends and where the second one gets it.
struct Pair {
    peers: [PeerConnection; 2],
    video: Option<(LocalTrack, RtpTransceiver)>,
    audio: Option<(LocalTrack, RtpTransceiver)>,
    _control: Option<Control>,
}

impl Pair {
    async fn connect(args: &Args) -> Result<Pair, Failure> {
        let (endpoint, control) = endpoint(&args.record)?;
        let (near, near_events) = endpoint.connection(Configuration::default())?;
        let (far, far_events) = endpoint.connection(Configuration::default())?;
        let pixels = MediaTrackConstraintSet {
            width: Some(ConstrainRange::exact(1280).into()),
            ..Default::default()
        };
        let asked = MediaStreamConstraints {
            audio: args.audio.into(),
            video: match args.video.is_some() {
                true => pixels.into(),
                false => false.into(),
            },
            ..MediaStreamConstraints::default()
        };
        let stream = MediaDevices::fake().get_user_media(&asked).await?;
        for track in stream.tracks() {
            near.add_local_track(track, &[stream.id().into()])?;
        }
        let ready = near.create_data_channel("ready", Default::default())?;

        near.set_local_description(None).await?;
        far.set_remote_description(near.local_description().ok_or("no offer")?)
            .await?;
        far.set_local_description(None).await?;
        near.set_remote_description(far.local_description().ok_or("no answer")?)
            .await?;
        tokio::spawn(trickle(near_events, far.clone(), None));
        tokio::spawn(trickle(far_events, near.clone(), None));
        ready.opened().await?;
        let of = |kind: MediaKind, track: Option<&LocalTrack>| {
            let mut transceivers = far.transceivers().into_iter();
            let its = transceivers.find(|it| it.kind() == Some(kind));
            track.cloned().zip(its)
        };
        Ok(Pair {
            video: of(MediaKind::Video, stream.video_track()),
            audio: of(MediaKind::Audio, stream.audio_track()),
            peers: [near, far],
            _control: control,
        })
    }
}
