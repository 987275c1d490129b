use crate::{CodecParameters, ExtensionId, Ssrc};

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
}

/// A negotiated header extension (RFC 8285 §5).
#[doc(alias = "RTCRtpHeaderExtensionParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderExtensionParameters {
    /// The URI.
    pub uri: String,
    /// Its id on the wire.
    pub id: ExtensionId,
    /// Encrypted (RFC 6904).
    pub encrypted: bool,
}

/// A synchronisation source that carries media, and those that repair it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Source {
    /// Of the media packets: `a=ssrc`.
    pub ssrc: Ssrc,
    /// Of its retransmissions (`a=ssrc-group:FID`, RFC 4588 §8.8).
    pub rtx: Option<Ssrc>,
    /// Of its forward error correction (`a=ssrc-group:FEC-FR`, RFC 5956 §4.3).
    pub fec: Option<Ssrc>,
}

impl Source {
    /// A source that nothing repairs.
    pub const fn new(ssrc: Ssrc) -> Self {
        Source {
            ssrc,
            rtx: None,
            fec: None,
        }
    }

    /// All its SSRCs, that of the media first.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> {
        [Some(self.ssrc), self.rtx, self.fec].into_iter().flatten()
    }
}
