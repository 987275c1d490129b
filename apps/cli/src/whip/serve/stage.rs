//! What viewers can get: the streams of publishers, or a file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use duologue::{
    Choice, Forwarder, Forwarding, MediaKind, PeerConnection, RtpReceiver, RtpSender,
    TransceiverDirection,
};
use tokio::sync::watch;

use super::refusal::Refusal;
use crate::whip::playback::{self, Writers};

/// Where pictures and sound come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Publishers, by WHIP. Each stream is recorded into a file of the folder, if there is one.
    Publishers {
        /// Where the files are made.
        record: Option<PathBuf>,
    },
    /// A file, from its beginning for each viewer, again and again.
    File(PathBuf),
}

/// What a viewer starts with: enough for a picture, until its path was measured.
const FIRST_BITRATE: u64 = 1_000_000;

/// The streams that are published at the moment.
#[derive(Default)]
pub(super) struct Stage {
    streams: Mutex<HashMap<String, Published>>,
}

struct Published {
    tracks: Vec<(RtpReceiver, MediaKind, Forwarder)>,
    /// Viewers see when it is dropped.
    alive: watch::Sender<()>,
}

/// What one viewer gets.
pub(super) enum View {
    Forwarded {
        tracks: Vec<(RtpSender, MediaKind, Forwarding)>,
        /// Ends with the publisher.
        alive: watch::Receiver<()>,
    },
    File(PathBuf, Writers),
}

impl Stage {
    /// Whether somebody publishes this stream.
    pub(super) fn has(&self, stream: &str) -> bool {
        self.lock().contains_key(stream)
    }

    /// From now on the connection's tracks are this stream.
    ///
    /// # Errors
    /// Somebody else publishes it.
    pub(super) fn publish(&self, stream: &str, pc: &PeerConnection) -> Result<(), Refusal> {
        let mut streams = self.lock();
        if streams.contains_key(stream) {
            return Err(taken());
        }
        let transceivers = pc.transceivers().into_iter();
        let tracks = transceivers.filter_map(|transceiver| {
            let (receiver, kind) = (transceiver.receiver(), transceiver.kind()?);
            let forwarder = Forwarder::new(&receiver);
            Some((receiver, kind, forwarder))
        });
        let published = Published {
            tracks: tracks.collect(),
            alive: watch::Sender::default(),
        };
        streams.insert(stream.to_owned(), published);
        Ok(())
    }

    /// The stream's publisher is gone, and with it what viewers got.
    pub(super) fn unpublish(&self, stream: &str) {
        let gone = self.lock().remove(stream);
        // Its handles take locks of their own.
        drop(gone);
    }

    /// Gives a viewer, whose offer is set, what the stream has.
    pub(super) fn forward(&self, stream: &str, pc: &PeerConnection) -> Result<View, Refusal> {
        let streams = self.lock();
        let Some(published) = streams.get(stream) else {
            let refusal = Refusal::new(
                StatusCode::CONFLICT,
                "nobody publishes this stream at the moment",
            );
            return Err(refusal.later(1));
        };
        let mut tracks = Vec::new();
        for transceiver in pc.transceivers() {
            let of_kind = published
                .tracks
                .iter()
                .find(|(_, kind, _)| Some(*kind) == transceiver.kind());
            let Some((publisher, kind, forwarder)) = of_kind else {
                set(&transceiver, TransceiverDirection::Inactive)?;
                continue;
            };
            set(&transceiver, TransceiverDirection::Sendonly)?;
            let codecs = publisher
                .parameters()
                .map(|it| it.codecs)
                .unwrap_or_default();
            let mut capable = RtpReceiver::capabilities(*kind).codecs;
            let published = |name: &str| {
                codecs
                    .iter()
                    .any(|it| it.codec.mime_type.eq_ignore_ascii_case(name))
            };
            capable.retain(|codec| published(&codec.mime_type));
            let preferred = transceiver.set_codec_preferences(capable);
            preferred.map_err(|error| Refusal::of_description(&error))?;
            let sender = transceiver.sender();
            let forwarding = forwarder.forward(&sender);
            forwarding.choose(Choice::Bitrate(FIRST_BITRATE));
            tracks.push((sender, *kind, forwarding));
        }
        let alive = published.alive.subscribe();
        Ok(View::Forwarded { tracks, alive })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Published>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// RFC 9725 has no word for it; RFC 9110 §15.5.10 has.
pub(super) fn taken() -> Refusal {
    Refusal::new(StatusCode::CONFLICT, "somebody else publishes this stream").later(5)
}

/// Gives a viewer, whose offer is set, what a file has.
pub(super) fn play(path: &Path, pc: &PeerConnection) -> Result<View, Refusal> {
    let unreadable = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read");
    let tracks = playback::tracks(path).map_err(unreadable)?;
    let mut writers: Writers = tracks.iter().map(|track| (track.format, None)).collect();
    for transceiver in pc.transceivers() {
        let of_kind = writers
            .iter_mut()
            .find(|(format, _)| Some(format.kind()) == transceiver.kind());
        let Some((format, writer)) = of_kind else {
            set(&transceiver, TransceiverDirection::Inactive)?;
            continue;
        };
        set(&transceiver, TransceiverDirection::Sendonly)?;
        let unable = |_| {
            Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the codec of the file is not known here",
            )
        };
        playback::prefer(&transceiver, *format).map_err(unable)?;
        *writer = Some(transceiver.sender().frames());
    }
    Ok(View::File(path.to_owned(), writers))
}

fn set(
    transceiver: &duologue::RtpTransceiver,
    direction: TransceiverDirection,
) -> Result<(), Refusal> {
    let set = transceiver.set_direction(direction);
    set.map_err(|error| Refusal::of_description(&error))
}
