//! Codecs as both SDP and the W3C's `RTCRtpCodec` describe them.

mod fmtp;
mod h264;
mod matching;

use std::fmt;

use crate::{PayloadType, RtcpFeedback};

pub use fmtp::Fmtp;
pub use matching::common_feedback;

/// Kind of a track, a transceiver or a codec.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MediaKind {
    /// `"audio"`
    Audio,
    /// `"video"`
    Video,
}

impl MediaKind {
    /// The name in `m=` lines, MIME types and the W3C's APIs.
    pub const fn as_str(self) -> &'static str {
        match self {
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One codec and its configuration.
#[doc(alias = "RTCRtpCodec")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Codec {
    /// Audio or video: the MIME type's first part.
    pub kind: MediaKind,
    /// The encoding name, the MIME type's second part, in its registered spelling (`VP8`,
    /// `opus`). Compared without regard to case.
    pub name: String,
    /// RTP clock rate in hertz.
    pub clock_rate: u32,
    /// Number of channels; audio only.
    pub channels: Option<u8>,
    /// Format-specific parameters: what follows the payload type in `a=fmtp`.
    pub sdp_fmtp_line: Option<String>,
}

impl Codec {
    /// A codec without format-specific parameters; of audio, with the one channel that it has where
    /// no number is told (RFC 8866 §6.6).
    pub fn new(kind: MediaKind, name: &str, clock_rate: u32) -> Self {
        Codec {
            kind,
            name: name.to_owned(),
            clock_rate,
            channels: (kind == MediaKind::Audio).then_some(1),
            sdp_fmtp_line: None,
        }
    }

    /// The format of retransmissions (RFC 4588 §8.6); without a payload type that it repeats, the
    /// entry of a list of capabilities.
    pub fn rtx(kind: MediaKind, clock_rate: u32, apt: Option<PayloadType>) -> Self {
        Codec {
            kind,
            name: "rtx".to_owned(),
            clock_rate,
            channels: None,
            sdp_fmtp_line: apt.map(|apt| format!("apt={apt}")),
        }
    }

    /// `audio/opus`, `video/VP8`, …
    #[doc(alias = "mimeType")]
    pub fn mime_type(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// What the codec is for.
    pub fn role(&self) -> CodecRole {
        let named = |(name, _): &&(&str, _)| self.name.eq_ignore_ascii_case(name);
        let known = ROLES.iter().find(named);
        known.map_or(CodecRole::Primary, |(_, role)| *role)
    }

    /// Whether the codec encodes media by itself; the others repeat, protect or accompany a stream.
    pub fn is_media(&self) -> bool {
        self.role() == CodecRole::Primary
    }

    /// Whether the codec is forward error correction in a stream of its own (RFC 8627 and its draft
    /// 03). ULPFEC goes into the stream that it protects.
    pub fn is_flexfec(&self) -> bool {
        self.role() == CodecRole::Fec && !self.name.eq_ignore_ascii_case("ulpfec")
    }

    /// The codec's format-specific parameters (`a=fmtp`).
    pub fn fmtp(&self) -> Fmtp<'_> {
        Fmtp::of(self.sdp_fmtp_line.as_deref())
    }

    /// The payload type that a retransmission format is for (RFC 4588 §8.6).
    pub fn apt(&self) -> Option<PayloadType> {
        self.fmtp().get("apt")?.parse().ok()
    }

    /// The payload types that redundant audio is made of (RFC 2198 §5): `111/111`.
    pub fn redundant(&self) -> impl Iterator<Item = PayloadType> {
        let line = self.sdp_fmtp_line.as_deref().unwrap_or_default();
        line.split('/').filter_map(|text| text.trim().parse().ok())
    }
}

/// The codecs that do not encode media by themselves.
const ROLES: [(&str, CodecRole); 7] = [
    ("rtx", CodecRole::Rtx),
    ("red", CodecRole::Red),
    ("ulpfec", CodecRole::Fec),
    ("flexfec-03", CodecRole::Fec),
    ("flexfec", CodecRole::Fec),
    ("CN", CodecRole::ComfortNoise),
    ("telephone-event", CodecRole::TelephoneEvent),
];

/// What a codec is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CodecRole {
    /// A codec that encodes media.
    Primary,
    /// A format that repeats lost packets of another payload type (RFC 4588).
    Rtx,
    /// A format that carries redundant data beside new data (RFC 2198).
    Red,
    /// Forward error correction (RFC 5109, RFC 8627).
    Fec,
    /// Silence (RFC 3389).
    ComfortNoise,
    /// Telephone keys (RFC 4733).
    TelephoneEvent,
}

/// A codec under the payload type that stands for it.
#[doc(alias = "RTCRtpCodecParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodecParameters {
    /// The payload type in RTP packets.
    pub payload_type: PayloadType,
    /// The codec.
    pub codec: Codec,
    /// Feedback that both ends agreed to.
    pub feedback: Vec<RtcpFeedback>,
}

impl CodecParameters {
    /// A codec without feedback.
    pub fn new(payload_type: PayloadType, codec: Codec) -> Self {
        CodecParameters {
            payload_type,
            codec,
            feedback: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_codec_is_for_does_not_depend_on_the_spelling() {
        let role = |name: &str| {
            let mut codec = Codec::rtx(MediaKind::Video, 90_000, None);
            codec.name = name.to_owned();
            codec.role()
        };
        assert_eq!(role("RTX"), CodecRole::Rtx);
        assert_eq!(role("FlexFEC-03"), CodecRole::Fec);
        assert_eq!(role("cn"), CodecRole::ComfortNoise);
        assert_eq!(role("vp8"), CodecRole::Primary);
        assert_eq!(role("redder"), CodecRole::Primary);
    }
}
