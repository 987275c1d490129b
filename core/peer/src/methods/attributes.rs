//! The attributes of `RTCPeerConnection` (webrtc-pc §4.4.2) and of the transports' objects.

use duologue_base::TransportKey;
use duologue_jsep as jsep;
use jsep::Side;

use crate::transports::{DtlsTransport, IceTransport, SctpTransport};
use crate::{
    Configuration, IceConnectionState, IceGatheringState, MediaStream, MediaStreamId,
    MediaStreamTrack, PeerConnection, PeerConnectionState, Revisions, SessionDescription,
    SignalingState, TrackId,
};

impl PeerConnection {
    /// `localDescription`: the pending one, else the current one.
    pub fn local_description(&self) -> Option<SessionDescription> {
        self.pending_local_description()
            .or_else(|| self.current_local_description())
    }

    /// How often slots may have changed.
    pub fn revisions(&self) -> Revisions {
        self.slots.revisions()
    }

    /// `currentLocalDescription`: the last one negotiated, with the candidates gathered since.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        let slots = &self.slots;
        let described = slots
            .signaling()
            .current_description(Side::Local, slots.candidates());
        described.map(SessionDescription::from)
    }

    /// `pendingLocalDescription`: the one being negotiated, with the candidates gathered since.
    pub fn pending_local_description(&self) -> Option<SessionDescription> {
        let slots = &self.slots;
        let described = slots
            .signaling()
            .pending_description(Side::Local, slots.candidates());
        described.map(SessionDescription::from)
    }

    /// `remoteDescription`: the pending one, else the current one.
    pub fn remote_description(&self) -> Option<SessionDescription> {
        self.pending_remote_description()
            .or_else(|| self.current_remote_description())
    }

    /// `currentRemoteDescription`: the last one negotiated, with the candidates added since.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        let slots = &self.slots;
        let described = slots
            .signaling()
            .current_description(Side::Remote, slots.candidates());
        described.map(SessionDescription::from)
    }

    /// `pendingRemoteDescription`: the one being negotiated, with the candidates added since.
    pub fn pending_remote_description(&self) -> Option<SessionDescription> {
        let slots = &self.slots;
        let described = slots
            .signaling()
            .pending_description(Side::Remote, slots.candidates());
        described.map(SessionDescription::from)
    }

    /// `signalingState`
    pub fn signaling_state(&self) -> SignalingState {
        self.slots.signaling_state()
    }

    /// `iceGatheringState`
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.slots.states().gathering()
    }

    /// `iceConnectionState`
    pub fn ice_connection_state(&self) -> IceConnectionState {
        self.slots.states().ice()
    }

    /// `connectionState`
    pub fn connection_state(&self) -> PeerConnectionState {
        self.slots.states().connection()
    }

    /// `canTrickleIceCandidates`: whether the other end takes candidates after its description;
    /// none before there is a remote description.
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.slots.signaling().can_trickle()
    }

    /// How many candidates in the remote description's own text could not be read. They are
    /// skipped: a description is not refused for them.
    pub fn unread_candidates(&self) -> usize {
        self.slots.signaling().unread_candidates()
    }

    /// `getConfiguration()`
    pub fn configuration(&self) -> &Configuration {
        self.slots.configuration()
    }

    /// `sctp`: none before a description negotiates an association.
    pub fn sctp(&self) -> Option<&SctpTransport> {
        self.slots.sctp()
    }

    /// The DTLS transport with this key. It can still be read when it is closed.
    pub fn dtls_transport(&self, key: TransportKey) -> Option<&DtlsTransport> {
        Some(&self.slots.transport(key)?.dtls)
    }

    /// The ICE transport with this key. It can still be read when it is closed.
    pub fn ice_transport(&self, key: TransportKey) -> Option<&IceTransport> {
        Some(&self.slots.transport(key)?.ice)
    }

    /// A track that a receiver of this connection produces.
    pub fn track(&self, id: &TrackId) -> Option<&MediaStreamTrack> {
        self.slots.track(id)
    }

    /// A stream that a remote description of this connection named.
    pub fn stream(&self, id: &MediaStreamId) -> Option<&MediaStream> {
        self.slots.stream(id)
    }

    /// Sets `enabled` of a receiver's track.
    pub fn set_track_enabled(&mut self, id: &TrackId, enabled: bool) {
        if let Some(track) = self.slots.track_mut(id) {
            track.set_enabled(enabled);
        }
    }

    /// `stop()` of a receiver's track: final and, unlike other ends of a track, without an event.
    pub fn stop_track(&mut self, id: &TrackId) {
        if let Some(track) = self.slots.track_mut(id) {
            track.end();
        }
    }

    /// The application itself put a track into a stream of this connection, or took it out. No
    /// event follows (mediacapture-streams §4.2).
    pub fn set_stream_tracks(&mut self, id: &MediaStreamId, tracks: Vec<TrackId>) {
        if let Some(stream) = self.slots.stream_mut(id) {
            stream.set_tracks(tracks);
        }
    }
}
