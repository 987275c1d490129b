//! Of headers, what SRTP leaves in plain.

/// The sender's SSRC in a compound RTCP packet (RFC 3550 §6.1).
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let header = packet.first_chunk::<RTCP_CLEAR>()?;
    let ssrc = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    (header[0] >> 6 == VERSION).then_some(ssrc)
}

/// Bytes of an RTP header without CSRCs and extension.
pub(crate) const FIXED: usize = 12;

/// Bytes of a header extension before its data.
pub(crate) const EXTENSION: usize = 4;

/// Bytes of an RTCP packet that stay in plain (RFC 3711 §3.4).
pub(crate) const RTCP_CLEAR: usize = 8;

/// Says in an RTP packet's first byte that there is a header extension.
pub(crate) const EXTENSION_BIT: u8 = 0x10;

const VERSION: u8 = 2;
