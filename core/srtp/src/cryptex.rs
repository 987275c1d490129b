//! Encrypted CSRCs and header extensions (RFC 9335).

use duologue_rtp::Header;
use duologue_rtp::ext::ExtensionBlock;

use crate::header::{EXTENSION, EXTENSION_BIT, FIXED};

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
        kind: Kind,
    },
}

/// What a header extension is "defined by".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Kind {
    plain: u16,
    /// While it is encrypted.
    sealed: u16,
}

/// A header extension of another kind than RFC 8285's is not encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OtherExtension;

impl Cover {
    /// How a packet is protected without encryption of its header.
    pub(crate) fn plain(header: &Header) -> Self {
        Cover::Payload {
            header: header.size(),
        }
    }

    /// How a packet is to be sent with its header encrypted. What has no extension but CSRCs needs
    /// an empty one first: [`Cover::insert_extension`].
    pub(crate) fn to_send(header: &Header) -> Result<Self, OtherExtension> {
        let kind = match header.extension() {
            None if header.csrc_range().is_empty() => return Ok(Cover::plain(header)),
            None => ONE_BYTE,
            Some(block) => *[ONE_BYTE, TWO_BYTE]
                .iter()
                .find(|kind| kind.plain == block.profile())
                .ok_or(OtherExtension)?,
        };
        Ok(Cover::header(header, kind))
    }

    /// How a packet was sent, as its header tells.
    pub(crate) fn of_received(header: &Header) -> Self {
        let profile = header.extension().map(ExtensionBlock::profile);
        let mut kinds = [ONE_BYTE, TWO_BYTE].into_iter();
        match kinds.find(|kind| profile == Some(kind.sealed)) {
            Some(kind) => Cover::header(header, kind),
            None => Cover::plain(header),
        }
    }

    fn header(header: &Header, kind: Kind) -> Self {
        Cover::Header {
            csrcs: header.csrc_range().len(),
            kind,
        }
    }

    /// Gives a packet an empty header extension (RFC 9335 §5.1).
    pub(crate) fn insert_extension(packet: &mut Vec<u8>, at: usize, header: &Header) {
        let (payload, end) = (at + header.size(), packet.len());
        packet.extend_from_slice(&[0; EXTENSION]);
        packet.copy_within(payload..end, payload + EXTENSION);
        packet[at] |= EXTENSION_BIT;
        packet[payload..payload + 2].copy_from_slice(&ONE_BYTE.plain.to_be_bytes());
        packet[payload + 2..payload + EXTENSION].fill(0);
    }

    /// Brings the bytes that stay in plain together, at the front of the packet, and says how many
    /// they are. RFC 9335 §6.2 has this as its intermediate form: extension before CSRCs.
    pub(crate) fn gather(self, packet: &mut [u8]) -> usize {
        match self {
            Cover::Payload { header } => header,
            Cover::Header { csrcs, kind } => {
                packet[FIXED..FIXED + csrcs + EXTENSION].rotate_left(csrcs);
                packet[FIXED..FIXED + 2].copy_from_slice(&kind.sealed.to_be_bytes());
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
        if let Cover::Header { csrcs, kind } = self {
            packet[FIXED + csrcs..][..2].copy_from_slice(&kind.plain.to_be_bytes());
        }
    }
}

/// One-byte elements (RFC 9335 §5).
const ONE_BYTE: Kind = Kind {
    plain: ExtensionBlock::ONE_BYTE,
    sealed: 0xc0de,
};

/// Two-byte elements. What RFC 8285 §4.3 calls application bits is zero: encryption has no room for
/// them.
const TWO_BYTE: Kind = Kind {
    plain: ExtensionBlock::TWO_BYTE,
    sealed: 0xc2de,
};
