//! What a description changes of transceivers, tracks and streams (webrtc-pc §4.4.1.5 and §5.1.1).

use std::collections::BTreeSet;
use std::sync::Arc;

use duologue_base::TransceiverId;
use duologue_jsep as jsep;
use jsep::agreement::{Layers, MediaAgreement};

use super::{Task, rollback};
use crate::methods::{Creating, MadeBy};
use crate::params::default_encodings;
use crate::slots::{Slots, Transceiver, rids_of};
use crate::{
    Event, MediaStreamId, PeerConnection, Rejection, RtpEncodingParameters, SdpType, TrackId,
    TransceiverDirection,
};

/// The lists that the algorithm gathers and the events are made of.
#[derive(Debug, Default)]
pub(crate) struct Surfaced {
    /// `muteTracks`
    pub(crate) mute: Vec<TrackId>,
    /// `removeList`
    pub(crate) remove: Vec<(MediaStreamId, TrackId)>,
    /// `addList`
    pub(crate) add: Vec<(MediaStreamId, TrackId)>,
    /// `trackEventInits`
    pub(crate) tracks: Vec<Event>,
    /// Transceivers whose m-sections the description rejects.
    pub(crate) rejected: Vec<(TransceiverId, Rejection)>,
}

impl PeerConnection {
    pub(crate) fn surface(
        &mut self,
        sdp_type: SdpType,
        side: jsep::Side,
        surface: &jsep::SurfaceChange,
    ) -> Surfaced {
        let mut surfaced = Surfaced::default();
        self.slots.forget_streams();
        for change in &surface.transceivers {
            if change.created {
                self.create_from_remote(change);
            }
            self.surface_transceiver(sdp_type, side, change, &mut surfaced);
        }
        self.update_media_transports(sdp_type, side);
        self.stop_rejected(sdp_type, side);
        surfaced
    }

    /// The other end's description stops the transceivers of the sections that it rejects. A local
    /// answer stops those that only the other end wanted, or each later offer of the same section
    /// would leave another one behind; what the application made is still wanted and is offered
    /// again.
    fn stop_rejected(&mut self, sdp_type: SdpType, side: jsep::Side) {
        let of_all = side == jsep::Side::Remote && sdp_type != SdpType::Rollback;
        let of_theirs = side == jsep::Side::Local && sdp_type == SdpType::Answer;
        if !of_all && !of_theirs {
            return;
        }
        let latest = Arc::clone(self.slots.signaling().latest());
        let rejected = latest.media.iter().filter(|section| section.rejected);
        for id in rejected.filter_map(|section| section.transceiver) {
            let theirs = |slots: &Transceiver| slots.made_by() == MadeBy::Remote;
            let taken = self
                .slots
                .intent_of(id)
                .is_some_and(|w| w.taken_by_add_track);
            if of_all || (self.slots.transceiver(id).is_some_and(theirs) && !taken) {
                self.stop_transceiver(id);
            }
        }
    }

    /// `[[SenderTransport]]` and `[[ReceiverTransport]]`: every description but a remote offer sets
    /// them, and a rollback takes them back. A rejected section keeps what it had.
    fn update_media_transports(&mut self, sdp_type: SdpType, side: jsep::Side) {
        if sdp_type == SdpType::Offer && side == jsep::Side::Remote {
            return;
        }
        self.slots.update_media_transports(sdp_type);
    }

    /// "If no suitable transceiver was found": a new one that receives only.
    fn create_from_remote(&mut self, change: &jsep::TransceiverChange) {
        // Layers that the description proposes take the place of its lone encoding afterwards.
        self.add_transceiver_to_set(Creating {
            id: change.id,
            kind: change.kind,
            direction: jsep::Direction::RecvOnly,
            track: None,
            streams: Vec::new(),
            encodings: Vec::new(),
            made_by: MadeBy::Remote,
        });
        // The specification leaves `[[LastStableRidlessSendEncodings]]` null here; the conformance
        // tests expect a rollback to leave one encoding on a transceiver that `addTrack` saves.
        if let Some(slots) = self.slots.transceiver_mut(change.id) {
            slots.set_last_stable_ridless(default_encodings(change.kind));
        }
    }

