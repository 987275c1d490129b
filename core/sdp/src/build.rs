//! Writing descriptions from typed values, in the order of RFC 9429 §5.2.1.

use duologue_rtp::PayloadType;

use crate::attr::Attribute;
use crate::field::{Bandwidth, Connection, Origin, Timing};
use crate::media_line::MediaLine;
use crate::section::{Line, Section};
use crate::session::{MediaDescription, SessionDescription};

/// Collects the parts of a [`SessionDescription`]; made by [`SessionDescription::builder`].
#[derive(Clone, Debug)]
pub struct SessionBuilder {
    origin: Origin,
    attributes: Vec<Attribute>,
    media: Vec<MediaDescription>,
}

impl SessionDescription {
    /// Begins a description with `v=0`, this `o=`, `s=-` and `t=0 0`.
    pub fn builder(origin: Origin) -> SessionBuilder {
        SessionBuilder {
            origin,
            attributes: Vec::new(),
            media: Vec::new(),
        }
    }
}

impl SessionBuilder {
    /// Adds an attribute at the session level.
    pub fn attribute(mut self, attribute: impl Into<Attribute>) -> Self {
        self.attributes.push(attribute.into());
        self
    }

    /// Adds attributes at the session level.
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// Adds a media section.
    pub fn media(mut self, media: MediaDescription) -> Self {
        self.media.push(media);
        self
    }

    /// The description. Its attributes are put in the canonical order; those of one kind stay in
    /// the order in which they were added.
    pub fn build(mut self) -> SessionDescription {
        self.attributes.sort_by_key(session_place);
        let mut lines = vec![Line::session_name(), Timing::default().into()];
        lines.extend(self.attributes.into_iter().map(Line::from));
        SessionDescription {
            origin_text: format!("o={}", self.origin).into(),
            origin: Some(self.origin),
            session: Section { lines },
            media: self.media,
        }
    }
}

/// Collects the parts of a [`MediaDescription`]; made by [`MediaDescription::builder`].
#[derive(Clone, Debug)]
pub struct MediaBuilder {
    line: MediaLine,
    connection: Connection,
    bandwidths: Vec<Bandwidth>,
    attributes: Vec<Attribute>,
}

impl MediaDescription {
    /// Begins a media section with this `m=` line and `c=IN IP4 0.0.0.0`.
    pub fn builder(line: MediaLine) -> MediaBuilder {
        MediaBuilder {
            line,
            connection: Connection(crate::NetAddress::UNSPECIFIED),
            bandwidths: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

impl MediaBuilder {
    /// Replaces the `c=` line.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Adds a `b=` line.
    pub fn bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.bandwidths.push(bandwidth);
        self
    }

    /// Adds an attribute.
    pub fn attribute(mut self, attribute: impl Into<Attribute>) -> Self {
        self.attributes.push(attribute.into());
        self
    }

    /// Adds attributes.
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// The media section. Its attributes are put in the canonical order, those about formats in
    /// the order of the `m=` line; those of one kind stay in the order in which they were added.
    pub fn build(mut self) -> MediaDescription {
        let formats = self.line.formats.payload_types();
        self.attributes
            .sort_by_key(|attribute| media_place(attribute, formats));
        let mut lines = vec![Line::from(self.connection)];
        lines.extend(self.bandwidths.into_iter().map(Line::from));
        lines.extend(self.attributes.into_iter().map(Line::from));
        MediaDescription {
            text: format!("m={}", self.line).into(),
            line: self.line,
            section: Section { lines },
        }
    }
}

fn session_place(attribute: &Attribute) -> u8 {
    match attribute {
        Attribute::IceOptions(_) => 0,
        Attribute::Identity(_) => 1,
        Attribute::Group(group) if group.is_bundle() => 2,
        Attribute::Group(_) => 3,
        Attribute::ExtmapAllowMixed => 4,
        Attribute::MsidSemantic(_) => 5,
        Attribute::Extmap(_) => 6,
        Attribute::IceLite | Attribute::IcePacing(_) => 7,
        Attribute::IceUfrag(_) => 8,
        Attribute::IcePwd(_) => 9,
        Attribute::Fingerprint(_) => 10,
        Attribute::Setup(_) => 11,
        Attribute::TlsId(_) => 12,
        _ => 13,
    }
}

/// The lists of RFC 9429 §5.2.1 in their order: first what every section has, then what only a
/// section with its own transport has. Second comes the position of the format on the `m=` line.
fn media_place(attribute: &Attribute, formats: &[PayloadType]) -> (u8, usize, u8) {
    let of_format = |payload_type: Option<PayloadType>| {
        let found = payload_type.and_then(|one| formats.iter().position(|&format| format == one));
        // What is for all formats (`*`) or for one that is not there comes last.
        found.unwrap_or(formats.len())
    };
    match attribute {
        Attribute::Rtpmap(map) => return (3, of_format(Some(map.payload_type)), 0),
        Attribute::Fmtp(fmtp) => return (3, of_format(Some(fmtp.payload_type)), 1),
        Attribute::ImageAttr(attr) => return (6, of_format(attr.payload_type), 0),
        Attribute::RtcpFb(fb) => return (8, of_format(fb.payload_type), 0),
        _ => {}
    }
    let place = match attribute {
        Attribute::Mid(_) => 0,
        Attribute::Direction(_) => 1,
        Attribute::Sctpmap(_) | Attribute::SctpPort(_) => 2,
        Attribute::MaxMessageSize(_) | Attribute::SctpInit(_) => 3,
        Attribute::Ptime(_) => 4,
        Attribute::MaxPtime(_) => 5,
        Attribute::Extmap(_) | Attribute::ExtmapAllowMixed | Attribute::Cryptex => 7,
        Attribute::Msid(_) => 9,
        Attribute::Rid(_) => 10,
        Attribute::Simulcast(_) => 11,
        Attribute::SsrcGroup(_) => 12,
        Attribute::Ssrc(_) => 13,
        Attribute::BundleOnly => 15,
        Attribute::IceUfrag(_) => 16,
        Attribute::IcePwd(_) => 17,
        Attribute::IceOptions(_) => 18,
        Attribute::Fingerprint(_) => 19,
        Attribute::Setup(_) => 20,
        Attribute::TlsId(_) => 21,
        Attribute::Rtcp(_) => 22,
        Attribute::RtcpMux => 23,
        Attribute::RtcpMuxOnly => 24,
        Attribute::RtcpRsize => 25,
        Attribute::Candidate(_) | Attribute::RemoteCandidates(_) => 26,
        Attribute::EndOfCandidates => 27,
        _ => 14,
    };
    (place, 0, 0)
}

#[cfg(test)]
mod tests;
