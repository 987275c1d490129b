use duologue_base::TransportKey;
use duologue_rtp::MediaKind;
use duologue_rtp::ext::AudioLevel;
use duologue_session as session;

use super::{Collector, Stats, transport_id};
use crate::TrackId;

dictionary! {
    /// About an RTP stream that is received. It is there from its first packet on, and stays until its
    /// transceiver is stopped. What a decoder or a player would tell is absent.
    #[doc(alias = "RTCInboundRtpStreamStats")]
    #[doc(alias = "RTCReceivedRtpStreamStats")]
    pub struct InboundRtpStreamStats {
        /// The stream's SSRC.
        pub ssrc: u32,
        /// `audio` or `video`.
        pub kind: &'static str,
        /// Its transport.
        pub transport_id: String,
        /// The `id` of the receiver's track.
        pub track_identifier: String,
        /// Packets, those that repeated or protected others in streams of their own with them.
        pub packets_received: u64,
        /// Bytes of their payloads.
        pub bytes_received: u64,
        /// Bytes of their headers and padding.
        pub header_bytes_received: u64,
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
        /// Its codec.
        pub codec_id: String,
        /// Its transceiver's `mid`.
        pub mid: String,
        /// What the other end reported of it.
        pub remote_id: String,
        /// When the last packet came, in milliseconds since 1970.
        pub last_packet_received_timestamp: f64,
        /// Whole frames of video, where the application takes frames.
        pub frames_received: u32,
        /// Frames of video that did not become whole, or were of no use without one that did not.
        pub frames_dropped: u32,
        /// Whole frames of more than one packet.
        pub frames_assembled_from_multiple_packets: u32,
        /// Seconds from the first packet of these to the last, of all together.
        pub total_assembly_time: f64,
        /// Seconds from a frame's first packet until it was handed out, of all together.
        pub jitter_buffer_delay: f64,
        /// How many frames these seconds are of.
        pub jitter_buffer_emitted_count: u64,
        /// From 0 to 1, as the last packet told it (RFC 6464).
        pub audio_level: f64,
        /// PLI packets sent, of video.
        pub pli_count: u32,
        /// FIR packets sent, of video.
        pub fir_count: u32,
        /// The SSRC of its retransmissions, once one came.
        pub rtx_ssrc: u32,
        /// Packets that were sent again, where retransmission was agreed on.
        pub retransmitted_packets_received: u64,
        /// Bytes of their payloads.
        pub retransmitted_bytes_received: u64,
        /// The SSRC of its forward error correction, once a packet came.
        pub fec_ssrc: u32,
        /// Packets of it.
        pub fec_packets_received: u64,
        /// Bytes of their payloads.
        pub fec_bytes_received: u64,
    }
}

/// What the receiver of a stream knows of it.
pub(crate) struct ReceiverSide<'a> {
    pub(crate) track: &'a TrackId,
    pub(crate) mid: Option<String>,
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
        self.stats.push(Stats::InboundRtp(InboundRtpStreamStats {
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
            packets_lost: own.packets_lost(),
            jitter: own.jitter().as_secs_f64(),
            packets_discarded: counted.packets_discarded,
            nack_count: counted.nack_count,
            codec_id,
            mid: receiver.mid,
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
        }));
        id
    }
}

/// "The value is between 0..1 (linear), where 1.0 represents 0 dBov, 0 represents silence".
fn linear(level: AudioLevel) -> f64 {
    match level.level() {
        AudioLevel::SILENCE => 0.0,
        level => 10_f64.powf(-f64::from(level) / 20.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audio_level_of_6_db_below_overload_is_a_half() {
        let linear = |level| linear(AudioLevel::new(true, level));
        assert!((linear(0) - 1.0).abs() < 1e-9);
        assert!((linear(6) - 0.5).abs() < 2e-3);
        assert!(linear(126) > 0.0);
        assert!(linear(127).abs() < f64::EPSILON);
    }
}
