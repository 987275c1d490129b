//! Isolated media (webrtc-identity §9): tracks whose content is for one peer alone, and not for the
//! application.

use std::collections::BTreeSet;

use duologue_base::TransceiverId;

use crate::{DtlsTransportState, Event, PeerConnection, TrackId};

impl PeerConnection {
    /// Says that a track of the application was got with `peerIdentity` (of `getUserMedia`): its content is
    /// for the peer of that name alone. To be said before it is added: handshakes that begin afterwards ask
    /// the other end to keep all media from its application (RFC 8833). One that no sender has any more may be
    /// forgotten, after [`MAX_ISOLATED_TRACKS`](crate::limits::MAX_ISOLATED_TRACKS): say it again before it is
    /// added again.
    pub fn isolate_track(&mut self, track: TrackId, peer_identity: &str) {
        let slots = self.slots.transceivers();
        let sent: BTreeSet<TrackId> = slots
            .filter_map(|(_, slots)| slots.sender_track())
            .map(|track| track.id.clone())
            .collect();
        let identity = self.slots.identity_mut();
        identity.isolate(track, peer_identity, |track| sent.contains(track));
    }

    /// Whether a sender may transmit what its track gives. What an isolated one gives goes only to a peer
    /// whose identity was validated and is that of the track, over a transport whose other end promised to
    /// keep it. While it may not, silence and black pictures are sent in its place.
    pub fn may_transmit(&self, sender: TransceiverId) -> bool {
        let Some(transceiver) = self.slots.transceiver(sender) else {
            return false;
        };
        let track = transceiver.sender_track();
        let Some(wanted) = track.and_then(|track| self.slots.identity().isolation_of(&track.id))
        else {
            return true;
        };
        let identity = self.slots.identity();
        let validated = identity.verified().is_some() && identity.target() == Some(wanted);
        let transport = transceiver.transport();
        let transport = transport.and_then(|key| self.slots.transport(key));
        // A promise of an earlier handshake is none of the one that runs.
        let promised = transport.is_some_and(|transport| {
            let dtls = &transport.dtls;
            dtls.state() == DtlsTransportState::Connected && dtls.is_confidential()
        });
        validated && promised
    }

    /// "All DTLS connections created for an RTCPeerConnection with isolated local streams MUST be negotiated
    /// so that media remains isolated at the remote peer."
    pub(crate) fn sends_isolated_tracks(&self) -> bool {
        let identity = self.slots.identity();
        let tracks = self.slots.transceivers();
        let mut tracks = tracks.filter_map(|(_, slots)| slots.sender_track());
        tracks.any(|track| identity.isolation_of(&track.id).is_some())
    }

    /// "Remotely sourced MediaStreamTracks MUST be isolated if they are received over a DTLS connection that
    /// has been negotiated with track isolation."
    pub(crate) fn update_isolation(&mut self) {
        let transceivers = self.slots.transceivers();
        let isolated: Vec<(TrackId, bool)> = transceivers
            .map(|(_, slots)| {
                let transport = slots.transport().and_then(|key| self.slots.transport(key));
                let isolated = transport.is_some_and(|it| it.dtls.is_confidential());
                (slots.receiver_track().clone(), isolated)
            })
            .collect();
        for (id, isolated) in isolated {
            let track = self.slots.track_mut(&id);
            if track.is_some_and(|track| track.set_isolated(isolated)) {
                self.fire(Event::TrackIsolationChange(id, isolated));
            }
        }
    }
}
