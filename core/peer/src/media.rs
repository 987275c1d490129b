//! Tracks and streams (mediacapture-streams) as far as a connection knows them.
//!
//! Both are named by their W3C `id`. A track that the application sends belongs to the host: the
//! core keeps its [`TrackId`] and kind in the sender's slot. A track that a receiver produces,
//! and the streams that a remote description names, belong to the core, which changes their
//! state and says so by events.

use std::fmt;
use std::sync::Arc;

use crate::{MediaKind, MediaStreamTrackState};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// `MediaStreamTrack.id`: no two tracks of a process share one.
    TrackId
);
text_id!(
    /// `MediaStream.id`, which is also the identification of `a=msid` (RFC 8830).
    MediaStreamId
);

/// A track of the application, as a sender refers to it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Track {
    /// The track's id.
    pub id: TrackId,
    /// The track's kind.
    pub kind: MediaKind,
}

/// A track that a receiver produces.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaStreamTrack {
    id: TrackId,
    kind: MediaKind,
    label: String,
    enabled: bool,
    muted: bool,
    ready_state: MediaStreamTrackState,
    isolated: bool,
}

impl MediaStreamTrack {
    /// webrtc-pc §5.3, "create an RTCRtpReceiver": a live track, muted until packets come.
    pub(crate) fn of_receiver(id: TrackId, kind: MediaKind) -> Self {
        MediaStreamTrack {
            label: format!("remote {kind}"),
            id,
            kind,
            enabled: true,
            muted: true,
            ready_state: MediaStreamTrackState::Live,
            isolated: false,
        }
    }

    pub(crate) fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    /// Returns whether it was otherwise.
    pub(crate) fn set_muted(&mut self, muted: bool) -> bool {
        std::mem::replace(&mut self.muted, muted) != muted
    }

    /// Returns whether it was otherwise.
    pub(crate) fn set_isolated(&mut self, isolated: bool) -> bool {
        std::mem::replace(&mut self.isolated, isolated) != isolated
    }

    /// Returns whether it was live.
    pub(crate) fn end(&mut self) -> bool {
        let ended = MediaStreamTrackState::Ended;
        std::mem::replace(&mut self.ready_state, ended) != ended
    }

    /// `id`
    pub fn id(&self) -> &TrackId {
        &self.id
    }

    /// `kind`
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// `label`
    pub fn label(&self) -> &str {
        &self.label
    }

    /// `enabled`
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// `muted`: nothing comes from the source.
    pub fn muted(&self) -> bool {
        self.muted
    }

    /// `isolated` (webrtc-identity §9): it came over a transport whose ends promised to keep its content from
    /// applications, and gives none.
    pub fn isolated(&self) -> bool {
        self.isolated
    }

    /// `readyState`
    pub fn ready_state(&self) -> MediaStreamTrackState {
        self.ready_state
    }
}

/// A stream that remote descriptions named.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaStream {
    id: MediaStreamId,
    tracks: Vec<TrackId>,
}

impl MediaStream {
    /// Without tracks.
    pub(crate) fn new(id: MediaStreamId) -> Self {
        MediaStream {
            id,
            tracks: Vec::new(),
        }
    }

    pub(crate) fn set_tracks(&mut self, tracks: Vec<TrackId>) {
        self.tracks = tracks;
    }

    /// Returns whether it was not there.
    pub(crate) fn add(&mut self, track: &TrackId) -> bool {
        let new = !self.tracks.contains(track);
        if new {
            self.tracks.push(track.clone());
        }
        new
    }

    /// Returns whether it was there.
    pub(crate) fn remove(&mut self, track: &TrackId) -> bool {
        let index = self.tracks.iter().position(|t| t == track);
        index.map(|index| self.tracks.remove(index)).is_some()
    }

    /// `id`
    pub fn id(&self) -> &MediaStreamId {
        &self.id
    }

    /// `getTracks()`
    pub fn tracks(&self) -> &[TrackId] {
        &self.tracks
    }
}
