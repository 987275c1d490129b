use super::{kind, write_chunk};

/// COOKIE ECHO (RFC 9260 §3.3.11).
pub(crate) fn write_cookie_echo(out: &mut Vec<u8>, cookie: &[u8]) {
    write_chunk(out, kind::COOKIE_ECHO, 0, |out| {
        out.extend_from_slice(cookie);
    });
}

/// COOKIE ACK (RFC 9260 §3.3.12).
pub(crate) fn write_cookie_ack(out: &mut Vec<u8>) {
    write_chunk(out, kind::COOKIE_ACK, 0, |_| {});
}
