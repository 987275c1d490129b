use std::time::Duration;

use duologue_base::TransportKey;
use duologue_rtp::MediaKind;
use duologue_session as session;
use duologue_session::{AudioStatistics, VideoStatistics};

use super::{Collector, Stats, transport_id};
use crate::TrackId;
use crate::rtp_source::linear;

dictionary! {
    /// About an RTP stream that is received. It is there from its first packet on, and stays until its
    /// transceiver is stopped. What a decoder and a player tell is there where this library decodes.
    #[derive(Default)]
    #[doc(alias = "RTCInboundRtpStreamStats")]
    #[doc(alias = "RTCReceivedRtpStreamStats")]
    pub struct InboundRtpStreamStats {
        /// The stream's SSRC.
        pub ssrc: u32,
        /// `audio` or `video`.
        pub kind: &'static str,
        /// The stream's transport.
        pub transport_id: String,
        /// The `id` of the receiver's track.
        pub track_identifier: String,
        /// Packets, those that repeated or protected others in streams of their own with them.
        pub packets_received: u64,
        /// Bytes of the payloads of received packets.
        pub bytes_received: u64,
        /// Bytes of the headers and padding of received packets.
        pub header_bytes_received: u64,
        /// Packets that came marked as capable of L4S (ECT(1), RFC 9331).
        pub packets_received_with_ect1: u64,
        /// Packets that came marked as having met congestion (RFC 3168).
        pub packets_received_with_ce: u64,
        /// Packets that did not come, unless in another stream; negative if packets came twice
        /// (RFC 3550 §6.4.1).
        pub packets_lost: i64,
        /// How unevenly packets come, in seconds (RFC 3550 §6.4.1).
        pub jitter: f64,
        /// Packets that came too late to be of use.
        pub packets_discarded: u64,
        /// NACK packets sent.
        pub nack_count: u32,
    } optional {
        /// The stream's codec.
        pub codec_id: String,
        /// The `mid` of the stream's transceiver.
        pub mid: String,
        /// What the other end reported of it.
        pub remote_id: String,
        /// When the last packet came, in milliseconds since 1970.
        pub last_packet_received_timestamp: f64,
        /// Whole frames of video, where the application takes frames.
        pub frames_received: u32,
        /// Frames of video that did not become whole, were of no use without one that did not, or were
        /// not decoded.
        pub frames_dropped: u32,
        /// Frames of video that were decoded.
        pub frames_decoded: u32,
        /// Key frames among these.
        pub key_frames_decoded: u32,
        /// Pictures that were given to the application at their time.
        pub frames_rendered: u32,
        /// The width of the last picture, in pixels.
        pub frame_width: u32,
        /// The height of the last picture, in pixels.
        pub frame_height: u32,
        /// Pictures that were decoded in the last second.
        pub frames_per_second: f64,
        /// How coarse the decoded pictures were, of all together, by the scale of their codec.
        pub qp_sum: u64,
        /// How likely pictures are not those that were encoded, from 0 to 1, of all that were compared with samples of
        /// them (`corruption-detection`).
        pub total_corruption_probability: f64,
        /// The squares of these, of all together.
        pub total_squared_corruption_probability: f64,
        /// How many pictures were compared.
        pub corruption_measurements: u64,
        /// Seconds that decoding took, of all pictures together.
        pub total_decode_time: f64,
        /// Seconds between pictures that followed each other, of all together.
        pub total_inter_frame_delay: f64,
        /// The squares of these, of all together.
        pub total_squared_inter_frame_delay: f64,
        /// How often the picture stood still for long.
        pub freeze_count: u32,
        /// Seconds of these.
        pub total_freezes_duration: f64,
        /// How often it stood for more than five seconds.
        pub pause_count: u32,
        /// Seconds of these.
        pub total_pauses_duration: f64,
        /// Seconds from the arrival of the first packet until it was decoded, of all frames or samples
        /// together.
        pub total_processing_delay: f64,
        /// What the decoder calls itself.
        pub decoder_implementation: String,
        /// How its sound reaches whoever hears it, of audio.
        pub playout_id: String,
        /// Whether it is one that saves power: those of libraries are not.
        pub power_efficient_decoder: bool,
        /// What is played now, on the clock of the sender, in milliseconds since 1970.
        pub estimated_playout_timestamp: f64,
        /// Whole frames of more than one packet.
        pub frames_assembled_from_multiple_packets: u32,
        /// Seconds from the first packet of these to the last, of all together.
        pub total_assembly_time: f64,
        /// Seconds that frames or samples waited from their first packet on, of all together.
        pub jitter_buffer_delay: f64,
        /// Seconds that they were meant to wait, of all together.
        pub jitter_buffer_target_delay: f64,
        /// The delay that the network alone asks for, without lip sync and `jitterBufferTarget`.
        pub jitter_buffer_minimum_delay: f64,
        /// How many frames or samples these seconds are of.
        pub jitter_buffer_emitted_count: u64,
        /// Samples of sound that were played, one for all channels.
        pub total_samples_received: u64,
        /// Samples among these that were made up.
        pub concealed_samples: u64,
        /// Samples among these that were silent.
        pub silent_concealed_samples: u64,
        /// How often samples began to be made up.
        pub concealment_events: u64,
        /// Samples that were added to play slower.
        pub inserted_samples_for_deceleration: u64,
        /// Samples that were left out to play faster.
        pub removed_samples_for_acceleration: u64,
        /// The energy of what was played: the square of how loud it is by the seconds that it is.
        pub total_audio_energy: f64,
        /// Seconds that were played.
        pub total_samples_duration: f64,
        /// The loudness from 0 to 1 of what is played, or else as the last packet told it (RFC 6464).
        pub audio_level: f64,
        /// PLI packets sent, of video.
        pub pli_count: u32,
        /// FIR packets sent, of video.
        pub fir_count: u32,
        /// The SSRC of the stream's retransmissions, once one came.
        pub rtx_ssrc: u32,
        /// Packets that were sent again, where retransmission was agreed on.
        pub retransmitted_packets_received: u64,
        /// Bytes of the payloads of packets that were sent again.
        pub retransmitted_bytes_received: u64,
        /// The SSRC of the stream's forward error correction, once a packet came.
        pub fec_ssrc: u32,
        /// Packets of forward error correction in a stream of its own.
        pub fec_packets_received: u64,
        /// Bytes of the payloads of forward error correction in a stream of its own.
        pub fec_bytes_received: u64,
        /// Packets of forward error correction, in that stream or in this one, that gave nothing.
        pub fec_packets_discarded: u64,
        /// Packets that the other end was told of as lost, where it is told of each (RFC 8888).
        pub packets_reported_as_lost: u64,
        /// Packets that the other end was told of as lost, and later as arrived.
        pub packets_reported_as_lost_but_recovered: u64,
    }
}