    fn surface_transceiver(
        &mut self,
        sdp_type: SdpType,
        side: jsep::Side,
        change: &jsep::TransceiverChange,
        surfaced: &mut Surfaced,
    ) {
        let id = change.id;
        let Some(slots) = self.slots.transceiver_mut(id) else {
            return;
        };
        let after = change.after.as_deref();
        if matches!(sdp_type, SdpType::Answer | SdpType::Pranswer)
            && let Some(section) = after
            && let Some(why) = slots.note_answer(section)
        {
            surfaced.rejected.push((id, why));
        }
        if sends(after.and_then(|section| section.current_direction)) {
            slots.note_sending();
        }
        if sdp_type == SdpType::Rollback {
            rollback::restore_encodings(&mut self.slots, id);
        } else if let Some(section) = after {
            apply_layers(&mut self.slots, id, &section.layers);
        }
        if matches!(sdp_type, SdpType::Answer | SdpType::Pranswer)
            && let Some(slots) = self.slots.transceiver_mut(id)
        {
            slots.forget_returned_parameters();
        }
        if sdp_type == SdpType::Answer {
            self.keep_negotiated_extensions(id);
        }
        self.process_remote_track(sdp_type, side, change, surfaced);
        if change.uncreated {
            self.uncreate_transceiver(id);
        }
    }

    /// webrtc-extensions, "header extension control": what an answer did not take is `stopped` in
    /// `[[HeaderExtensionsToNegotiate]]`, so that it is not offered again unasked.
    fn keep_negotiated_extensions(&mut self, id: TransceiverId) {
        if self
            .slots
            .section(id)
            .is_none_or(|section| section.rejected)
        {
            return;
        }
        let (stopped, negotiated): (Vec<_>, Vec<_>) = self
            .negotiated_header_extensions(id)
            .into_iter()
            .partition(|extension| extension.direction == TransceiverDirection::Stopped);
        self.slots.change_intent(id, |intent| {
            let stopped = stopped.into_iter().map(|extension| extension.uri);
            intent.extensions_not_taken = match negotiated.is_empty() {
                // An end that takes none at all does not know them.
                true => intent.extensions_not_taken.clone(),
                false => stopped.collect(),
            };
        });
    }

    /// "Process remote tracks" and "set the associated remote streams".
    fn process_remote_track(
        &mut self,
        sdp_type: SdpType,
        side: jsep::Side,
        change: &jsep::TransceiverChange,
        out: &mut Surfaced,
    ) {
        let before = change.before.as_deref();
        // "Stop the RTCRtpTransceiver" forgets what a rollback would go back to: webrtc-pc §5.4.
        let intent = self.slots.intent_of(change.id);
        let stopped = intent.is_some_and(|intent| intent.stop == jsep::StopState::Stopped);
        let forgotten = sdp_type == SdpType::Rollback && stopped;
        let after = change.after.as_deref().filter(|_| !forgotten);

        let streams: Vec<MediaStreamId> = after
            .map(|section| section.remote_streams.iter())
            .into_iter()
            .flatten()
            .map(|id| MediaStreamId::from(id.as_str()))
            .collect();
        for stream in &streams {
            self.slots.ensure_stream(stream);
        }
        let Some(slots) = self.slots.transceiver_mut(change.id) else {
            return;
        };
        let track = slots.receiver_track().clone();
        let old = slots.set_remote_streams(streams.clone());
        let pair = |stream: &MediaStreamId| (stream.clone(), track.clone());
        let (named, known): (BTreeSet<_>, BTreeSet<_>) =
            (streams.iter().collect(), old.iter().collect());
        out.remove
            .extend(old.iter().filter(|s| !named.contains(s)).map(pair));
        let added_before = out.add.len();
        out.add
            .extend(streams.iter().filter(|s| !known.contains(s)).map(pair));
        let fired = |section: Option<&MediaAgreement>| {
            receives(section.and_then(|section| section.fired_direction))
        };
        // A local description sets [[FiredDirection]] and fires nothing: an answer that receives may
        // follow a provisional one that did not.
        let may_fire = side == jsep::Side::Remote || sdp_type == SdpType::Rollback;
        let begins = fired(after) && !fired(before) && may_fire;
        if begins || out.add.len() > added_before {
            out.tracks.push(Event::Track {
                transceiver: change.id,
                track,
                streams,
            });
        } else if !fired(after) && fired(before) {
            out.mute.push(track);
        }
    }

    /// "Stop the RTCRtpTransceiver".
    pub(crate) fn stop_transceiver(&mut self, id: TransceiverId) {
        let Some(stop) = self.slots.intent_of(id).map(|intent| intent.stop) else {
            return;
        };
        if stop == jsep::StopState::Stopped {
            return;
        }
        if stop == jsep::StopState::Running {
            self.stop_sending_and_receiving(id);
        }
        self.slots
            .change_intent(id, |intent| intent.stop = jsep::StopState::Stopped);
        if let Some(slots) = self.slots.transceiver_mut(id) {
            slots.set_remote_streams(Vec::new());
        }
    }

