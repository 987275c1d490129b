//! One stream of pictures, with the time in each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use duologue::limits::PACING_SLOT_MOST;
use duologue::{
    Bitrate, BitrateBounds, BundlePolicy, Configuration, EncodedFrameInit, EncodedFrameWriter,
    Endpoint, Event, Events, MediaKind, PeerConnection, TransceiverDirection, TransceiverInit,
};
use tokio::time::interval;

use crate::pictures::{Clip, FPS};
use crate::{Outcome, signalling};

pub(crate) struct Publisher {
    frames: Arc<AtomicU64>,
    _pc: PeerConnection,
}

impl Publisher {
    /// Publishes until it is dropped; `clock` says when frames were sent.
    pub(crate) async fn start(url: &str, kbps: u64, clock: &Endpoint) -> Outcome<Self> {
        // Its path is no question here, and its pictures are not to wait for an estimate.
        let bounds = BitrateBounds {
            start: Bitrate::from_kbps(4 * kbps),
            min: Bitrate::from_kbps(2 * kbps),
            ..BitrateBounds::default()
        };
        let endpoint = Endpoint::builder().loopback(true).bitrate_bounds(bounds);
        // As Chromium sends, which has a picture leave at once.
        let endpoint = endpoint.pacing_slot(PACING_SLOT_MOST);
        let configuration = Configuration {
            bundle_policy: BundlePolicy::MaxBundle,
            ..Configuration::default()
        };
        let (pc, mut events) = endpoint.build()?.connection(configuration)?;
        let init = TransceiverInit {
            direction: TransceiverDirection::Sendonly,
            ..TransceiverInit::default()
        };
        let transceiver = pc.add_transceiver(MediaKind::Video, init)?;
        let mut codecs = duologue::RtpSender::capabilities(MediaKind::Video).codecs;
        codecs.retain(|codec| matches!(codec.mime_type.as_str(), "video/VP8" | "video/rtx"));
        transceiver.set_codec_preferences(codecs)?;
        signalling::connect(&pc, &mut events, url, "/whip/live").await?;

        let (frames, wanted) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let writer = transceiver.sender().frames();
        tokio::spawn(key_frames(events, wanted.clone()));
        let clip = Clip::encode(kbps)?;
        tokio::spawn(send(writer, clip, clock.clone(), frames.clone(), wanted));
        Ok(Publisher { frames, _pc: pc })
    }

    /// Frames that were sent so far.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}

async fn key_frames(mut events: Events, wanted: Arc<AtomicBool>) {
    while let Some(event) = events.recv().await {
        if matches!(event, Event::KeyFrameRequest { .. }) {
            wanted.store(true, Ordering::Relaxed);
        }
    }
}

async fn send(
    writer: EncodedFrameWriter,
    clip: Clip,
    clock: Endpoint,
    frames: Arc<AtomicU64>,
    wanted: Arc<AtomicBool>,
) {
    let mut tick = interval(Duration::from_micros(1_000_000 / FPS));
    let mut next = 0;
    for number in 0_u64.. {
        tick.tick().await;
        // Who wants a key frame gets the clip from its beginning.
        if wanted.swap(false, Ordering::Relaxed) {
            next = 0;
        }
        let frame = EncodedFrameInit {
            timestamp: (number * 90_000 / FPS) as u32,
            data: clip.frame(next, clock.now()).into(),
            ..EncodedFrameInit::default()
        };
        next += 1;
        if writer.send_all(&mut vec![frame]).await.is_err() {
            return;
        }
        frames.fetch_add(1, Ordering::Relaxed);
    }
}
