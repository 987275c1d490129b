//! Encrypted CSRCs and header extensions (RFC 9335).

use crate::header::{EXTENSION, EXTENSION_BIT, FIXED, Layout};

/// Whether a receiver takes packets with encrypted headers: what it said by `a=cryptex`
/// (RFC 9335 §4).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Cryptex {
    /// It did not offer to: packets are SRTP's alone, whatever their headers look like.
    #[default]
    Off,
    /// It did: a packet's header extension tells whether it is encrypted.
    Accepted,
    /// Packets that show CSRCs or header extensions are refused (RFC 9335 §5.2; `require` of
    /// W3C `RTCRtpHeaderEncryptionPolicy`).
    Required,
}

/// Which bytes of a packet are encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cover {
    /// What follows its header (RFC 3711 §3.1).
    Payload { header: usize },
    /// All but the fixed header and the first four bytes of the header extension
    /// (RFC 9335 §6.1).
    Header {
        /// Bytes of the CSRCs, which lie between the two.
        csrcs: usize,
        /// What the extension is "defined by" in plain, and while it is encrypted.
        plain: u16,
        sealed: u16,
    },
}

/// A header extension of another kind than RFC 8285's is not encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OtherExtension;

impl Cover {
    /// How a packet is to be sent with its header encrypted. What has no extension but CSRCs needs
    /// an empty one first: [`Cover::insert_extension`].
    pub(crate) fn to_send(layout: &Layout) -> Result<Self, OtherExtension> {
        match (layout.extension, layout.csrcs) {
            (None, 0) => Ok(Cover::Payload {
                header: layout.header,
            }),
            (None, csrcs) => Ok(Cover::header(csrcs, KINDS[0])),
            (Some(plain), csrcs) => {
                let kind = KINDS.into_iter().find(|kind| kind.0 == plain);
                Ok(Cover::header(csrcs, kind.ok_or(OtherExtension)?))
            }
        }
    }

    /// How a packet was sent, as its header tells.
    pub(crate) fn of_received(layout: &Layout) -> Self {
        let kind = KINDS
            .into_iter()
            .find(|kind| layout.extension == Some(kind.1));
        match kind {
            Some(kind) => Cover::header(layout.csrcs, kind),
            None => Cover::Payload {
                header: layout.header,
            },
        }
    }

    fn header(csrcs: usize, (plain, sealed): (u16, u16)) -> Self {
        Cover::Header {
            csrcs,
            plain,
            sealed,
        }
    }

    /// Gives a packet an empty header extension (RFC 9335 §5.1).
    pub(crate) fn insert_extension(packet: &mut Vec<u8>, at: usize, layout: &Layout) {
        let end = packet.len();
        packet.extend_from_slice(&[0; EXTENSION]);
        packet.copy_within(at + layout.header..end, at + layout.header + EXTENSION);
        packet[at] |= EXTENSION_BIT;
        let word = &mut packet[at + layout.header..][..EXTENSION];
        word[..2].copy_from_slice(&KINDS[0].0.to_be_bytes());
        word[2..].fill(0);
    }

    /// Brings the bytes that stay in plain together, at the front of the packet, and says how many
    /// they are. RFC 9335 §6.2 has this as its intermediate form: extension before CSRCs.
    pub(crate) fn gather(self, packet: &mut [u8]) -> usize {
        match self {
            Cover::Payload { header } => header,
            Cover::Header { csrcs, sealed, .. } => {
                packet[FIXED..FIXED + csrcs + EXTENSION].rotate_left(csrcs);
                packet[FIXED..FIXED + 2].copy_from_slice(&sealed.to_be_bytes());
                FIXED + EXTENSION
            }
        }
    }

    /// Puts them where they belong.
    pub(crate) fn spread(self, packet: &mut [u8]) {
        if let Cover::Header { csrcs, .. } = self {
            packet[FIXED..FIXED + csrcs + EXTENSION].rotate_left(EXTENSION);
        }
    }

    /// The header of an opened packet no longer says that it is encrypted (RFC 9335 §6.3).
    pub(crate) fn unmark(self, packet: &mut [u8]) {
        if let Cover::Header { csrcs, plain, .. } = self {
            packet[FIXED + csrcs..][..2].copy_from_slice(&plain.to_be_bytes());
        }
    }
}

/// "Defined by profile" of one-byte and of two-byte header extensions: in plain (RFC 8285 §4.2, §4.3,
/// whose application bits have no room beside encryption), and encrypted (RFC 9335 §5).
const KINDS: [(u16, u16); 2] = [(0xbede, 0xc0de), (0x1000, 0xc2de)];
