use std::sync::Arc;

use duologue_peer as peer;
use duologue_peer::{MediaKind, MediaStreamTrackState, TrackId};

use crate::connection::ConnectionHandle;
use crate::transport::identity;

/// What a receiver produces: `MediaStreamTrack` (mediacapture-streams §4.3).
#[derive(Clone)]
pub struct MediaStreamTrack {
    connection: Arc<ConnectionHandle>,
    id: TrackId,
}

identity!(MediaStreamTrack, id);

impl MediaStreamTrack {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: TrackId) -> Self {
        MediaStreamTrack { connection, id }
    }

    fn read<R>(&self, read: impl FnOnce(&peer::MediaStreamTrack) -> R) -> Option<R> {
        self.connection
            .with(|control| control.peer().track(&self.id).map(read))
    }

    /// `id`
    pub fn id(&self) -> &TrackId {
        &self.id
    }

    /// `kind`
    pub fn kind(&self) -> Option<MediaKind> {
        self.read(peer::MediaStreamTrack::kind)
    }

    /// `label`: what it is called, for people.
    pub fn label(&self) -> String {
        let label = self.read(|track| track.label().to_owned());
        label.unwrap_or_default()
    }

    /// `enabled`
    pub fn enabled(&self) -> bool {
        self.read(peer::MediaStreamTrack::enabled).unwrap_or(false)
    }

    /// Sets `enabled`: a track that is not gives silence or black.
    pub fn set_enabled(&self, enabled: bool) {
        let id = &self.id;
        self.connection
            .with(|control| control.peer_mut().set_track_enabled(id, enabled));
    }

    /// `stop()`: ends the track, not its receiver.
    pub fn stop(&self) {
        self.connection
            .with(|control| control.peer_mut().stop_track(&self.id));
    }

    /// `muted`: nothing comes from the peer.
    pub fn muted(&self) -> bool {
        self.read(peer::MediaStreamTrack::muted).unwrap_or(true)
    }

    /// `isolated` (webrtc-identity §9): it comes over a transport whose ends promised to keep its content
    /// from applications (RFC 8833, the label `c-webrtc`), and gives neither packets nor frames nor pictures
    /// nor sound. Its counters and states are as ever.
    pub fn isolated(&self) -> bool {
        self.read(peer::MediaStreamTrack::isolated)
            .unwrap_or_default()
    }

    /// `readyState`
    pub fn ready_state(&self) -> MediaStreamTrackState {
        let state = self.read(peer::MediaStreamTrack::ready_state);
        state.unwrap_or(MediaStreamTrackState::Ended)
    }
}
