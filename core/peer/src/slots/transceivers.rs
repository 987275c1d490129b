//! The set of transceivers, those that left it, and tracks and streams that come from the other end.

use std::collections::BTreeSet;
use std::sync::Arc;

use duologue_base::{Instant, TransceiverId};
use duologue_jsep as jsep;
use duologue_rtp::{SourceParameters, Ssrc};

use super::{Slots, Transceiver};
use crate::limits::{MAX_REMOTE_STREAMS, MAX_REMOVED_TRANSCEIVERS};
use crate::{
    MediaKind, MediaStream, MediaStreamId, MediaStreamTrack, RtpEncodingParameters, SdpType,
    TrackId,
};

impl Slots {
    pub(crate) fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.transceivers.get(&id)
    }

    pub(crate) fn transceiver_mut(&mut self, id: TransceiverId) -> Option<&mut Transceiver> {
        self.transceivers.get_mut(&id)
    }

    /// Those that left the set of transceivers among them.
    pub(crate) fn transceivers(&self) -> impl Iterator<Item = (TransceiverId, &Transceiver)> {
        self.transceivers.iter().map(|(&id, slots)| (id, slots))
    }

    pub(crate) fn transceivers_mut(
        &mut self,
    ) -> impl Iterator<Item = (TransceiverId, &mut Transceiver)> {
        self.transceivers.iter_mut().map(|(&id, slots)| (id, slots))
    }

    /// Adds one to the set of transceivers.
    pub(crate) fn add_transceiver(
        &mut self,
        intent: jsep::TransceiverIntent,
        transceiver: Transceiver,
    ) {
        self.transceivers.insert(intent.id, transceiver);
        self.edit_intent(|all| all.transceivers.push(intent));
    }

    /// Takes a transceiver out of the set of transceivers. It can still be read.
    pub(crate) fn remove_transceiver(&mut self, id: TransceiverId) {
        let Some(index) = self.intent.transceivers.iter().position(|t| t.id == id) else {
            return;
        };
        let intent = self.intent.transceivers.remove(index);
        self.intent.version += 1;
        if let Some(slots) = self.transceivers.get_mut(&id) {
            slots.leave(intent);
        }
        self.removed.push_back(id);
        if self.removed.len() > MAX_REMOVED_TRANSCEIVERS
            && let Some(oldest) = self.removed.pop_front()
            && let Some(slots) = self.transceivers.remove(&oldest)
        {
            self.tracks.remove(slots.receiver_track());
        }
    }

    /// `[[SenderTransport]]` and `[[ReceiverTransport]]` as a description of this type leaves them. A
    /// rejected section keeps what it had, and a rollback takes back what its offer brought.
    pub(crate) fn update_media_transports(&mut self, sdp_type: SdpType) {
        let latest = Arc::clone(self.signaling.latest());
        for intent in &self.intent.transceivers {
            let Some(transceiver) = self.transceivers.get_mut(&intent.id) else {
                continue;
            };
            let section = latest.by_transceiver(intent.id);
            match section.and_then(|section| section.transport) {
                Some(key) => {
                    transceiver.set_transport(Some(key));
                    self.transports.entry(key).and_modify(|t| t.expose());
                }
                None if sdp_type == SdpType::Rollback && section.is_none() => {
                    transceiver.set_transport(None);
                }
                None => {}
            }
        }
    }

    /// Those whose next DTMF tone is due, and to be queued.
    pub(crate) fn take_due_tones(&mut self, now: Instant) -> Vec<TransceiverId> {
        let transceivers = self.transceivers_mut();
        let due = transceivers.filter_map(|(id, slots)| {
            let due = slots.dtmf_mut().queue_if_due(now);
            due.then_some(id)
        });
        due.collect()
    }

    /// Sets `[[SendEncodings]]`, whose rids are part of what the application wants.
    pub(crate) fn set_send_encodings(
        &mut self,
        id: TransceiverId,
        encodings: Vec<RtpEncodingParameters>,
    ) {
        let rids = rids_of(&encodings);
        if let Some(slots) = self.transceivers.get_mut(&id) {
            slots.set_send_encodings(encodings);
        }
        let Some(intent) = self
            .intent_of(id)
            .filter(|intent| intent.sender.rids != rids)
        else {
            return;
        };
        let mut new = self.new_sources(intent.kind, rids.len().max(1)).into_iter();
        self.change_intent(id, |intent| {
            let next = || new.next().expect("there is one for each encoding");
            intent.sender.set_layers(rids, next);
        });
    }

    /// Sources of encodings that no sender of this connection has. Video may be retransmitted, and
    /// protected.
    pub(crate) fn new_sources(&mut self, kind: MediaKind, count: usize) -> Vec<SourceParameters> {
        let mut sources: Vec<SourceParameters> = Vec::new();
        for at in 0..count {
            sources.push(SourceParameters::new(self.unused_ssrc(&sources)));
            if kind == MediaKind::Video {
                sources[at].rtx = Some(self.unused_ssrc(&sources));
                sources[at].fec = Some(self.unused_ssrc(&sources));
            }
        }
        sources
    }

    /// A synchronisation source that no sender of this connection has, nor any of these. Zero is
    /// left out: receivers take it for none.
    fn unused_ssrc(&mut self, new: &[SourceParameters]) -> Ssrc {
        loop {
            let ssrc = Ssrc(self.rng.u32());
            let senders = self.intent.transceivers.iter().map(|intent| &intent.sender);
            let known = senders.flat_map(|sender| &sender.sources).chain(new);
            if ssrc != Ssrc(0) && !known.flat_map(|source| source.ssrcs()).any(|s| s == ssrc) {
                return ssrc;
            }
        }
    }
}

