//! What the statistics ask of a session.

use std::time::Duration;

use duologue_base::{ChannelKey, DtlsRole, Generation, Instant, TransceiverId, TransportKey};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_media::{MediaStats, OutboundStats};
use duologue_playout::{AudioStatistics, VideoStatistics};
use duologue_rtp::payload::FrameSize;
use duologue_rtp::{NtpTime, ScalabilityMode, Ssrc};

use crate::Session;
use crate::limits::COUNTED_CHANNELS;
use crate::transport::Transport;

/// Counters and gauges of a session at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// When the statistics were collected.
    pub now: Instant,
    /// The statistics of every transport.
    pub transports: Vec<TransportStats>,
    /// The messages of every data channel that something was sent or received on.
    pub channels: Vec<(ChannelKey, ChannelTraffic)>,
    /// The statistics of the streams of senders that send on no transport at the moment.
    pub paused: Vec<OutboundStats>,
    /// The statistics of what plays received streams. A session decodes nothing: who does adds them.
    pub players: Vec<PlayerStats>,
    /// The statistics of how played sound reached its reader, added in the same way.
    pub playouts: Vec<PlayoutStats>,
    /// The statistics of what is encoded for senders, added in the same way.
    pub encoders: Vec<EncoderStats>,
    /// The statistics of the raw pictures and sound that senders were given, added in the same way.
    pub sources: Vec<SourceStats>,
}

/// What a received stream came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlayerStats {
    /// The receiver of the stream.
    pub receiver: TransceiverId,
    /// `ssrc`
    pub ssrc: Ssrc,
    /// `decoderImplementation`
    pub decoder: Option<String>,
    /// What was played last: when it was captured, by the sender's clock, and when it was played.
    pub newest: Option<(NtpTime, Instant)>,
    /// What was played.
    pub played: Played,
}

/// What was played of a received stream, by its kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Played {
    /// Sound.
    Audio(AudioStatistics),
    /// Pictures.
    Video {
        /// What became of the frames.
        statistics: VideoStatistics,
        /// `frameWidth`, `frameHeight`: of the last picture.
        size: Option<FrameSize>,
        /// `framesPerSecond`: pictures of the last second.
        frames_per_second: Option<f64>,
        /// `qpSum`, where the decoder tells it.
        qp_sum: Option<u64>,
        /// What came of comparing pictures with samples of what was encoded.
        corruption: Corruption,
    },
}

/// How pictures differed from samples of what was encoded (`corruption-detection`), from 0, as they should be, to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Corruption {
    /// `totalCorruptionProbability`
    pub total_probability: f64,
    /// `totalSquaredCorruptionProbability`
    pub total_squared_probability: f64,
    /// `corruptionMeasurements`: how many pictures were compared.
    pub measurements: u64,
}

impl Corruption {
    /// A picture was compared.
    pub fn add(&mut self, probability: f64) {
        self.total_probability += probability;
        self.total_squared_probability += probability * probability;
        self.measurements += 1;
    }

    fn after(&self, before: &Self) -> Self {
        Corruption {
            total_probability: self.total_probability + before.total_probability,
            total_squared_probability: self.total_squared_probability
                + before.total_squared_probability,
            measurements: self.measurements + before.measurements,
        }
    }
}

impl Played {
    /// The counters of a stream that two players had, this one after `before`: they go on.
    #[must_use]
    pub fn after(&self, before: &Self) -> Self {
        match (self, before) {
            (Played::Audio(own), Played::Audio(before)) => Played::Audio(own.after(before)),
            (
                Played::Video {
                    statistics,
                    size,
                    frames_per_second,
                    qp_sum,
                    corruption,
                },
                Played::Video {
                    statistics: before,
                    qp_sum: qp_before,
                    corruption: corruption_before,
                    ..
                },
            ) => Played::Video {
                statistics: statistics.after(before),
                size: *size,
                frames_per_second: *frames_per_second,
                qp_sum: qp_sum
                    .or(*qp_before)
                    .map(|_| qp_sum.unwrap_or_default() + qp_before.unwrap_or_default()),
                corruption: corruption.after(corruption_before),
            },
            _ => self.clone(),
        }
    }
}

impl PlayerStats {
    /// The statistics of a stream of a receiver, without decoder and newest frame.
    pub fn new(receiver: TransceiverId, ssrc: Ssrc, played: Played) -> Self {
        PlayerStats {
            receiver,
            ssrc,
            decoder: None,
            newest: None,
            played,
        }
    }
}

