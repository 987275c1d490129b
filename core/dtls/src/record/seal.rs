//! Records as they are written.

use super::header::{EPOCH_BITS, HAS_LENGTH, LONG_NUMBER, UNIFIED, UNIFIED_HEADER, VERSION_BYTES};
use super::keys::{Form, TAG};
use super::{RECORD_HEADER, Sealing, clear_12};
use crate::DtlsError;
use crate::limits::RECORD_BYTES;

impl Sealing {
    #[inline]
    pub(super) fn seal_12(
        &self,
        number: u64,
        content: u8,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), DtlsError> {
        let start = out.len();
        let whole = self.epoch << 48 | number;
        put_header(out, content, whole);
        if matches!(self.keys.form(), Form::ExplicitNonce) {
            out.extend_from_slice(&whole.to_be_bytes());
        }
        let body = out.len();
        fill(out);

        let length = out.len() - body;
        check_length(length)?;
        let clear = clear_12(whole, content, VERSION_BYTES, length);
        let tag = self.keys.seal(whole, &clear, &mut out[body..])?;
        out.extend_from_slice(&tag);
        put_length(out, start + RECORD_HEADER);
        Ok(())
    }

    #[inline]
    pub(super) fn seal_13(
        &self,
        number: u64,
        content: u8,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), DtlsError> {
        let start = out.len();
        let first = UNIFIED | LONG_NUMBER | HAS_LENGTH | (self.epoch as u8 & EPOCH_BITS);
        let [.., high, low] = number.to_be_bytes();
        out.extend_from_slice(&[first, high, low, 0, 0]);
        let body = start + UNIFIED_HEADER;
        fill(out);
        check_length(out.len() - body)?;
        out.push(content);

        // RFC 9147 §4.2.3: the number is authenticated in plain, and hidden afterwards.
        let length = (out.len() - body + TAG) as u16;
        out[body - 2..body].copy_from_slice(&length.to_be_bytes());
        let (clear, plain) = out[start..].split_at_mut(UNIFIED_HEADER);
        let tag = self.keys.seal(number, clear, plain)?;
        out.extend_from_slice(&tag);
        let mask = self.keys.mask(&out[body..]);
        out[start + 1] ^= mask[0];
        out[start + 2] ^= mask[1];
        Ok(())
    }
}

pub(super) fn seal_plain(
    number: u64,
    content: u8,
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>),
) -> Result<(), DtlsError> {
    put_header(out, content, number);
    let body = out.len();
    fill(out);
    check_length(out.len() - body)?;
    put_length(out, body);
    Ok(())
}

/// RFC 6347 §4.1 but for the length; `number` has the epoch above it.
#[inline(always)]
fn put_header(out: &mut Vec<u8>, content: u8, number: u64) {
    out.push(content);
    out.extend_from_slice(&VERSION_BYTES);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
}

/// Writes the length of the record whose content begins at `body`.
#[inline]
fn put_length(out: &mut [u8], body: usize) {
    let length = (out.len() - body) as u16;
    out[body - 2..body].copy_from_slice(&length.to_be_bytes());
}

#[inline]
fn check_length(length: usize) -> Result<(), DtlsError> {
    match length <= RECORD_BYTES {
        true => Ok(()),
        false => Err(DtlsError::library()),
    }
}
