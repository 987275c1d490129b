//! Tracks that belong together.

use duologue_rtp::MediaKind;

use crate::LocalTrack;
use crate::track::new_id;

/// What was captured together: `MediaStream` (mediacapture-main §4.2).
#[derive(Clone, Debug)]
#[doc(alias = "MediaStream")]
pub struct LocalStream {
    id: String,
    tracks: Vec<LocalTrack>,
}

impl LocalStream {
    /// `new MediaStream(tracks)`, each of them once.
    pub fn new(tracks: impl IntoIterator<Item = LocalTrack>) -> Self {
        let mut stream = LocalStream {
            id: new_id(),
            tracks: Vec::new(),
        };
        tracks.into_iter().for_each(|track| stream.add_track(track));
        stream
    }

    /// `id`
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `active`: not all of its tracks have ended.
    pub fn active(&self) -> bool {
        self.tracks.iter().any(|track| !track.has_ended())
    }

    /// `getTracks()`
    #[doc(alias = "getTracks")]
    pub fn tracks(&self) -> &[LocalTrack] {
        &self.tracks
    }

    /// The first of `getAudioTracks()`
    #[doc(alias = "getAudioTracks")]
    pub fn audio_track(&self) -> Option<&LocalTrack> {
        self.first(MediaKind::Audio)
    }

    /// The first of `getVideoTracks()`
    #[doc(alias = "getVideoTracks")]
    pub fn video_track(&self) -> Option<&LocalTrack> {
        self.first(MediaKind::Video)
    }

    /// `getTrackById(id)`
    #[doc(alias = "getTrackById")]
    pub fn track_by_id(&self, id: &str) -> Option<&LocalTrack> {
        self.tracks.iter().find(|track| track.id() == id)
    }

    /// `addTrack(track)`, unless it is in it.
    pub fn add_track(&mut self, track: LocalTrack) {
        if !self.tracks.contains(&track) {
            self.tracks.push(track);
        }
    }

    /// `removeTrack(track)`
    pub fn remove_track(&mut self, track: &LocalTrack) {
        self.tracks.retain(|it| it != track);
    }

    /// `clone()`: another stream, of clones of the tracks.
    #[doc(alias = "clone")]
    pub fn clone_stream(&self) -> LocalStream {
        LocalStream::new(self.tracks.iter().map(LocalTrack::clone_track))
    }

    fn first(&self, kind: MediaKind) -> Option<&LocalTrack> {
        self.tracks.iter().find(|track| track.kind() == kind)
    }
}
