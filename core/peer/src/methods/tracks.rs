//! `addTrack`, `removeTrack`, `addTransceiver` and the lists of transceivers, senders and
//! receivers (webrtc-pc §5.1).

use duologue_base::TransceiverId;
use duologue_jsep as jsep;

use crate::limits::{MAX_AUDIO_ENCODINGS, MAX_VIDEO_ENCODINGS};
use crate::params::{default_encodings, default_scale, is_rid};
use crate::slots::{Transceiver, rids_of};
use crate::{
    Exception, MediaKind, MediaStreamId, PeerConnection, RtpEncodingParameters, Track, TrackOrKind,
    TransceiverDirection, TransceiverInit,
};

/// A transceiver to make.
#[derive(Debug)]
pub(crate) struct Creating {
    pub(crate) id: TransceiverId,
    pub(crate) kind: MediaKind,
    pub(crate) direction: jsep::Direction,
    pub(crate) track: Option<Track>,
    pub(crate) streams: Vec<MediaStreamId>,
    pub(crate) encodings: Vec<RtpEncodingParameters>,
    pub(crate) made_by: MadeBy,
}

/// Who makes a transceiver.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MadeBy {
    AddTrack,
    AddTransceiver,
    /// A description of the other end.
    Remote,
}

impl PeerConnection {
    /// `getTransceivers()`: the set of transceivers in the order they were made.
    pub fn transceivers(&self) -> Vec<TransceiverId> {
        let intents = &self.slots.intent().transceivers;
        intents.iter().map(|intent| intent.id).collect()
    }

    /// `getSenders()`: the senders of the transceivers that are not stopped.
    pub fn senders(&self) -> Vec<TransceiverId> {
        let intents = &self.slots.intent().transceivers;
        intents
            .iter()
            .filter(|intent| intent.stop != jsep::StopState::Stopped)
            .map(|intent| intent.id)
            .collect()
    }

    /// `getReceivers()`: the receivers of the transceivers that are not stopped.
    pub fn receivers(&self) -> Vec<TransceiverId> {
        self.senders()
    }

    /// `addTrack(track, ...streams)`: the sender that sends it, by its transceiver.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection, `InvalidAccessError` when a sender has the
    /// track already.
    pub fn add_track(
        &mut self,
        track: Track,
        streams: &[MediaStreamId],
    ) -> Result<TransceiverId, Exception> {
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        let sends = |id: &TransceiverId| {
            let slots = self.slots.transceiver(*id);
            slots.is_some_and(|slots| slots.sender_track().is_some_and(|t| t.id == track.id))
        };
        if self.senders().iter().any(sends) {
            return Err(Exception::invalid_access("a sender has this track already"));
        }
        let id = match self.reusable_sender(track.kind) {
            Some(id) => {
                self.reuse_sender(id, track, streams);
                id
            }
            None => {
                let id = self.slots.new_transceiver_id();
                self.add_transceiver_to_set(Creating {
                    id,
                    kind: track.kind,
                    direction: jsep::Direction::SendRecv,
                    track: Some(track),
                    streams: streams.to_vec(),
                    encodings: Vec::new(),
                    made_by: MadeBy::AddTrack,
                });
                id
            }
        };
        self.update_negotiation_needed();
        Ok(id)
    }

    /// A sender that has no track and has never been used to send.
    fn reusable_sender(&self, kind: MediaKind) -> Option<TransceiverId> {
        let intents = &self.slots.intent().transceivers;
        let fits = |intent: &&jsep::TransceiverIntent| {
            let slots = self.slots.transceiver(intent.id);
            intent.kind == kind
                && intent.stop == jsep::StopState::Running
                && slots.is_some_and(|slots| slots.sender_track().is_none() && !slots.has_sent())
        };
        intents.iter().find(fits).map(|intent| intent.id)
    }