/// What the receiver of a stream knows of it.
pub(crate) struct ReceiverSide<'a> {
    pub(crate) track: &'a TrackId,
    pub(crate) mid: Option<String>,
    /// What plays it.
    pub(crate) player: Option<&'a session::PlayerStats>,
    /// The object about how its sound is heard.
    pub(crate) playout_id: Option<String>,
}

impl Collector {
    /// Gives its id.
    pub(crate) fn add_inbound(
        &mut self,
        transport: TransportKey,
        counted: &session::InboundStats,
        receiver: ReceiverSide<'_>,
    ) -> String {
        let id = format!("I{}-{}", transport.0, counted.key);
        let codec_id = counted.codec.as_ref();
        let codec_id = codec_id.map(|codec| self.codec_id(transport, codec));
        let remote = counted.sender_report.as_ref();
        let remote_id = remote.map(|report| {
            self.add_remote_outbound(transport, counted, report, (&id, codec_id.as_ref()))
        });

        let own = &counted.statistics;
        let (again, fec) = (counted.retransmissions, counted.corrections);
        let repairs = [again, fec].into_iter().flatten();
        let is_video = counted.kind == MediaKind::Video;
        let frames = counted.frames.filter(|_| is_video);
        let level = counted.audio_level.filter(|_| !is_video);
        let last = own.last_packet_received.map(|at| self.wall(at));
        let mut stats = InboundRtpStreamStats {
            id: id.clone(),
            timestamp: self.timestamp(),
            ssrc: counted.ssrc.0,
            kind: counted.kind.as_str(),
            transport_id: transport_id(transport),
            track_identifier: receiver.track.to_string(),
            packets_received: own.packets_received
                + repairs.clone().map(|it| it.packets_received).sum::<u64>(),
            bytes_received: own.bytes_received
                + repairs.clone().map(|it| it.bytes_received).sum::<u64>(),
            header_bytes_received: own.header_bytes_received
                + repairs.map(|it| it.header_bytes_received).sum::<u64>(),
            packets_received_with_ect1: own.packets_received_with_ect1,
            packets_received_with_ce: own.packets_received_with_ce,
            packets_lost: own.packets_lost(),
            jitter: own.jitter().as_secs_f64(),
            packets_discarded: counted.packets_discarded,
            nack_count: counted.nack_count,
            codec_id,
            mid: receiver.mid,
            playout_id: receiver.playout_id,
            remote_id,
            last_packet_received_timestamp: last,
            frames_received: frames.map(|it| it.frames_received as u32),
            frames_dropped: frames.map(|it| it.frames_dropped as u32),
            frames_assembled_from_multiple_packets: frames
                .map(|it| it.frames_assembled_from_multiple_packets as u32),
            total_assembly_time: frames.map(|it| it.total_assembly_time.as_secs_f64()),
            jitter_buffer_delay: frames.map(|it| it.jitter_buffer_delay.as_secs_f64()),
            jitter_buffer_emitted_count: frames.map(|it| it.frames_received),
            audio_level: level.map(linear),
            pli_count: is_video.then_some(counted.pli_count),
            fir_count: is_video.then_some(counted.fir_count),
            rtx_ssrc: again.and_then(|it| it.ssrc).map(|ssrc| ssrc.0),
            retransmitted_packets_received: again.map(|it| it.packets_received),
            retransmitted_bytes_received: again.map(|it| it.bytes_received),
            fec_ssrc: fec.and_then(|it| it.ssrc).map(|ssrc| ssrc.0),
            fec_packets_received: fec.map(|it| it.packets_received),
            fec_bytes_received: fec.map(|it| it.bytes_received),
            ..InboundRtpStreamStats::default()
        };
        add_fates(counted, &mut stats);
        if let Some(player) = receiver.player {
            self.add_player(player, &mut stats);
        }
        self.stats.push(Stats::InboundRtp(Box::new(stats)));
        id
    }
}