/// Tracks and streams.
impl Slots {
    pub(crate) fn track(&self, id: &TrackId) -> Option<&MediaStreamTrack> {
        self.tracks.get(id)
    }

    pub(crate) fn track_mut(&mut self, id: &TrackId) -> Option<&mut MediaStreamTrack> {
        self.tracks.get_mut(id)
    }

    /// The track of a receiver that is being made.
    pub(crate) fn add_track(&mut self, kind: MediaKind) -> TrackId {
        let id = TrackId::from(self.rng.uuid());
        let track = MediaStreamTrack::of_receiver(id.clone(), kind);
        self.tracks.insert(id.clone(), track);
        id
    }

    pub(crate) fn stream(&self, id: &MediaStreamId) -> Option<&MediaStream> {
        self.streams.get(id)
    }

    pub(crate) fn stream_mut(&mut self, id: &MediaStreamId) -> Option<&mut MediaStream> {
        self.streams.get_mut(id)
    }

    /// A description that may bring streams was set: where there are many, those without a track that it
    /// does not name are forgotten.
    pub(crate) fn forget_streams(&mut self) {
        if self.streams.len() < MAX_REMOTE_STREAMS {
            return;
        }
        let described = self.signaling.latest().media.iter();
        let described = described.flat_map(|section| &section.remote_streams);
        let mut named: BTreeSet<&str> = described.map(String::as_str).collect();
        let transceivers = self.transceivers.values();
        let associated = transceivers.flat_map(Transceiver::remote_streams);
        named.extend(associated.map(MediaStreamId::as_str));
        self.streams
            .retain(|id, stream| !stream.tracks().is_empty() || named.contains(id.as_str()));
    }

    /// The stream with this id, made if no description of this connection named it before.
    pub(crate) fn ensure_stream(&mut self, id: &MediaStreamId) {
        self.streams
            .entry(id.clone())
            .or_insert_with(|| MediaStream::new(id.clone()));
    }
}

/// The rids of encodings. A lone one may have one as well: what an answer left of several, or the one
/// that an offer asked for.
pub(crate) fn rids_of(encodings: &[RtpEncodingParameters]) -> Vec<jsep::Rid> {
    encodings
        .iter()
        .filter_map(|encoding| encoding.rid.as_deref()?.parse().ok())
        .collect()
}