    fn reuse_sender(&mut self, id: TransceiverId, track: Track, streams: &[MediaStreamId]) {
        use jsep::Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
        if let Some(slots) = self.slots.transceiver_mut(id) {
            slots.set_sender_track(Some(track));
        }
        self.slots.change_intent(id, |intent| {
            intent.sender.streams = unique(streams);
            intent.taken_by_add_track = true;
            intent.direction = match intent.direction {
                RecvOnly => SendRecv,
                Inactive => SendOnly,
                direction => direction,
            };
        });
    }

    /// `removeTrack(sender)`.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection, `InvalidAccessError` for a sender of another
    /// connection.
    pub fn remove_track(&mut self, sender: TransceiverId) -> Result<(), Exception> {
        use jsep::Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        if self.slots.transceiver(sender).is_none() {
            return Err(Exception::invalid_access(
                "the sender is of another connection",
            ));
        }
        let in_set = self.slots.intent().transceiver(sender);
        let running = in_set.is_some_and(|intent| intent.stop == jsep::StopState::Running);
        let taken = running.then(|| self.slots.transceiver_mut(sender)?.set_sender_track(None));
        if taken.flatten().is_none() {
            return Ok(());
        }
        self.slots.change_intent(sender, |intent| {
            intent.direction = match intent.direction {
                SendRecv => RecvOnly,
                SendOnly => Inactive,
                direction => direction,
            };
        });
        self.update_negotiation_needed();
        Ok(())
    }

    /// `addTransceiver(trackOrKind, init)`.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection; `TypeError` for rids that are not legal, not
    /// unique or not on every encoding, and for the direction `stopped`; `OperationError` for an
    /// unknown codec; `RangeError` for a scale below 1 or a negative frame rate.
    pub fn add_transceiver(
        &mut self,
        track_or_kind: impl Into<TrackOrKind>,
        init: TransceiverInit,
    ) -> Result<TransceiverId, Exception> {
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        let id = self.create_transceiver(track_or_kind.into(), init)?;
        self.update_negotiation_needed();
        Ok(id)
    }

