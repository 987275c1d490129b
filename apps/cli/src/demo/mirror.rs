//! What the page's camera and microphone send goes back to it, frame by frame and as it is, or a test picture and a
//! tone instead. What came is decoded beside, to be shown.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use duologue::files::Format;
use duologue::{
    DtmfSender, EncodedFrame, EncodedFrameInit, Exception, MediaKind, PeerConnection, RtpSender,
    RtpTransceiver, Track, TransceiverDirection,
};
use serde::Deserialize;
use tokio::sync::watch;

use super::budget::Budget;
use super::limits::{MIRRORED_FRAMES, MIRRORS};
use super::recording::Recording;
use super::seen::{Decoding, Seen};
use super::test_picture::Playing;
use layers::Layers;

mod layers;

/// The media of one call.
#[derive(Debug)]
pub(super) struct Mirror {
    mirrored: Mutex<Vec<Mirrored>>,
    seen: Seen,
    recording: Recording,
    /// When the time of all that goes back began.
    origin: Instant,
}

#[derive(Debug)]
struct Mirrored {
    transceiver: RtpTransceiver,
    layer: watch::Sender<Layer>,
    /// In the place of what came.
    test: watch::Sender<bool>,
}

/// Which of the page's simulcast layers goes back.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub(super) struct Layer {
    /// Its name; the first one that comes when empty.
    pub(super) rid: String,
    /// Its place among the page's encodings.
    pub(super) encoding: usize,
}

impl Default for Mirror {
    fn default() -> Self {
        Mirror {
            mirrored: Mutex::default(),
            seen: Seen::default(),
            recording: Recording::default(),
            origin: Instant::now(),
        }
    }
}

impl Mirror {
    /// What was decoded of what came.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What is kept of what comes.
    pub(super) fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Keeps what comes from now on, of the first pictures and the first sound that do. `false` if nothing does
    /// that a file can have.
    pub(super) fn record(&self, budget: Arc<Budget>) -> bool {
        let mirrored = self.lock();
        let of = |kind| {
            let mut of_kind = mirrored.iter();
            let its = of_kind.find(|it| it.transceiver.kind() == Some(kind))?;
            let codecs = its.transceiver.receiver().parameters()?.codecs;
            let mut codecs = codecs.iter();
            codecs.find_map(|it| Format::of_mime_type(&it.codec.mime_type))
        };
        let tracks = [MediaKind::Video, MediaKind::Audio]
            .into_iter()
            .filter_map(of);
        let begun = self.recording.begin(tracks.collect(), budget);
        for it in mirrored.iter() {
            it.ask_for_key_frame();
        }
        begun
    }

    /// Plays these telephone keys to the page, in the place of sound.
    ///
    /// # Errors
    /// `InvalidStateError` when there is no sound, or the page takes no keys; `InvalidCharacterError` for other
    /// characters.
    pub(super) async fn dial(&self, tones: &str) -> Result<(), Exception> {
        let sender = {
            let mirrored = self.lock();
            let mut senders = mirrored.iter().map(|it| it.transceiver.sender());
            senders.find(|it| it.dtmf().is_some())
        };
        let none = || Exception::invalid_state("there is no sound between the page and this end");
        let sender = sender.ok_or_else(none)?;
        // Who has no track has nothing that a key could take the place of (webrtc-pc §7.2).
        if sender.track().is_none() {
            let track = Track {
                id: "keys".into(),
                kind: MediaKind::Audio,
            };
            sender.replace_track(Some(track)).await?;
        }
        let dtmf = sender.dtmf().ok_or_else(none)?;
        dtmf.insert_dtmf(
            tones,
            DtmfSender::DURATION_MS,
            DtmfSender::INTER_TONE_GAP_MS,
        )
    }

    /// Whether a test picture and a tone go back in the place of what comes.
    pub(super) fn play_test(&self, test: bool) {
        for it in self.lock().iter() {
            it.test.send_replace(test);
            if !test {
                it.ask_for_key_frame();
            }
        }
    }

