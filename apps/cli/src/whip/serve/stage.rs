//! What viewers can get: the streams of publishers, or a file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

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

/// The streams that are published at the moment.
#[derive(Default)]
pub(super) struct Stage {
    streams: Mutex<HashMap<String, Published>>,
}

struct Published {
    publisher: PeerConnection,
    tracks: Vec<Track>,
    viewers: Vec<Weak<Viewer>>,
    /// Viewers see when it is dropped.
    alive: watch::Sender<()>,
}

struct Track {
    receiver: RtpReceiver,
    kind: MediaKind,
    forwarder: Forwarder,
}

/// What one viewer gets of a stream.
pub(super) struct Viewer {
    pub(super) tracks: Vec<(RtpSender, MediaKind, Forwarding)>,
}

/// What one viewer gets.
pub(super) enum View {
    Forwarded {
        viewer: Arc<Viewer>,
        /// Ends with the publisher.
        alive: watch::Receiver<()>,
    },
    File(PathBuf, Writers),
}

/// A stream for whoever looks.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) publisher: PeerConnection,
    pub(super) viewers: Vec<Arc<Viewer>>,
}

impl Stage {
    /// Whether somebody publishes this stream.
    pub(super) fn has(&self, stream: &str) -> bool {
        self.lock().contains_key(stream)
    }

    /// All streams, in the order of their names.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let streams = self.lock();
        let shown = streams.iter().map(|(name, published)| Shown {
            name: name.clone(),
            publisher: published.publisher.clone(),
            viewers: published.viewers.iter().filter_map(Weak::upgrade).collect(),
        });
        let mut shown: Vec<Shown> = shown.collect();
        drop(streams);
        shown.sort_by(|a, b| a.name.cmp(&b.name));
        shown
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
            Some(Track {
                receiver,
                kind,
                forwarder,
            })
        });
        let published = Published {
            publisher: pc.clone(),
            tracks: tracks.collect(),
            viewers: Vec::new(),
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
        let mut streams = self.lock();
        let Some(published) = streams.get_mut(stream) else {
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
                .find(|track| Some(track.kind) == transceiver.kind());
            let Some(track) = of_kind else {
                set(&transceiver, TransceiverDirection::Inactive)?;
                continue;
            };
            set(&transceiver, TransceiverDirection::Sendonly)?;
            track.prefer_its_codecs(&transceiver)?;
            let sender = transceiver.sender();
            let forwarding = track.forwarder.forward(&sender);
            match track.kind {
                MediaKind::Video => forwarding.follow_estimate(),
                _ => forwarding.choose(Choice::Layer(0)),
            }
            tracks.push((sender, track.kind, forwarding));
        }
        let viewer = Arc::new(Viewer { tracks });
        published.viewers.retain(|viewer| viewer.strong_count() > 0);
        published.viewers.push(Arc::downgrade(&viewer));
        let alive = published.alive.subscribe();
        Ok(View::Forwarded { viewer, alive })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Published>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Track {
    /// A viewer gets what the publisher has agreed on.
    fn prefer_its_codecs(&self, transceiver: &duologue::RtpTransceiver) -> Result<(), Refusal> {
        let parameters = self.receiver.parameters();
        let codecs = parameters.map(|it| it.codecs).unwrap_or_default();
        let mut capable = RtpReceiver::capabilities(self.kind).codecs;
        capable.retain(|codec| {
            codecs
                .iter()
                .any(|it| it.codec.mime_type.eq_ignore_ascii_case(&codec.mime_type))
        });
        let preferred = transceiver.set_codec_preferences(capable);
        preferred.map_err(|error| Refusal::of_description(&error))
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