/// How the sound of a receiver reached whoever hears it (webrtc-stats, "RTCAudioPlayoutStats").
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayoutStats {
    /// The receiver whose sound is played.
    pub receiver: TransceiverId,
    /// `synthesizedSamplesDuration`: for so long there was none at its time, since whoever makes it was
    /// late.
    pub synthesized_duration: Duration,
    /// `synthesizedSamplesEvents`: how often that was.
    pub synthesized_events: u64,
    /// `totalSamplesDuration`: of all sound that was to be heard, with what was not there at its time.
    pub total_duration: Duration,
    /// `totalPlayoutDelay`: what each sample waited for its reader, of all together.
    pub total_delay: Duration,
    /// `totalSamplesCount`: samples, one for all channels.
    pub total_samples: u64,
}

/// What was encoded for one encoding of a sender of pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncoderStats {
    /// The sender that the pictures are encoded for.
    pub sender: TransceiverId,
    /// The index of the sender's encoding.
    pub encoding: usize,
    /// `encoderImplementation`
    pub encoder: Option<String>,
    /// `scalabilityMode`
    pub scalability_mode: ScalabilityMode,
    /// `framesEncoded`
    pub frames_encoded: u64,
    /// `keyFramesEncoded`
    pub key_frames_encoded: u64,
    /// `framesPerSecond`: of the last second.
    pub frames_per_second: Option<f64>,
    /// `qpSum`, where the encoder tells it.
    pub qp_sum: Option<u64>,
    /// `totalEncodeTime`
    pub total_encode_time: Duration,
    /// `totalEncodedBytesTarget`
    pub total_encoded_bytes_target: u64,
    /// `qualityLimitationReason`
    pub limitation: QualityLimitation,
    /// `qualityLimitationDurations`, in the order of [`QualityLimitation::ALL`].
    pub limitation_durations: [Duration; 4],
    /// `qualityLimitationResolutionChanges`
    pub resolution_changes: u32,
}

/// Why pictures are smaller, or fewer, than the application asked for (webrtc-stats,
/// "RTCQualityLimitationReason").
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum QualityLimitation {
    /// Pictures are neither smaller nor fewer.
    #[default]
    None,
    /// Encoding pictures takes too long.
    Cpu,
    /// The path is too slow.
    Bandwidth,
    /// Pictures are limited for another reason.
    Other,
}

impl QualityLimitation {
    /// All reasons.
    pub const ALL: [QualityLimitation; 4] = [
        QualityLimitation::None,
        QualityLimitation::Cpu,
        QualityLimitation::Bandwidth,
        QualityLimitation::Other,
    ];

    /// The reason's name in webrtc-stats.
    pub const fn as_str(self) -> &'static str {
        match self {
            QualityLimitation::None => "none",
            QualityLimitation::Cpu => "cpu",
            QualityLimitation::Bandwidth => "bandwidth",
            QualityLimitation::Other => "other",
        }
    }
}

/// What a sender was given (webrtc-stats, "RTCMediaSourceStats").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceStats {
    /// The sender that was given pictures or sound.
    pub sender: TransceiverId,
    /// The pictures or the sound that the sender was given.
    pub given: Given,
}

/// What a sender was given, by the kind of its source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Given {
    /// Sound.
    Audio {
        /// `audioLevel`: linear.
        level: f64,
        /// `totalAudioEnergy`
        total_energy: f64,
        /// `totalSamplesDuration`
        total_duration: Duration,
    },
    /// Pictures.
    Video {
        /// `width`, `height`: of the last one.
        size: FrameSize,
        /// `frames`
        frames: u64,
        /// `framesPerSecond`: of the last second.
        frames_per_second: Option<f64>,
    },
}

/// What webrtc-stats asks about a transport.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TransportStats {
    /// The transport.
    pub key: TransportKey,
    /// Datagrams sent, those of ICE left out.
    pub sent: ice::PathTraffic,
    /// Datagrams received, those of ICE left out.
    pub received: ice::PathTraffic,
    /// The ICE generations of the transport, oldest first.
    pub generations: Vec<GenerationStats>,
    /// The candidate pairs of the transport.
    pub pairs: Vec<ice::PairStats>,
    /// How often another pair was selected.
    pub selected_pair_changes: u32,
    /// Our role in the handshake, once it is agreed on.
    pub dtls_role: Option<DtlsRole>,
    /// What the handshake agreed on.
    pub dtls_version: Option<dtls::Version>,
    /// The cipher suite that it agreed on.
    pub cipher_suite: Option<dtls::CipherSuite>,
    /// The profile that it agreed on for SRTP.
    pub srtp_profile: Option<dtls::SrtpProfile>,
    /// The media streams of the transport, once there are any.
    pub media: Option<MediaStats>,
}

