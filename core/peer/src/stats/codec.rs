use duologue_base::TransportKey;
use duologue_rtp::{CodecParameters, MediaKind};

use super::{Collector, Stats, transport_id};

dictionary! {
    /// About a codec that RTP streams on a transport are of.
    #[doc(alias = "RTCCodecStats")]
    pub struct CodecStats {
        /// The codec's number in RTP packets.
        pub payload_type: u8,
        /// The transport of the codec's streams.
        pub transport_id: String,
        /// `audio/opus`, `video/VP8`, …
        pub mime_type: String,
        /// Ticks of the codec's time stamps a second.
        pub clock_rate: u32,
    } optional {
        /// Channels, of audio.
        pub channels: u8,
        /// What `a=fmtp` says of the codec.
        pub sdp_fmtp_line: String,
    }
}

impl Collector {
    /// The id of a codec that is used on a transport, which is in the report from then on.
    ///
    /// webrtc-stats: "User agents are expected to coalesce information into a single "codec" entry per
    /// payload type per transport, unless sdpFmtpLine differs per direction", and a codec that is used
    /// again has its id again. So the id is what the codec is.
    pub(super) fn codec_id(&mut self, transport: TransportKey, used: &CodecParameters) -> String {
        let codec = &used.codec;
        let payload_type = used.payload_type.get();
        let channels = (codec.kind == MediaKind::Audio).then(|| codec.channels.unwrap_or(1));
        let id = format!(
            "CT{}-{payload_type}-{}-{}-{}-{}",
            transport.0,
            codec.mime_type(),
            codec.clock_rate,
            channels.unwrap_or_default(),
            codec.sdp_fmtp_line.as_deref().unwrap_or_default(),
        );
        if self.stats.iter().all(|stats| stats.id() != id) {
            self.stats.push(Stats::Codec(CodecStats {
                id: id.clone(),
                timestamp: self.timestamp(),
                payload_type,
                transport_id: transport_id(transport),
                mime_type: codec.mime_type(),
                clock_rate: codec.clock_rate,
                channels,
                sdp_fmtp_line: codec.sdp_fmtp_line.clone(),
            }));
        }
        id
    }
}
