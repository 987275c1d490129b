use crate::TrackId;

dictionary! {
    /// About a track that one or more senders have.
    #[doc(alias = "RTCMediaSourceStats")]
    pub struct MediaSourceStats {
        /// The track's `id`.
        pub track_identifier: String,
        /// `audio` or `video`.
        pub kind: &'static str,
    }
}

pub(crate) fn media_source_id(track: &TrackId) -> String {
    format!("S{track}")
}
