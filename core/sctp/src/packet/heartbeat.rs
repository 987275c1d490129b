use super::parameter::{self, write_parameter};
use super::{CHUNK_HEADER_LEN, kind, write_chunk};

/// HEARTBEAT (RFC 9260 §3.3.5). `info` comes back in the HEARTBEAT ACK.
pub(crate) fn write_heartbeat(out: &mut Vec<u8>, info: &[u8]) {
    write_chunk(out, kind::HEARTBEAT, 0, |out| {
        write_parameter(out, parameter::HEARTBEAT_INFO, |out| {
            out.extend_from_slice(info);
        });
    });
}

/// PAD (RFC 4820 §3), `len` bytes long with its header.
pub(crate) fn write_pad(out: &mut Vec<u8>, len: usize) {
    write_chunk(out, kind::PAD, 0, |out| {
        out.resize(out.len() + len.saturating_sub(CHUNK_HEADER_LEN), 0);
    });
}

/// HEARTBEAT ACK (RFC 9260 §3.3.6). `value` is all that the HEARTBEAT carried.
pub(crate) fn write_heartbeat_ack(out: &mut Vec<u8>, value: &[u8]) {
    write_chunk(out, kind::HEARTBEAT_ACK, 0, |out| {
        out.extend_from_slice(value);
    });
}
