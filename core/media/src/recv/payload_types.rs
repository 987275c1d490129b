//! What each payload type of a receiver means.

use duologue_rtp::{CodecParameters, CodecRole, PayloadType};

/// The 128 payload types of one m-section.
#[derive(Debug)]
pub(crate) struct PayloadTypes(Vec<(PayloadType, Use)>);

/// What a payload type is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Use {
    /// Media, comfort noise and telephone events: the index of the codec.
    Media(usize),
    /// Packets of another payload type, again (RFC 4588).
    Retransmission { of: PayloadType },
    /// Several payloads in one packet (RFC 2198).
    Red { codec: usize },
    /// RFC 5109, inside RED.
    UlpFec,
    /// RFC 8627's draft 03, in a stream of its own.
    FlexFec,
}

impl PayloadTypes {
    pub(crate) fn new(codecs: &[CodecParameters]) -> Self {
        let mut types: Vec<(PayloadType, Use)> = Vec::new();
        for (index, entry) in codecs.iter().enumerate() {
            let codec = &entry.codec;
            let means = match codec.role() {
                CodecRole::Rtx => match codec.apt() {
                    Some(of) => Use::Retransmission { of },
                    None => continue,
                },
                CodecRole::Red => Use::Red { codec: index },
                CodecRole::Fec if codec.name.eq_ignore_ascii_case("ulpfec") => Use::UlpFec,
                CodecRole::Fec => Use::FlexFec,
                _ => Use::Media(index),
            };
            types.push((entry.payload_type, means));
        }
        PayloadTypes(types)
    }

    /// That of RED.
    pub(crate) fn red(&self) -> Option<PayloadType> {
        let mut types = self.0.iter();
        let red = types.find(|(_, means)| matches!(means, Use::Red { .. }));
        red.map(|(payload_type, _)| *payload_type)
    }

    pub(crate) fn get(&self, payload_type: PayloadType) -> Option<Use> {
        let mut types = self.0.iter();
        types.find(|(it, _)| *it == payload_type).map(|(_, it)| *it)
    }
}
