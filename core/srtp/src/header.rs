//! The few fields of packets that SRTP goes by.

/// Where the parts of an RTP packet lie (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Layout {
    pub(crate) ssrc: u32,
    pub(crate) sequence_number: u16,
    /// Bytes of the CSRCs.
    pub(crate) csrcs: usize,
    /// The header extension's 16 bits that are "defined by profile".
    pub(crate) extension: Option<u16>,
    /// Bytes of the whole header: where the payload begins.
    pub(crate) header: usize,
}

impl Layout {
    /// Reads a packet's header; None if it does not fit into `packet`, or is of another version.
    pub(crate) fn of(packet: &[u8]) -> Option<Self> {
        let fixed = packet.first_chunk::<FIXED>()?;
        if fixed[0] >> 6 != VERSION {
            return None;
        }
        let csrcs = 4 * usize::from(fixed[0] & 0x0f);
        let mut layout = Layout {
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            sequence_number: u16::from_be_bytes([fixed[2], fixed[3]]),
            csrcs,
            extension: None,
            header: FIXED + csrcs,
        };
        if fixed[0] & EXTENSION_BIT != 0 {
            // RFC 3550 §5.3.1: 16 bits by profile, then how many words follow.
            let word = packet.get(layout.header..)?.first_chunk::<EXTENSION>()?;
            layout.extension = Some(u16::from_be_bytes([word[0], word[1]]));
            let words = u16::from_be_bytes([word[2], word[3]]);
            layout.header += EXTENSION + 4 * usize::from(words);
        }
        (layout.header <= packet.len()).then_some(layout)
    }
}

/// The sender's SSRC in a compound RTCP packet: of the header that is never encrypted
/// (RFC 3711 §3.4).
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let header = packet.first_chunk::<RTCP_CLEAR>()?;
    let ssrc = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    (header[0] >> 6 == VERSION).then_some(ssrc)
}

/// Bytes of an RTP header without CSRCs and extension.
pub(crate) const FIXED: usize = 12;

/// Bytes of a header extension before its data.
pub(crate) const EXTENSION: usize = 4;

/// Bytes of an RTCP packet that stay in plain.
pub(crate) const RTCP_CLEAR: usize = 8;

/// Says in an RTP packet's first byte that there is a header extension.
pub(crate) const EXTENSION_BIT: u8 = 0x10;

const VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_where_its_counts_say() {
        let mut packet = vec![0x92, 0x0f, 0x12, 0x38, 1, 2, 3, 4, 0xca, 0xfe, 0xba, 0xbe];
        packet.extend([7; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 0x51, 0, 2, 0]);
        let layout = Layout {
            ssrc: 0xcafe_babe,
            sequence_number: 0x1238,
            csrcs: 8,
            extension: Some(0xbede),
            header: 28,
        };
        assert_eq!(Layout::of(&packet), Some(layout));
        for short in 0..packet.len() {
            assert_eq!(Layout::of(&packet[..short]), None, "{short}");
        }
    }

    #[test]
    fn another_version_is_no_packet() {
        for first in [0x00, 0x40, 0xc0] {
            let mut packet = [0; 12];
            packet[0] = first;
            assert_eq!(Layout::of(&packet), None);
            assert_eq!(rtcp_ssrc(&packet), None);
        }
    }
}
