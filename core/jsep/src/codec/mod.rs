//! Codecs as both SDP and the W3C's `RTCRtpCodec` describe them.

pub(crate) mod fmtp;
mod h264;
pub(crate) mod matching;

use crate::MediaKind;

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
    /// `audio/opus`, `video/VP8`, …
    #[doc(alias = "mimeType")]
    pub fn mime_type(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// It encodes media by itself; the others repeat, protect or accompany a stream.
    pub fn is_media(&self) -> bool {
        self.role() == Role::Primary
    }
}

/// What a codec is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// It encodes media.
    Primary,
    /// It repeats lost packets of another payload type (RFC 4588).
    Rtx,
    /// It carries redundant data beside new data (RFC 2198).
    Red,
    /// Forward error correction (RFC 5109, RFC 8627).
    Fec,
    /// Silence (RFC 3389).
    ComfortNoise,
    /// Telephone keys (RFC 4733).
    TelephoneEvent,
}

/// An RTCP feedback message that a codec may use (`a=rtcp-fb`, RFC 4585 §4.2): `nack pli`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RtcpFeedback(pub String);

/// A codec under the payload type that stands for it.
#[doc(alias = "RTCRtpCodecParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodecParameters {
    /// The payload type in RTP packets, 0 to 127.
    pub payload_type: u8,
    /// The codec.
    pub codec: Codec,
    /// Feedback that both ends agreed to.
    pub feedback: Vec<RtcpFeedback>,
}
