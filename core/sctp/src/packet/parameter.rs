use super::{CHUNK_HEADER_LEN, finish_tlv, padded};

/// Parameter types (RFC 9260 §3.3.2, §3.3.3 and the IANA registry).
pub(super) const HEARTBEAT_INFO: u16 = 1;
pub(super) const STATE_COOKIE: u16 = 7;
pub(super) const UNRECOGNIZED: u16 = 8;
/// RFC 9653 §4
pub(super) const ZERO_CHECKSUM_ACCEPTABLE: u16 = 0x8001;
/// RFC 5061 §4.2.7
pub(super) const SUPPORTED_EXTENSIONS: u16 = 0x8008;
/// RFC 3758 §3.1
pub(super) const FORWARD_TSN_SUPPORTED: u16 = 0xc000;

/// One parameter (RFC 9260 §3.2.1), with its header for reporting it back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter<'a> {
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// The parameters that follow a chunk's fixed fields. They end at the first impossible length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        let &[a, b, c, d, ..] = self.0 else {
            return None;
        };
        let len = usize::from(u16::from_be_bytes([c, d]));
        let whole = self.0.get(..len)?;
        let value = whole.get(CHUNK_HEADER_LEN..)?;
        self.0 = self.0.get(padded(len)..).unwrap_or(&[]);
        let kind = u16::from_be_bytes([a, b]);
        Some(Parameter { kind, value, whole })
    }
}

/// Appends a parameter whose value `write` appends.
pub(super) fn write_parameter(out: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    write(out);
    finish_tlv(out, start);
}