    /// `addTransceiver` without the negotiation-needed flag.
    pub(crate) fn create_transceiver(
        &mut self,
        track_or_kind: TrackOrKind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, Exception> {
        let (kind, track) = match track_or_kind {
            TrackOrKind::Kind(kind) => (kind, None),
            TrackOrKind::Track(track) => (track.kind, Some(track)),
        };
        let direction = init.direction.to_jsep()?;
        let encodings = self.validate_send_encodings(kind, init.send_encodings)?;
        let id = self.slots.new_transceiver_id();
        self.add_transceiver_to_set(Creating {
            id,
            kind,
            direction,
            track,
            streams: init.streams,
            encodings,
            made_by: MadeBy::AddTransceiver,
        });
        Ok(id)
    }

    /// "addTransceiver sendEncodings validation steps" and the steps after them that complete the
    /// encodings.
    fn validate_send_encodings(
        &self,
        kind: MediaKind,
        mut encodings: Vec<RtpEncodingParameters>,
    ) -> Result<Vec<RtpEncodingParameters>, Exception> {
        let rids: Vec<&str> = encodings.iter().filter_map(|e| e.rid.as_deref()).collect();
        if !rids.iter().all(|rid| is_rid(rid)) {
            return Err(Exception::type_error("a rid is 1 to 16 letters and digits"));
        }
        if !rids.is_empty() && rids.len() < encodings.len() {
            return Err(Exception::type_error("all encodings have a rid, or none"));
        }
        if (1..rids.len()).any(|i| rids[..i].contains(&rids[i])) {
            return Err(Exception::type_error("two encodings have the same rid"));
        }
        let sendable = self.slots.intent().capabilities.send_codecs(kind);
        let unknown = |codec: &crate::RtpCodec| !sendable.iter().any(|c| codec.matches(c));
        if encodings
            .iter()
            .filter_map(|e| e.codec.as_ref())
            .any(unknown)
        {
            return Err(Exception::operation("the codec cannot be sent"));
        }

        let limit = match kind {
            MediaKind::Audio => {
                for encoding in &mut encodings {
                    encoding.scale_resolution_down_by = None;
                    encoding.scale_resolution_down_to = None;
                    encoding.max_framerate = None;
                    encoding.scalability_mode = None;
                }
                MAX_AUDIO_ENCODINGS
            }
            MediaKind::Video => MAX_VIDEO_ENCODINGS,
        };

        let capabilities = &self.slots.intent().capabilities;
        crate::scalability::check(capabilities, kind, &encodings)?;
        crate::params::check_ranges(&encodings)?;
        crate::params::check_restrictions(&encodings).map_err(Exception::operation)?;
        let scaled = encodings
            .iter()
            .any(|e| e.scale_resolution_down_by.is_some());
        encodings.truncate(limit);

        let count = encodings.len();
        if kind == MediaKind::Video {
            for (index, encoding) in encodings.iter_mut().enumerate() {
                let default = match scaled {
                    true => 1.0,
                    false => default_scale(index, count),
                };
                encoding.scale_resolution_down_by.get_or_insert(default);
            }
        }

        if let [lone] = encodings.as_mut_slice() {
            lone.rid = None;
        }
        Ok(encodings)
    }

    /// "Create an RTCRtpSender", "create an RTCRtpReceiver", "create an RTCRtpTransceiver", and
    /// add it to the set of transceivers.
    pub(crate) fn add_transceiver_to_set(&mut self, creating: Creating) {
        let Creating { id, kind, .. } = creating;
        let encodings = match creating.encodings.is_empty() {
            false => creating.encodings,
            true => default_encodings(kind),
        };
        let receiver_track = self.slots.add_track(kind);

        let mut intent = jsep::TransceiverIntent::new(id, kind, creating.direction);
        intent.added_by_add_track = creating.made_by == MadeBy::AddTrack;
        intent.sender.streams = unique(&creating.streams);
        intent.sender.track_id = match &creating.track {
            Some(track) => track.id.to_string(),
            None => self.slots.new_uuid(),
        };
        intent.sender.rids = rids_of(&encodings);
        intent.sender.sources = self.slots.new_sources(kind, encodings.len());
        let transceiver = Transceiver::new(
            kind,
            creating.made_by,
            creating.track,
            encodings,
            receiver_track,
        );
        self.slots.add_transceiver(intent, transceiver);
    }
}

impl TransceiverDirection {
    /// A direction to prefer: `stopped` is not one.
    pub(crate) fn to_jsep(self) -> Result<jsep::Direction, Exception> {
        match self {
            TransceiverDirection::Sendrecv => Ok(jsep::Direction::SendRecv),
            TransceiverDirection::Sendonly => Ok(jsep::Direction::SendOnly),
            TransceiverDirection::Recvonly => Ok(jsep::Direction::RecvOnly),
            TransceiverDirection::Inactive => Ok(jsep::Direction::Inactive),
            TransceiverDirection::Stopped => Err(Exception::type_error(
                "a direction cannot be set to stopped",
            )),
        }
    }
}

impl From<jsep::Direction> for TransceiverDirection {
    fn from(direction: jsep::Direction) -> Self {
        match direction {
            jsep::Direction::SendRecv => TransceiverDirection::Sendrecv,
            jsep::Direction::SendOnly => TransceiverDirection::Sendonly,
            jsep::Direction::RecvOnly => TransceiverDirection::Recvonly,
            jsep::Direction::Inactive => TransceiverDirection::Inactive,
        }
    }
}

/// "For each stream in streams, add stream.id to [[AssociatedMediaStreamIds]] if it's not already
/// there."
pub(crate) fn unique(streams: &[MediaStreamId]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for stream in streams {
        if !ids.iter().any(|id| id == stream.as_str()) {
            ids.push(stream.to_string());
        }
    }
    ids
}