impl Collector {
    /// What was decoded and played of a stream.
    fn add_player(&self, player: &session::PlayerStats, stats: &mut InboundRtpStreamStats) {
        // webrtc-stats, "estimatedPlayoutTimestamp": extrapolated from what was played last.
        let newest = player.newest.map(|(captured, at)| {
            let since = (self.collected - at).as_secs_f64() * 1e3;
            captured.wall_clock().unix_millis() as f64 + since
        });
        stats.estimated_playout_timestamp = newest;
        stats.decoder_implementation = player.decoder.clone();
        match &player.played {
            session::Played::Audio(audio) => add_audio(audio, stats),
            session::Played::Video {
                statistics,
                size,
                frames_per_second,
                qp_sum,
                corruption,
            } => {
                stats.power_efficient_decoder = player.decoder.is_some().then_some(false);
                stats.frame_width = size.map(|it| it.width);
                stats.frame_height = size.map(|it| it.height);
                stats.frames_per_second = *frames_per_second;
                stats.qp_sum = *qp_sum;
                add_corruption(corruption, stats);
                add_video(statistics, stats);
            }
            _ => {}
        }
    }
}

/// webrtc-extensions, "corruptionMeasurements": nothing is told before one was made.
fn add_corruption(corruption: &session::Corruption, stats: &mut InboundRtpStreamStats) {
    if corruption.measurements == 0 {
        return;
    }
    stats.total_corruption_probability = Some(corruption.total_probability);
    stats.total_squared_corruption_probability = Some(corruption.total_squared_probability);
    stats.corruption_measurements = Some(corruption.measurements);
}

