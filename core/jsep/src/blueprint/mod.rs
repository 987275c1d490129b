//! A session description as JSEP understands it: the typed middle between text and agreement.
//!
//! Offers and answers are planned as blueprints and then written; descriptions that are applied
//! are read into blueprints first. Writing a blueprint and reading the text gives the blueprint
//! back (a test holds this), so a plan never differs from what the other end sees.

mod read;
mod write;

use duologue_base::{IceCredentials, Mid};
use duologue_identity::Fingerprint;
use duologue_rtp::{CodecParameters, ExtensionId, MediaKind, Rid};
use duologue_sdp::attr::{Direction, RidDirection, Setup, Simulcast};
use duologue_sdp::{Formats, MediaKind as MediaWord, MediaProtocol};

use crate::SectionKind;
use crate::announced_source::AnnouncedSource;

pub(crate) use read::read;
pub(crate) use write::write;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Blueprint {
    pub(crate) ice_lite: bool,
    /// `a=ice-pacing`, which this end does not write.
    pub(crate) ice_pacing: Option<u32>,
    /// `a=identity`'s assertion, in base64 (RFC 8827 §5).
    pub(crate) identity: Option<String>,
    /// `a=extmap-allow-mixed` (RFC 8285 §6) at the session level or in every section.
    pub(crate) extmap_allow_mixed: bool,
    /// BUNDLE groups; the first mid of each is its tag (RFC 9143 §2).
    pub(crate) bundles: Vec<Vec<Mid>>,
    pub(crate) lip_sync: Vec<Vec<Mid>>,
    pub(crate) sections: Vec<Section>,
}

impl Blueprint {
    pub(crate) fn by_mid(&self, mid: &Mid) -> Option<usize> {
        self.sections
            .iter()
            .position(|s| s.mid.as_ref() == Some(mid))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Section {
    /// `<media>`, `<proto>` and `<fmt>` of the `m=` line: a rejection repeats them.
    pub(crate) word: MediaWord,
    pub(crate) protocol: MediaProtocol,
    pub(crate) formats: Formats,
    pub(crate) mid: Option<Mid>,
    pub(crate) port: Port,
    pub(crate) direction: Direction,
    pub(crate) transport: TransportLines,
    pub(crate) content: Content,
}

/// What the port of an `m=` line says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Port {
    /// Zero: rejected, or not in use any more.
    Rejected,
    /// Zero with `a=bundle-only`: in use if the other end bundles it (RFC 9143 §6).
    BundleOnly,
    /// Not zero.
    Open,
}

/// Attributes of category TRANSPORT (RFC 8859 §3.1), which only the sections have that stand for
/// their transport.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TransportLines {
    pub(crate) ice: Option<IceCredentials>,
    /// `a=ice-options:trickle`
    pub(crate) trickle: bool,
    /// `a=ice-options:renomination`
    pub(crate) renomination: bool,
    /// `a=ice-options:sped` (draft-hancke-webrtc-sped)
    pub(crate) sped: bool,
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) setup: Option<Setup>,
    pub(crate) rtcp_mux: bool,
    /// `a=rtcp-mux-only` (RFC 8858): there is no other port to fall back to.
    pub(crate) rtcp_mux_only: bool,
    pub(crate) reduced_size: bool,
    /// `a=cryptex` (RFC 9335): header extensions and CSRCs may come encrypted. Not of category TRANSPORT
    /// alone: every section of packets has it.
    pub(crate) cryptex: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Rtp(RtpLines),
    Data(DataLines),
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RtpLines {
    pub(crate) kind: MediaKind,
    pub(crate) codecs: Vec<CodecParameters>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) streams: Streams,
    /// The track's id, when `a=msid` has it.
    pub(crate) track_id: Option<String>,
    pub(crate) rids: Vec<(Rid, RidDirection)>,
    pub(crate) simulcast: Option<Simulcast>,
    pub(crate) cname: Option<String>,
    pub(crate) sources: Vec<AnnouncedSource>,
}

/// A header extension's `a=extmap`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Extension {
    pub(crate) id: ExtensionId,
    pub(crate) uri: String,
    pub(crate) direction: Direction,
}

/// What the `a=msid` lines say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Streams {
    /// There is no such line.
    Unsaid,
    /// These streams; none for `a=msid:-`.
    In(Vec<String>),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DataLines {
    /// `a=sctp-port` or the port in `a=sctpmap`.
    pub(crate) port: u16,
    /// `a=max-message-size`; 0 for any.
    pub(crate) max_message_size: Option<u64>,
    /// `DTLS/SCTP` with `a=sctpmap` (draft-ietf-mmusic-sctp-sdp-07), which old ends write.
    pub(crate) legacy: bool,
    /// The chunk of `a=sctp-init` (draft-hancke-tsvwg-snap), if it is one.
    pub(crate) init: Option<Vec<u8>>,
}

impl Section {
    pub(crate) fn kind(&self) -> SectionKind {
        match &self.content {
            Content::Rtp(rtp) => SectionKind::Rtp(rtp.kind),
            Content::Data(_) => SectionKind::Data,
            Content::Unknown => SectionKind::Unknown,
        }
    }

    pub(crate) fn is_rejected(&self) -> bool {
        self.port == Port::Rejected
    }

    pub(crate) fn rtp(&self) -> Option<&RtpLines> {
        match &self.content {
            Content::Rtp(rtp) => Some(rtp),
            _ => None,
        }
    }

    pub(crate) fn data(&self) -> Option<&DataLines> {
        match &self.content {
            Content::Data(data) => Some(data),
            _ => None,
        }
    }

    /// The same section with port zero and nothing in it (RFC 3264 §6: the formats are repeated,
    /// for they have to be there).
    pub(crate) fn rejection(&self, mid: Option<Mid>) -> Section {
        Section {
            word: self.word.clone(),
            protocol: self.protocol.clone(),
            formats: self.formats.clone(),
            mid,
            port: Port::Rejected,
            direction: Direction::Inactive,
            transport: TransportLines::default(),
            content: match &self.content {
                Content::Rtp(rtp) => Content::Rtp(RtpLines {
                    codecs: rtp.codecs.clone(),
                    ..RtpLines::empty(rtp.kind)
                }),
                other => other.clone(),
            },
        }
    }
}

impl RtpLines {
    pub(crate) fn empty(kind: MediaKind) -> Self {
        RtpLines {
            kind,
            codecs: Vec::new(),
            extensions: Vec::new(),
            streams: Streams::Unsaid,
            track_id: None,
            rids: Vec::new(),
            simulcast: None,
            cname: None,
            sources: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
