use super::HEADER_LEN;

const FIELD: std::ops::Range<usize> = 8..HEADER_LEN;

/// The packet's CRC32c is right (RFC 9260 §6.8).
pub(crate) fn has_valid_checksum(packet: &[u8]) -> bool {
    let (Some(head), Some(field), Some(rest)) = (
        packet.get(..FIELD.start),
        packet.get(FIELD),
        packet.get(FIELD.end..),
    ) else {
        return false;
    };
    let crc = crc32c::crc32c(head);
    let crc = crc32c::crc32c_append(crc, &[0; FIELD.end - FIELD.start]);
    crc32c::crc32c_append(crc, rest).to_le_bytes() == field
}

/// The packet came without a checksum (RFC 9653 §5.2).
pub(crate) fn has_zero_checksum(packet: &[u8]) -> bool {
    packet.get(FIELD) == Some(&[0; FIELD.end - FIELD.start])
}

/// Fills in the checksum of a packet whose field is still zero.
pub(crate) fn write_checksum(packet: &mut [u8]) {
    let crc = crc32c::crc32c(packet);
    // RFC 9260 Appendix A: the CRC's bytes are sent in the order that a little-endian store gives.
    packet[FIELD].copy_from_slice(&crc.to_le_bytes());
}
