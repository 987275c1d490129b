use std::sync::Arc;

use duologue_peer::{MediaKind, MediaStreamId, MediaStreamTrackState, TrackId};

use crate::connection::ConnectionHandle;
use crate::media::MediaStreamTrack;
use crate::transport::identity;

/// Tracks that belong together, as the peer named them: `MediaStream` (mediacapture-streams §4.2).
#[derive(Clone)]
pub struct MediaStream {
    connection: Arc<ConnectionHandle>,
    id: MediaStreamId,
}

identity!(MediaStream, id);

impl MediaStream {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: MediaStreamId) -> Self {
        MediaStream { connection, id }
    }

    /// `id`
    pub fn id(&self) -> &MediaStreamId {
        &self.id
    }

    /// `getTracks()`
    #[doc(alias = "getTracks")]
    pub fn tracks(&self) -> Vec<MediaStreamTrack> {
        let tracks = self.connection.with(|control| {
            let stream = control.peer().stream(&self.id);
            stream.map(|stream| stream.tracks().to_vec())
        });
        let tracks = tracks.into_iter().flatten();
        tracks
            .map(|id| MediaStreamTrack::new(self.connection.clone(), id))
            .collect()
    }

    /// `getAudioTracks()`
    pub fn audio_tracks(&self) -> Vec<MediaStreamTrack> {
        self.tracks_of(MediaKind::Audio)
    }

    /// `getVideoTracks()`
    pub fn video_tracks(&self) -> Vec<MediaStreamTrack> {
        self.tracks_of(MediaKind::Video)
    }

    fn tracks_of(&self, kind: MediaKind) -> Vec<MediaStreamTrack> {
        let mut tracks = self.tracks();
        tracks.retain(|track| track.kind() == Some(kind));
        tracks
    }

    /// `getTrackById(trackId)`
    pub fn track_by_id(&self, id: &TrackId) -> Option<MediaStreamTrack> {
        self.tracks().into_iter().find(|track| track.id() == id)
    }

    /// `active`: one of its tracks has not ended.
    pub fn active(&self) -> bool {
        let live = |track: &MediaStreamTrack| track.ready_state() == MediaStreamTrackState::Live;
        self.tracks().iter().any(live)
    }
}
