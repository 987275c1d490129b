use duologue_base::TransceiverId;
use duologue_session::Given;

use crate::TrackId;

dictionary! {
    /// About a track that one or more senders have, or about the raw pictures or sound that one is given
    /// without a track.
    #[derive(Default)]
    #[doc(alias = "RTCMediaSourceStats")]
    pub struct MediaSourceStats {
        /// The track's `id`; this object's own where there is no track.
        pub track_identifier: String,
        /// `audio` or `video`.
        pub kind: &'static str,
    } optional {
        /// How loud the sound is, from 0 to 1.
        pub audio_level: f64,
        /// The energy of the sound: the square of how loud it is by the seconds that it is.
        pub total_audio_energy: f64,
        /// Seconds of sound.
        pub total_samples_duration: f64,
        /// The width of the last picture, in pixels.
        pub width: u32,
        /// The height of the last picture, in pixels.
        pub height: u32,
        /// Pictures.
        pub frames: u64,
        /// Pictures of the last second.
        pub frames_per_second: f64,
    }
}

impl MediaSourceStats {
    /// What a sender was given.
    pub(crate) fn add(&mut self, given: &Given) {
        match given {
            Given::Audio {
                level,
                total_energy,
                total_duration,
            } => {
                self.audio_level = Some(*level);
                self.total_audio_energy = Some(*total_energy);
                self.total_samples_duration = Some(total_duration.as_secs_f64());
            }
            Given::Video {
                size,
                frames,
                frames_per_second,
            } => {
                self.width = Some(size.width);
                self.height = Some(size.height);
                self.frames = Some(*frames);
                self.frames_per_second = *frames_per_second;
            }
        }
    }
}

pub(crate) fn media_source_id(track: &TrackId) -> String {
    format!("S{track}")
}

/// Of what a sender without a track is given.
pub(crate) fn untracked_source_id(sender: TransceiverId) -> String {
    format!("S{}", sender.0)
}