/// The candidates of one generation, which its pairs name by their index.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GenerationStats {
    /// The generation.
    pub generation: Generation,
    /// Our user name fragment.
    pub local_ufrag: String,
    /// The peer's, once it is known.
    pub remote_ufrag: Option<String>,
    /// The candidates of this end.
    pub local: Vec<ice::Candidate>,
    /// The peer's.
    pub remote: Vec<ice::Candidate>,
}

/// Messages of a data channel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ChannelTraffic {
    /// `messagesSent`
    pub messages_sent: u64,
    /// `bytesSent`
    pub bytes_sent: u64,
    /// `messagesReceived`
    pub messages_received: u64,
    /// `bytesReceived`
    pub bytes_received: u64,
}

/// The traffic of the channels by their keys, which grow. It outlives the channels.
#[derive(Debug, Default)]
pub(crate) struct ChannelCounters(Vec<(ChannelKey, ChannelTraffic)>);

impl ChannelCounters {
    pub(crate) fn count_sent(&mut self, channel: ChannelKey, bytes: usize) {
        let traffic = self.of(channel);
        traffic.messages_sent += 1;
        traffic.bytes_sent += bytes as u64;
    }

    pub(crate) fn count_received(&mut self, channel: ChannelKey, bytes: usize) {
        let traffic = self.of(channel);
        traffic.messages_received += 1;
        traffic.bytes_received += bytes as u64;
    }

    fn of(&mut self, channel: ChannelKey) -> &mut ChannelTraffic {
        let known = self.0.binary_search_by_key(&channel, |(key, _)| *key);
        let at = known.unwrap_or_else(|mut at| {
            if self.0.len() >= COUNTED_CHANNELS && at > 0 {
                self.0.remove(0);
                at -= 1;
            }
            if self.0.is_empty() {
                // One is the rule, and a vector would make room for four.
                self.0.reserve_exact(1);
            }
            self.0.insert(at, (channel, ChannelTraffic::default()));
            at
        });
        &mut self.0[at].1
    }
}

impl Session {
    /// Everything that the statistics ask of a session.
    pub fn stats(&self) -> Stats {
        Stats {
            now: self.now,
            transports: (self.transports.iter())
                .filter(|transport| !transport.prepared)
                .map(transport_stats)
                .collect(),
            channels: self.channel_counters.0.clone(),
            paused: self.media.paused_stats(),
            ..Stats::default()
        }
    }
}

fn transport_stats(transport: &Transport) -> TransportStats {
    let agent = &transport.agent;
    let generation_stats = |generation| {
        Some(GenerationStats {
            generation,
            local_ufrag: agent.local_credentials(generation)?.ufrag.clone(),
            remote_ufrag: agent
                .remote_credentials(generation)
                .map(|credentials| credentials.ufrag.clone()),
            local: agent.local_candidates(generation).cloned().collect(),
            remote: agent.remote_candidates(generation).cloned().collect(),
        })
    };
    TransportStats {
        key: transport.key,
        sent: transport.sent,
        received: transport.received,
        generations: agent.generations().filter_map(generation_stats).collect(),
        pairs: agent.pairs().collect(),
        selected_pair_changes: agent.selected_pair_changes(),
        dtls_role: transport.agreed_dtls_role(),
        dtls_version: transport.dtls.version(),
        cipher_suite: transport.dtls.cipher_suite(),
        srtp_profile: transport.srtp().map(|keying| keying.profile),
        media: transport.media.as_ref().map(|media| media.rtp.stats()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_counters_of_its_own_that_only_grow() {
        let mut counters = ChannelCounters::default();
        for key in [4, 2, 4] {
            counters.count_sent(ChannelKey(key), 10);
        }
        counters.count_received(ChannelKey(2), 3);
        let sent: Vec<_> = counters
            .0
            .iter()
            .map(|(key, t)| (key.0, t.messages_sent, t.bytes_sent, t.bytes_received))
            .collect();
        assert_eq!(sent, [(2, 1, 10, 3), (4, 2, 20, 0)]);
    }

    #[test]
    fn the_oldest_channels_make_room() {
        let mut counters = ChannelCounters::default();
        for key in 0..=COUNTED_CHANNELS as u32 {
            counters.count_sent(ChannelKey(key), 1);
        }
        assert_eq!(counters.0.len(), COUNTED_CHANNELS);
        assert_eq!(counters.0[0].0, ChannelKey(1));
    }
}
