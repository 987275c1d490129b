use duologue_base::TransceiverId;
use duologue_session::PlayoutStats;

dictionary! {
    /// About how received sound reaches whoever hears it: one for each receiver whose sound is decoded
    /// here.
    #[derive(Default)]
    #[doc(alias = "RTCAudioPlayoutStats")]
    pub struct AudioPlayoutStats {
        /// `audio`
        pub kind: &'static str,
        /// Seconds of sound that was not there at its time, since whoever makes it was late.
        pub synthesized_samples_duration: f64,
        /// How often that was.
        pub synthesized_samples_events: u32,
        /// Seconds of all sound that was to be heard, with these.
        pub total_samples_duration: f64,
        /// Seconds that samples waited for their reader, of all together.
        pub total_playout_delay: f64,
        /// Samples, one for all channels.
        pub total_samples_count: u64,
    }
}

impl AudioPlayoutStats {
    pub(crate) fn of(timestamp: f64, played: &PlayoutStats) -> Self {
        AudioPlayoutStats {
            id: audio_playout_id(played.receiver),
            timestamp,
            kind: "audio",
            synthesized_samples_duration: played.synthesized_duration.as_secs_f64(),
            synthesized_samples_events: played.synthesized_events as u32,
            total_samples_duration: played.total_duration.as_secs_f64(),
            total_playout_delay: played.total_delay.as_secs_f64(),
            total_samples_count: played.total_samples,
        }
    }
}

pub(crate) fn audio_playout_id(receiver: TransceiverId) -> String {
    format!("AP{}", receiver.0)
}