    /// Sends back what those transceivers receive that a description brought.
    ///
    /// # Errors
    /// A transceiver cannot send.
    pub(super) fn reflect(&self, pc: &PeerConnection) -> Result<(), Exception> {
        let mut mirrored = self.lock();
        mirrored.retain(|it| it.transceiver.mid().is_some());
        for transceiver in pc.transceivers() {
            let known = mirrored.iter().any(|it| it.transceiver == transceiver);
            if known || mirrored.len() >= MIRRORS {
                continue;
            }
            transceiver.set_direction(TransceiverDirection::Sendrecv)?;
            let (layer, wanted) = watch::channel(Layer::default());
            let (test, tests) = watch::channel(false);
            // Of several of a kind the first one is shown.
            let kind = transceiver.kind();
            let first = !mirrored.iter().any(|it| it.transceiver.kind() == kind);
            let (seen, recording) = (self.seen.clone(), self.recording.clone());
            let decode = || Decoding::new(transceiver.receiver(), seen, recording);
            let decoding = first.then(decode);
            let clock = Clock::new(kind, self.origin);
            tokio::spawn(run(transceiver.clone(), wanted, tests, decoding, clock));
            mirrored.push(Mirrored {
                transceiver,
                layer,
                test,
            });
        }
        Ok(())
    }

    /// Another layer goes back, once a key frame of it came.
    pub(super) fn select(&self, layer: &Layer) {
        for it in self.lock().iter() {
            if it.transceiver.kind() == Some(MediaKind::Video) {
                it.layer.send_replace(layer.clone());
                it.ask_for_key_frame();
            }
        }
    }

    /// The page cannot decode what goes back to it.
    pub(super) fn key_frame_wanted(&self, sender: &RtpSender) {
        let mirrored = self.lock();
        let its = mirrored
            .iter()
            .find(|it| it.transceiver.sender() == *sender);
        if let Some(its) = its {
            its.ask_for_key_frame();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Mirrored>> {
        self.mirrored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mirrored {
    fn ask_for_key_frame(&self) {
        let encoding = self.layer.borrow().encoding;
        // It may have stopped receiving meanwhile.
        let _ = self.transceiver.receiver().send_key_frame_request(encoding);
    }
}

/// Until the transceiver is stopped.
async fn run(
    transceiver: RtpTransceiver,
    wanted: watch::Receiver<Layer>,
    mut tests: watch::Receiver<bool>,
    mut decoding: Option<Decoding>,
    mut clock: Clock,
) {
    let mut source = transceiver.receiver().frames();
    let sink = transceiver.sender().frames();
    let mut layers = Layers::default();
    let (mut received, mut batch) = (Vec::new(), Vec::new());
    let mut playing = None;
    loop {
        let count = tokio::select! {
            count = source.recv_many(&mut received, MIRRORED_FRAMES) => count,
            Ok(()) = tests.changed() => {
                let test = *tests.borrow_and_update();
                playing = test.then(|| Playing::begin(&transceiver.sender(), clock.origin));
                clock.forget();
                continue;
            }
        };
        if count == 0 {
            return;
        }
        for frame in received.drain(..) {
            let wanted = wanted.borrow();
            if let Some(timestamp) = layers.pass((&frame).into(), &wanted.rid) {
                if let Some(decoding) = &mut decoding {
                    decoding.give(&frame);
                }
                batch.push(of(frame, clock.place(timestamp)));
            }
        }
        // What the page's network does not take is not kept: the next frame is worth more.
        if playing.is_none() && sink.send(&mut batch).is_err() {
            return;
        }
        batch.clear();
    }
}

/// Puts the page's time stamps on the one clock of all that goes back, so that the test picture can take their
/// place and give it back.
#[derive(Debug)]
struct Clock {
    rate: u32,
    origin: Instant,
    /// What is added to the page's.
    offset: Option<u32>,
}

impl Clock {
    fn new(kind: Option<MediaKind>, origin: Instant) -> Self {
        // Browsers' sound has other clocks too, with G.711: there a jump is heard as a click.
        let rate = match kind {
            Some(MediaKind::Audio) => 48_000,
            _ => 90_000,
        };
        Clock {
            rate,
            origin,
            offset: None,
        }
    }

    /// Something else was sent meanwhile.
    fn forget(&mut self) {
        self.offset = None;
    }

    fn place(&mut self, timestamp: u32) -> u32 {
        let offset = *self.offset.get_or_insert_with(|| {
            let ticks = self.origin.elapsed().as_micros() * u128::from(self.rate) / 1_000_000;
            (ticks as u32).wrapping_sub(timestamp)
        });
        timestamp.wrapping_add(offset)
    }
}

fn of(frame: EncodedFrame, timestamp: u32) -> EncodedFrameInit {
    EncodedFrameInit {
        payload_type: Some(frame.payload_type),
        timestamp,
        audio_level: frame.audio_level,
        temporal: frame.temporal,
        discardable: frame.discardable,
        data: frame.data,
        ..Default::default()
    }
}
