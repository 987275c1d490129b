use crate::codec::RtcpFeedback;
use crate::{Codec, Direction, MediaKind};

/// What this end can do: what `RTCRtpSender.getCapabilities()` and
/// `RTCRtpReceiver.getCapabilities()` tell, and what offers and answers are made from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Capabilities {
    /// Codecs of both kinds in order of preference, each followed by its retransmission format.
    pub codecs: Vec<CodecCapability>,
    /// Header extensions of both kinds.
    pub header_extensions: Vec<HeaderExtensionCapability>,
    /// How many simulcast layers a sender may have.
    pub max_encodings: usize,
}

/// A codec that this end has.
#[doc(alias = "RTCRtpCodecCapability")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodecCapability {
    /// The codec.
    pub codec: Codec,
    /// The payload type it likes best.
    pub payload_type: u8,
    /// Feedback it understands.
    pub feedback: Vec<RtcpFeedback>,
    /// It can be sent (an encoder or pass-through exists).
    pub send: bool,
    /// It can be received.
    pub receive: bool,
}

/// An RTP header extension that this end understands.
#[doc(alias = "RTCRtpHeaderExtensionCapability")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderExtensionCapability {
    /// Which kind of media it is for.
    pub kind: MediaKind,
    /// Its URI (RFC 8285 §5).
    pub uri: String,
    /// The direction it is offered in by default; `None` (the W3C's `"stopped"`) when it has to
    /// be asked for by `setHeaderExtensionsToNegotiate`.
    pub direction: Option<Direction>,
}
