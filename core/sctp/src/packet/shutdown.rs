use duologue_base::Seq32;

use super::{RawChunk, Reader, kind, write_chunk};

/// The cumulative TSN of a SHUTDOWN (RFC 9260 §3.3.8).
pub(crate) fn parse_shutdown(chunk: RawChunk<'_>) -> Option<Seq32> {
    Reader(chunk.value).u32().map(Seq32)
}

/// SHUTDOWN (RFC 9260 §3.3.8).
pub(crate) fn write_shutdown(out: &mut Vec<u8>, cumulative_tsn: Seq32) {
    write_chunk(out, kind::SHUTDOWN, 0, |out| {
        out.extend_from_slice(&cumulative_tsn.0.to_be_bytes());
    });
}

/// SHUTDOWN ACK (RFC 9260 §3.3.9).
pub(crate) fn write_shutdown_ack(out: &mut Vec<u8>) {
    write_chunk(out, kind::SHUTDOWN_ACK, 0, |_| {});
}

/// SHUTDOWN COMPLETE (RFC 9260 §3.3.13).
pub(crate) fn write_shutdown_complete(out: &mut Vec<u8>, flags: u8) {
    write_chunk(out, kind::SHUTDOWN_COMPLETE, flags, |_| {});
}
