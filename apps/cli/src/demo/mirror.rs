//! What the page's camera and microphone send goes back to it, frame by frame and undecoded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use duologue::{
    EncodedFrame, EncodedFrameInit, Exception, MediaKind, PeerConnection, RtpSender,
    RtpTransceiver, TransceiverDirection,
};
use serde::Deserialize;
use tokio::sync::watch;

use super::limits::{MIRRORED_FRAMES, MIRRORS};
use layers::Layers;

mod layers;

/// The media of one call.
#[derive(Debug, Default)]
pub(super) struct Mirror(Mutex<Vec<Mirrored>>);

#[derive(Debug)]
struct Mirrored {
    transceiver: RtpTransceiver,
    layer: watch::Sender<Layer>,
}

/// Which of the page's simulcast layers goes back.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub(super) struct Layer {
    /// Its name; the first one that comes when empty.
    pub(super) rid: String,
    /// Its place among the page's encodings.
    pub(super) encoding: usize,
}

impl Mirror {
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
            tokio::spawn(run(transceiver.clone(), wanted));
            mirrored.push(Mirrored { transceiver, layer });
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
async fn run(transceiver: RtpTransceiver, wanted: watch::Receiver<Layer>) {
    let mut source = transceiver.receiver().frames();
    let sink = transceiver.sender().frames();
    let mut layers = Layers::default();
    let (mut received, mut batch) = (Vec::new(), Vec::new());
    while source.recv_many(&mut received, MIRRORED_FRAMES).await > 0 {
        for frame in received.drain(..) {
            let wanted = wanted.borrow();
            if let Some(timestamp) = layers.pass((&frame).into(), &wanted.rid) {
                batch.push(of(frame, timestamp));
            }
        }
        // What the page's network does not take is not kept: the next frame is worth more.
        if sink.send(&mut batch).is_err() {
            return;
        }
        batch.clear();
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
