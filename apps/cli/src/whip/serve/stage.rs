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
use crate::whip::offer::{self, Client};
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
    /// Viewers see when it is dropped.
    origin: watch::Sender<Origin>,
    tracks: Vec<Track>,
    viewers: Vec<Weak<Viewer>>,
}

struct Track {
    kind: MediaKind,
    brought: Brought,
    forwarder: Forwarder,
}

/// What a publisher brings of one kind.
struct Brought {
    /// One, or of another relay one for each layer; none, if only the publisher before had one.
    receivers: Vec<RtpReceiver>,
    /// How many layers there are.
    layers: usize,
}

/// Where a stream comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// A publisher of this server.
    Here,
    /// Another relay.
    Relay,
    /// Its publisher was lost, and may be back soon.
    Lost,
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
        alive: watch::Receiver<Origin>,
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
    /// Where this stream comes from, if there is one.
    pub(super) fn origin(&self, stream: &str) -> Option<Origin> {
        self.lock().get(stream).map(Published::origin)
    }

    /// Whether somebody publishes this stream here.
    pub(super) fn is_published(&self, stream: &str) -> bool {
        self.origin(stream) == Some(Origin::Here)
    }

    /// Until somebody publishes a stream of another relay here, or it is gone.
    pub(super) async fn published_here(&self, stream: &str) {
        let origin = self.lock().get(stream).map(|it| it.origin.subscribe());
        if let Some(mut origin) = origin {
            let _ = origin.wait_for(|it| *it == Origin::Here).await;
        }
    }

    /// The streams that are published here.
    pub(super) fn published(&self) -> Vec<String> {
        let streams = self.lock();
        let here = streams.iter().filter(|(_, it)| it.origin() == Origin::Here);
        here.map(|(name, _)| name.clone()).collect()
    }

    /// How many see a stream.
    pub(super) fn viewers(&self, stream: &str) -> usize {
        let streams = self.lock();
        let viewers = streams.get(stream).map(|it| it.viewers.iter());
        viewers.map_or(0, |it| {
            it.filter(|viewer| viewer.strong_count() > 0).count()
        })
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

    /// From now on the connection's tracks are this stream. Viewers of what it was before see it go on.
    ///
    /// # Errors
    /// Somebody else publishes it here.
    pub(super) fn publish(
        &self,
        stream: &str,
        pc: &PeerConnection,
        origin: Origin,
    ) -> Result<(), Refusal> {
        let mut streams = self.lock();
        let published = match streams.get_mut(stream) {
            Some(published) if published.origin() == Origin::Here => return Err(taken()),
            Some(published) => published,
            None => streams.entry(stream.to_owned()).or_insert(Published {
                publisher: pc.clone(),
                origin: watch::Sender::new(origin),
                tracks: Vec::new(),
                viewers: Vec::new(),
            }),
        };
        let before = std::mem::replace(&mut published.publisher, pc.clone());
        published.origin.send_replace(origin);
        for kind in [MediaKind::Audio, MediaKind::Video] {
            match Brought::of(pc, kind) {
                Some(brought) => published.set_track(kind, brought),
                None => published.end_track(kind),
            }
        }
        drop(streams);
        // The last handle of a connection takes locks of its own.
        drop(before);
        Ok(())
    }

    /// The stream's publisher is gone, and with it what viewers got. Another one may have taken its place.
    pub(super) fn unpublish(&self, stream: &str, publisher: &PeerConnection) {
        let mut streams = self.lock();
        let is = |it: &Published| it.publisher == *publisher;
        let gone = match streams.get(stream).is_some_and(is) {
            true => streams.remove(stream),
            false => None,
        };
        drop(streams);
        // Its handles take locks of their own.
        drop(gone);
    }

    /// The stream's publisher is lost. Viewers wait for it.
    pub(super) fn lose(&self, stream: &str, publisher: &PeerConnection) {
        if let Some(published) = self.lock().get_mut(stream)
            && published.publisher == *publisher
        {
            published.origin.send_replace(Origin::Lost);
        }
    }

    /// Gives a viewer, whose offer is set, what the stream has.
    pub(super) fn forward(
        &self,
        stream: &str,
        pc: &PeerConnection,
        client: Client,
    ) -> Result<View, Refusal> {
        let mut streams = self.lock();
        let there = |it: &&mut Published| it.origin() != Origin::Lost;
        let Some(published) = streams.get_mut(stream).filter(there) else {
            return Err(nobody());
        };
        let mut tracks: Vec<(RtpSender, MediaKind, Forwarding)> = Vec::new();
        for transceiver in pc.transceivers() {
            let kind = transceiver.kind();
            let layer = tracks.iter().filter(|(_, it, _)| Some(*it) == kind).count();
            let mut of_kind = published.tracks.iter();
            let of_kind = of_kind.find(|it| Some(it.kind) == kind && layer < it.brought.layers);
            let Some(track) = of_kind else {
                set(&transceiver, TransceiverDirection::Inactive)?;
                continue;
            };
            set(&transceiver, TransceiverDirection::Sendonly)?;
            track.prefer_its_codecs(&transceiver)?;
            let sender = transceiver.sender();
            let forwarding = track.forwarder.forward(&sender);
            match (track.kind, client) {
                (MediaKind::Video, Client::Viewer) => forwarding.follow_estimate(),
                _ => forwarding.choose(Choice::Layer(layer)),
            }
            tracks.push((sender, track.kind, forwarding));
        }
        let viewer = Arc::new(Viewer { tracks });
        published.viewers.retain(|viewer| viewer.strong_count() > 0);
        published.viewers.push(Arc::downgrade(&viewer));
        let alive = published.origin.subscribe();
        Ok(View::Forwarded { viewer, alive })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Published>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Published {
    fn origin(&self) -> Origin {
        *self.origin.borrow()
    }

    /// The publisher has none of this kind. Who saw it waits for a publisher that has.
    fn end_track(&mut self, kind: MediaKind) {
        if let Some(track) = self.tracks.iter_mut().find(|track| track.kind == kind) {
            track.forwarder.replace_layers(&[]);
            track.brought = Brought::NOTHING;
        }
    }

    fn set_track(&mut self, kind: MediaKind, brought: Brought) {
        match self.tracks.iter_mut().find(|track| track.kind == kind) {
            Some(track) => {
                match &brought.receivers[..] {
                    [receiver] => track.forwarder.replace_publisher(receiver),
                    layers => track.forwarder.replace_layers(layers),
                }
                track.brought = brought;
            }
            None => self.tracks.push(Track {
                forwarder: match &brought.receivers[..] {
                    [receiver] => Forwarder::new(receiver),
                    layers => Forwarder::of_layers(layers),
                },
                brought,
                kind,
            }),
        }
    }
}

impl Brought {
    const NOTHING: Self = Brought {
        receivers: Vec::new(),
        layers: 0,
    };

    /// Of a connection that is negotiated, if it receives any.
    fn of(pc: &PeerConnection, kind: MediaKind) -> Option<Self> {
        let mut transceivers = pc.transceivers();
        transceivers.retain(|it| {
            it.kind() == Some(kind)
                && it.current_direction() == Some(TransceiverDirection::Recvonly)
        });
        let receivers: Vec<_> = transceivers.iter().map(|it| it.receiver()).collect();
        let described = pc.remote_description()?;
        let mut sections = offer::sections(&described.sdp).into_iter();
        let layers = match receivers.len() {
            0 => return None,
            1 => sections.find(|it| it.kind == kind)?.layers,
            several => several,
        };
        Some(Brought { receivers, layers })
    }
}

impl Track {
    /// A viewer gets what the publisher has agreed on.
    fn prefer_its_codecs(&self, transceiver: &duologue::RtpTransceiver) -> Result<(), Refusal> {
        let receiver = self.brought.receivers.first();
        let parameters = receiver.and_then(RtpReceiver::parameters);
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

/// draft-ietf-wish-whep §4.4
pub(super) fn nobody() -> Refusal {
    let detail = "nobody publishes this stream at the moment";
    Refusal::new(StatusCode::CONFLICT, detail).later(1)
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

#[cfg(test)]
mod tests {
    use duologue::{Configuration, Endpoint, TransceiverInit};

    use super::*;

    /// This end of a connection whose other end does this with each kind.
    async fn connection(
        endpoint: &Endpoint,
        kinds: &[MediaKind],
        direction: TransceiverDirection,
    ) -> PeerConnection {
        let new = || endpoint.connection(Configuration::default()).unwrap().0;
        let [client, pc] = [new(), new()];
        for kind in kinds {
            let init = TransceiverInit {
                direction,
                ..TransceiverInit::default()
            };
            client.add_transceiver(*kind, init).unwrap();
        }
        client.set_local_description(None).await.unwrap();
        let offer = client.local_description().unwrap();
        pc.set_remote_description(offer).await.unwrap();
        pc
    }

    #[tokio::test]
    async fn what_a_publisher_does_not_bring_back_is_not_there_for_viewers() {
        let endpoint = Endpoint::builder().loopback(true).build().unwrap();
        let both = [MediaKind::Audio, MediaKind::Video];
        let stage = Stage::default();
        for (kinds, expected) in [
            (&both[..], TransceiverDirection::Sendonly),
            (&both[..1], TransceiverDirection::Inactive),
            (&both[..], TransceiverDirection::Sendonly),
        ] {
            let publisher = connection(&endpoint, kinds, TransceiverDirection::Sendonly).await;
            publisher.set_local_description(None).await.unwrap();
            stage.publish("live", &publisher, Origin::Here).unwrap();

            let viewer = connection(&endpoint, &both, TransceiverDirection::Recvonly).await;
            let view = stage.forward("live", &viewer, Client::Viewer).unwrap();
            let directions = viewer.transceivers();
            let directions: Vec<_> = directions.iter().map(|it| it.direction()).collect();
            assert_eq!(directions, [TransceiverDirection::Sendonly, expected]);
            drop(view);
            stage.lose("live", &publisher);
            publisher.close();
        }
    }
}
