use std::collections::BTreeMap;

use duologue_base::TransportKey;
use duologue_rtp::MediaKind;
use duologue_session as session;

use super::{Collector, Stats, transport_id};

dictionary! {
    /// About an RTP stream that is sent. It is there once an answer has configured its sender, and stays
    /// until its transceiver is stopped. What an encoder tells is there where this library encodes.
    #[derive(Default)]
    #[doc(alias = "RTCOutboundRtpStreamStats")]
    #[doc(alias = "RTCSentRtpStreamStats")]
    pub struct OutboundRtpStreamStats {
        /// The stream's SSRC.
        pub ssrc: u32,
        /// `audio` or `video`.
        pub kind: &'static str,
        /// Packets, those that were sent again with them.
        pub packets_sent: u64,
        /// Bytes of the payloads of sent packets.
        pub bytes_sent: u64,
        /// Bytes of the headers of sent packets.
        pub header_bytes_sent: u64,
        /// Packets that were sent again.
        pub retransmitted_packets_sent: u64,
        /// Bytes of the payloads of packets that were sent again.
        pub retransmitted_bytes_sent: u64,
        /// Packets that left as capable of L4S (RFC 9331 §4.1).
        pub packets_sent_with_ect1: u64,
        /// Seconds that packets waited before they left, all together.
        pub total_packet_send_delay: f64,
        /// NACK packets received.
        pub nack_count: u32,
        /// Whether the stream may be sent, by its encoding and by what is negotiated.
        pub active: bool,
    } optional {
        /// The stream's transport.
        pub transport_id: String,
        /// The codec of the stream's last packet.
        pub codec_id: String,
        /// The `mid` of the stream's transceiver.
        pub mid: String,
        /// The track that the sender has.
        pub media_source_id: String,
        /// What the other end reported of it.
        pub remote_id: String,
        /// The RID of the stream's encoding, of video.
        pub rid: String,
        /// Which of the sender's encodings it is, of video.
        pub encoding_index: u32,
        /// The SSRC of its retransmissions, where they are agreed on.
        pub rtx_ssrc: u32,
        /// Frames sent, of video.
        pub frames_sent: u32,
        /// Frames among these of at least 2.5 times the bytes that those before had at the mean.
        pub huge_frames_sent: u32,
        /// The width of the last frame that told it.
        pub frame_width: u32,
        /// The height of the last picture.
        pub frame_height: u32,
        /// PLI packets received, of video.
        pub pli_count: u32,
        /// FIR packets received, of video.
        pub fir_count: u32,
        /// Bits per second of payloads that its encoder may make, by the estimate of the path.
        pub target_bitrate: f64,
        /// The scalability mode that is used, or asked for while nothing is encoded, of video.
        pub scalability_mode: String,
        /// Pictures that were encoded.
        pub frames_encoded: u32,
        /// Key frames among these.
        pub key_frames_encoded: u32,
        /// Pictures that were encoded in the last second.
        pub frames_per_second: f64,
        /// How coarse the encoded pictures were, of all together, by the scale of their codec.
        pub qp_sum: u64,
        /// Seconds that encoding took, of all pictures together.
        pub total_encode_time: f64,
        /// What the encoder was to make of each, in bytes, of all together.
        pub total_encoded_bytes_target: u64,
        /// What the encoder calls itself.
        pub encoder_implementation: String,
        /// Whether it is one that saves power: those of libraries are not.
        pub power_efficient_encoder: bool,
        /// Why pictures are smaller or fewer than they were to be: `none`, `cpu`, `bandwidth`, `other`.
        pub quality_limitation_reason: &'static str,
        /// Seconds of each of these.
        pub quality_limitation_durations: BTreeMap<&'static str, f64>,
        /// How often the size of pictures was changed for that.
        pub quality_limitation_resolution_changes: u32,
    }
}

/// What the sender of a stream knows of it.
pub(crate) struct SenderSide<'a> {
    /// The transport, while the sender has one.
    pub(crate) transport: Option<TransportKey>,
    pub(crate) mid: Option<String>,
    pub(crate) media_source_id: Option<String>,
    pub(crate) rid: Option<String>,
    pub(crate) scalability_mode: Option<String>,
    pub(crate) active: bool,
    /// What encodes it.
    pub(crate) encoder: Option<&'a session::EncoderStats>,
}