/// What became of single packets.
fn add_fates(counted: &session::InboundStats, stats: &mut InboundRtpStreamStats) {
    // Parity in the stream itself has no statistics but this.
    let has_parity = counted.corrections.is_some() || counted.fec_discarded > 0;
    stats.fec_packets_discarded = has_parity.then_some(counted.fec_discarded);
    stats.packets_reported_as_lost = counted.reported.map(|it| it.lost);
    stats.packets_reported_as_lost_but_recovered = counted.reported.map(|it| it.recovered);
}

fn add_audio(audio: &AudioStatistics, stats: &mut InboundRtpStreamStats) {
    let seconds = |time: &Duration| Some(time.as_secs_f64());
    stats.packets_discarded += audio.packets_discarded;
    stats.total_processing_delay = seconds(&audio.jitter_buffer_delay);
    stats.jitter_buffer_delay = seconds(&audio.jitter_buffer_delay);
    stats.jitter_buffer_target_delay = seconds(&audio.jitter_buffer_target_delay);
    stats.jitter_buffer_minimum_delay = seconds(&audio.jitter_buffer_minimum_delay);
    stats.jitter_buffer_emitted_count = Some(audio.jitter_buffer_emitted_count);
    stats.total_samples_received = Some(audio.total_samples_received);
    stats.concealed_samples = Some(audio.concealed_samples);
    stats.silent_concealed_samples = Some(audio.silent_concealed_samples);
    stats.concealment_events = Some(audio.concealment_events);
    stats.inserted_samples_for_deceleration = Some(audio.inserted_samples_for_deceleration);
    stats.removed_samples_for_acceleration = Some(audio.removed_samples_for_acceleration);
    stats.audio_level = Some(audio.audio_level.min(1.0));
    stats.total_audio_energy = Some(audio.total_audio_energy);
    stats.total_samples_duration = seconds(&audio.total_samples_duration);
}

fn add_video(video: &VideoStatistics, stats: &mut InboundRtpStreamStats) {
    let seconds = |time: &Duration| Some(time.as_secs_f64());
    let dropped = stats.frames_dropped.unwrap_or(0);
    stats.frames_dropped = Some(dropped + video.frames_dropped as u32);
    stats.frames_decoded = Some(video.frames_decoded as u32);
    stats.key_frames_decoded = Some(video.key_frames_decoded as u32);
    stats.frames_rendered = Some(video.frames_rendered as u32);
    stats.total_decode_time = seconds(&video.total_decode_time);
    stats.total_processing_delay = seconds(&video.total_processing_delay);
    stats.total_inter_frame_delay = seconds(&video.total_inter_frame_delay);
    stats.total_squared_inter_frame_delay = Some(video.total_squared_inter_frame_delay);
    stats.freeze_count = Some(video.freeze_count as u32);
    stats.total_freezes_duration = seconds(&video.total_freezes_duration);
    stats.pause_count = Some(video.pause_count as u32);
    stats.total_pauses_duration = seconds(&video.total_pauses_duration);
    stats.jitter_buffer_delay = seconds(&video.jitter_buffer_delay);
    stats.jitter_buffer_target_delay = seconds(&video.jitter_buffer_target_delay);
    stats.jitter_buffer_minimum_delay = seconds(&video.jitter_buffer_minimum_delay);
    stats.jitter_buffer_emitted_count = Some(video.jitter_buffer_emitted_count);
}
