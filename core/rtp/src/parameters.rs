use crate::{CodecParameters, ExtensionId};

/// RTP parameters of one direction of an m-section.
#[doc(alias = "RTCRtpParameters")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RtpParameters {
    /// Codecs, the preferred first.
    pub codecs: Vec<CodecParameters>,
    /// Header extensions and their ids.
    pub header_extensions: Vec<HeaderExtensionParameters>,
    /// `RTCRtcpParameters.cname`: of the end that sends in this direction, when it is known.
    pub cname: Option<String>,
    /// `RTCRtcpParameters.reducedSize` (RFC 5506).
    pub reduced_size: bool,
    /// `a=extmap-allow-mixed`: whether both ends take header extensions of two-byte elements among
    /// those of one-byte ones (RFC 8285 §6).
    pub extmap_allow_mixed: bool,
    /// Whether header extensions and CSRCs are encrypted in this direction (RFC 9335): of packets to be
    /// sent, whether they are; of packets that come, whether they may or have to be.
    pub cryptex: Cryptex,
}

/// Whether a receiver takes packets with encrypted headers: what it said by `a=cryptex`
/// (RFC 9335 §4).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Cryptex {
    /// The receiver did not offer to take encrypted headers: packets are SRTP's alone, whatever
    /// their headers look like.
    #[default]
    Off,
    /// The receiver takes encrypted headers: a packet's header extension tells whether it is
    /// encrypted.
    Accepted,
    /// Packets that show CSRCs or header extensions are refused (RFC 9335 §5.2; `require` of
    /// W3C `RTCRtpHeaderEncryptionPolicy`).
    Required,
}

/// A negotiated header extension (RFC 8285 §5).
#[doc(alias = "RTCRtpHeaderExtensionParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderExtensionParameters {
    /// The URI.
    pub uri: String,
    /// The id of the extension on the wire.
    pub id: ExtensionId,
    /// Encrypted (RFC 6904).
    pub encrypted: bool,
}

impl HeaderExtensionParameters {
    /// An extension in the clear.
    pub fn new(id: ExtensionId, uri: &str) -> Self {
        HeaderExtensionParameters {
            uri: uri.to_owned(),
            id,
            encrypted: false,
        }
    }
}