impl Collector {
    /// Gives its id.
    pub(crate) fn add_outbound(
        &mut self,
        counted: &session::OutboundStats,
        sender: SenderSide<'_>,
    ) -> String {
        // Neither a transceiver's id nor the SSRC of one of its encodings comes again.
        let id = format!("O{}-{}", counted.sender.0, counted.ssrc.0);
        let codec = sender.transport.zip(counted.codec.as_ref());
        let codec_id = codec.map(|(transport, codec)| self.codec_id(transport, codec));
        let transport_id = sender.transport.map(transport_id);
        let refers = (&id, transport_id.as_ref(), codec_id.as_ref());
        let remote_id = self.add_remote_inbound(counted, refers);

        let (first, again) = (&counted.counters, &counted.retransmitted);
        let padding = &counted.padding;
        let is_video = counted.kind == MediaKind::Video;
        let size = counted.size.filter(|_| is_video);
        let mut stats = OutboundRtpStreamStats {
            id: id.clone(),
            timestamp: self.timestamp(),
            ssrc: counted.ssrc.0,
            kind: counted.kind.as_str(),
            packets_sent: first.packets_sent + again.packets_sent + padding.packets_sent,
            bytes_sent: first.bytes_sent + again.bytes_sent + padding.bytes_sent,
            header_bytes_sent: first.header_bytes_sent
                + again.header_bytes_sent
                + padding.header_bytes_sent,
            retransmitted_packets_sent: again.packets_sent,
            retransmitted_bytes_sent: again.bytes_sent,
            packets_sent_with_ect1: counted.sent_with_ect1,
            total_packet_send_delay: counted.send_delay.as_secs_f64(),
            nack_count: counted.remote.nacks,
            active: sender.active,
            transport_id,
            codec_id,
            mid: sender.mid,
            media_source_id: sender.media_source_id,
            remote_id,
            rid: sender.rid.filter(|_| is_video),
            encoding_index: is_video.then_some(counted.encoding as u32),
            rtx_ssrc: counted.rtx_ssrc.map(|ssrc| ssrc.0),
            frames_sent: is_video.then_some(counted.frames_sent as u32),
            huge_frames_sent: is_video.then_some(counted.huge_frames_sent as u32),
            frame_width: size.map(|size| size.width),
            frame_height: size.map(|size| size.height),
            pli_count: is_video.then_some(counted.remote.plis),
            fir_count: is_video.then_some(counted.remote.firs),
            target_bitrate: counted.target_bitrate.map(|rate| rate as f64),
            scalability_mode: sender.scalability_mode.filter(|_| is_video),
            ..OutboundRtpStreamStats::default()
        };
        if let Some(encoder) = sender.encoder {
            add_encoder(encoder, &mut stats);
        }
        self.stats.push(Stats::OutboundRtp(Box::new(stats)));
        id
    }
}

fn add_encoder(encoder: &session::EncoderStats, stats: &mut OutboundRtpStreamStats) {
    let reasons = session::QualityLimitation::ALL.iter();
    let durations = reasons
        .zip(encoder.limitation_durations)
        .map(|(reason, duration)| (reason.as_str(), duration.as_secs_f64()));
    stats.scalability_mode = Some(encoder.scalability_mode.to_string());
    stats.frames_encoded = Some(encoder.frames_encoded as u32);
    stats.key_frames_encoded = Some(encoder.key_frames_encoded as u32);
    stats.frames_per_second = encoder.frames_per_second;
    stats.qp_sum = encoder.qp_sum;
    stats.total_encode_time = Some(encoder.total_encode_time.as_secs_f64());
    stats.total_encoded_bytes_target = Some(encoder.total_encoded_bytes_target);
    stats.encoder_implementation = encoder.encoder.clone();
    stats.power_efficient_encoder = encoder.encoder.is_some().then_some(false);
    stats.quality_limitation_reason = Some(encoder.limitation.as_str());
    stats.quality_limitation_durations = Some(durations.collect());
    stats.quality_limitation_resolution_changes = Some(encoder.resolution_changes);
}