    /// "Stop sending and receiving".
    pub(crate) fn stop_sending_and_receiving(&mut self, id: TransceiverId) {
        if let Some(slots) = self.slots.transceiver(id) {
            let track = slots.receiver_track().clone();
            self.queue(Task::EndTrack(track));
        }
        self.slots.change_intent(id, |intent| {
            intent.direction = jsep::Direction::Inactive;
            intent.stop = jsep::StopState::Stopping;
        });
    }

    /// "If transceiver is stopped, associated with an m= section and the associated m= section is
    /// rejected in [[CurrentLocalDescription]] or [[CurrentRemoteDescription]], remove it."
    pub(crate) fn remove_stopped_transceivers(&mut self) {
        let stable = Arc::clone(self.slots.signaling().stable());
        let gone: Vec<TransceiverId> = self
            .slots
            .intent()
            .transceivers
            .iter()
            .filter(|intent| intent.stop == jsep::StopState::Stopped)
            .filter(|intent| stable.by_transceiver(intent.id).is_some_and(|m| m.rejected))
            .map(|intent| intent.id)
            .collect();
        for id in gone {
            self.slots.remove_transceiver(id);
        }
    }

    /// Transceivers that the other end's offers made and stopped again before any answer: no
    /// description knows them any more.
    pub(crate) fn remove_forgotten_transceivers(&mut self) {
        let signaling = self.slots.signaling();
        let known = |id| {
            let agreements = [signaling.stable(), signaling.latest()];
            agreements
                .iter()
                .any(|agreed| agreed.by_transceiver(id).is_some())
        };
        let stopped = self.slots.intent().transceivers.iter();
        let stopped = stopped.filter(|intent| intent.stop == jsep::StopState::Stopped);
        let forgotten = stopped.map(|intent| intent.id).filter(|&id| {
            let slots = self.slots.transceiver(id);
            slots.is_some_and(|slots| slots.made_by() == MadeBy::Remote) && !known(id)
        });
        for id in forgotten.collect::<Vec<TransceiverId>>() {
            self.slots.remove_transceiver(id);
        }
    }

    /// "For each encoding in [[SendEncodings]], if encoding.codec does not match any entry in
    /// codecs, remove encoding.codec."
    pub(crate) fn prune_codecs(&mut self) {
        if self.slots.signaling().state() != jsep::SignalingState::Stable {
            return;
        }
        let stable = Arc::clone(self.slots.signaling().stable());
        for section in &stable.media {
            let (Some(id), Some(send)) = (section.transceiver, &section.send) else {
                continue;
            };
            let Some(slots) = self.slots.transceiver_mut(id) else {
                continue;
            };
            if !send.codecs.is_empty() {
                slots.prune_codecs(&send.codecs);
            }
        }
    }
}

/// The encodings that a remote offer to receive simulcast proposes, from small to large.
fn proposed_encodings(rids: &[jsep::Rid]) -> Vec<RtpEncodingParameters> {
    let count = rids.len().min(crate::limits::MAX_VIDEO_ENCODINGS);
    let encoding = |(index, rid): (usize, &jsep::Rid)| RtpEncodingParameters {
        rid: Some(rid.to_string()),
        scale_resolution_down_by: Some(crate::params::default_scale(index, count)),
        ..RtpEncodingParameters::default()
    };
    rids.iter().take(count).enumerate().map(encoding).collect()
}

fn apply_layers(slots: &mut Slots, id: TransceiverId, layers: &Layers) {
    let Some(transceiver) = slots.transceiver_mut(id) else {
        return;
    };
    let current = transceiver.send_encodings();
    let before = rids_of(current);
    let next = match (layers, layers.applied_to(&before)) {
        (Layers::Proposed(_), Some(rids)) if current.len() == 1 => {
            transceiver.forget_returned_parameters();
            proposed_encodings(&rids)
        }
        (Layers::Kept(_), Some(rids)) => {
            let kept = |encoding: &&RtpEncodingParameters| {
                let rid = encoding.rid.as_deref();
                rids.iter().any(|kept| Some(kept.as_str()) == rid)
            };
            current.iter().filter(kept).cloned().collect()
        }
        // Of several without a name no answer can keep more than the first.
        (Layers::Kept(_), None) if before.is_empty() && current.len() > 1 => {
            current.iter().take(1).cloned().collect()
        }
        _ => return,
    };
    slots.set_send_encodings(id, next);
}

fn sends(direction: Option<jsep::Direction>) -> bool {
    matches!(
        direction,
        Some(jsep::Direction::SendRecv | jsep::Direction::SendOnly)
    )
}

fn receives(direction: Option<jsep::Direction>) -> bool {
    matches!(
        direction,
        Some(jsep::Direction::SendRecv | jsep::Direction::RecvOnly)
    )
}
