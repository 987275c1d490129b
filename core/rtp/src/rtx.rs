//! Retransmission (RFC 4588 §4): a packet of the RTX stream has the original's sequence number in
//! two bytes before its payload, and numbers of its own.
//!
//! An RTX packet is no sign of a loss: browsers send old packets again as probes.
//!
//! ```
//! use duologue_base::Seq16;
//! use duologue_rtp::rtx;
//!
//! let mut payload = Vec::new();
//! rtx::write(Seq16(515), &mut payload);
//! payload.extend_from_slice(b"as it was");
//! assert_eq!(rtx::split(&payload), Some((Seq16(515), &b"as it was"[..])));
//! ```

use duologue_base::Seq16;

/// The original sequence number, and the original payload; `None` if there is no number, as in
/// packets of padding only.
pub fn split(payload: &[u8]) -> Option<(Seq16, &[u8])> {
    let (number, rest) = payload.split_first_chunk()?;
    Some((Seq16(u16::from_be_bytes(*number)), rest))
}

/// Appends the original sequence number; the original payload goes behind it.
pub fn write(original: Seq16, out: &mut Vec<u8>) {
    out.extend_from_slice(&original.0.to_be_bytes());
}

/// Bytes by which a retransmission is longer than its original.
pub const OVERHEAD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_only_has_no_original() {
        assert_eq!(split(&[]), None);
        assert_eq!(split(&[1]), None);
        assert_eq!(split(&[1, 2]), Some((Seq16(0x0102), &[][..])));
    }
}
