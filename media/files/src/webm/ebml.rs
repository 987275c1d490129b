//! Elements: an identifier, a size, and as many bytes (RFC 8794 §4 to §7).

use std::io::Read;

use crate::error::{FileError, Result, truncated};
use crate::source::read_or_end;

/// A size that is not known: the element ends with its parent, or with the next one of its kind.
pub(super) const UNKNOWN_SIZE: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) id: u32,
    /// `None` if it is not known.
    pub(super) size: Option<u64>,
}

impl Header {
    /// `None` at the end.
    pub(super) fn read(source: &mut impl Read) -> Result<Option<Self>> {
        let mut first = [0];
        if !read_or_end(source, &mut first)? {
            return Ok(None);
        }
        let (id, _) = number(source, first[0], 4)?;
        source.read_exact(&mut first).map_err(truncated)?;
        let (marked, len) = number(source, first[0], 8)?;
        let bits = 7 * len;
        let size = marked & ((1 << bits) - 1);
        Ok(Some(Header {
            id: id as u32,
            // All of its bits are ones.
            size: (size + 1 != 1 << bits).then_some(size),
        }))
    }
}

/// A number behind its first byte, whose leading zeros say how long it is, marker included; and how
/// many bytes it has.
fn number(source: &mut impl Read, first: u8, longest: u32) -> Result<(u64, u32)> {
    let len = first.leading_zeros() + 1;
    if len > longest {
        return Err(FileError::Malformed("a number of EBML"));
    }
    let mut rest = [0; 7];
    let rest = &mut rest[..len as usize - 1];
    source.read_exact(rest).map_err(truncated)?;
    let number = rest
        .iter()
        .fold(u64::from(first), |n, &byte| n << 8 | u64::from(byte));
    Ok((number, len))
}

/// The elements of a master element that is in memory. Ends at the first that does not fit.
#[derive(Clone, Debug)]
pub(super) struct Children<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Children<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = Header::read(&mut self.0).ok()??;
        let size = match header.size {
            Some(size) => usize::try_from(size).ok()?,
            None => self.0.len(),
        };
        let body = self.0.get(..size)?;
        self.0 = &self.0[size..];
        Some((header.id, body))
    }
}

/// A string, which may end with zeros (RFC 8794 §7.4): GStreamer's do.
pub(super) fn string(body: &[u8]) -> &[u8] {
    body.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number of EBML without its marker at the beginning of `bytes`, as blocks have it; and the rest.
pub(super) fn vint(mut bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    bytes = &bytes[1..];
    let (marked, len) = number(&mut bytes, first, 8).ok()?;
    Some((marked & ((1 << (7 * len)) - 1), bytes))
}

/// The same, with a sign: as many numbers are below zero as above (RFC 9559 §10.3.3).
pub(super) fn signed_vint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = vint(bytes)?;
    let bits = 7 * (bytes.len() - rest.len());
    Some((number.cast_signed() - ((1 << (bits - 1)) - 1), rest))
}

/// An unsigned integer.
pub(super) fn unsigned(body: &[u8]) -> Option<u64> {
    let fits = body.len() <= 8;
    fits.then(|| body.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
}

/// Appends an element.
pub(super) fn put(out: &mut Vec<u8>, id: u32, body: &[u8]) {
    put_id(out, id);
    out.extend((body.len() as u64 | 1 << 56).to_be_bytes());
    out.extend(body);
}

pub(super) fn put_id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    out.extend(&bytes[id.leading_zeros() as usize / 8..]);
}

/// Appends an element that is a number.
pub(super) fn put_unsigned(out: &mut Vec<u8>, id: u32, number: u64) {
    let bytes = number.to_be_bytes();
    let zeros = (number.leading_zeros() as usize / 8).min(7);
    put(out, id, &bytes[zeros..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_again() {
        let mut out = Vec::new();
        put_unsigned(&mut out, 0x002a_d7b1, 1_000_000);
        put(&mut out, 0xae, b"abc");
        let all: Vec<_> = Children(&out).collect();
        assert_eq!(
            all,
            [(0x002a_d7b1, &[0x0f, 0x42, 0x40][..]), (0xae, b"abc")]
        );
        assert_eq!(unsigned(all[0].1), Some(1_000_000));
    }

    #[test]
    fn a_size_of_ones_is_not_known_however_long_it_is() {
        for size in [&[0xff][..], &[0x7f, 0xff], &UNKNOWN_SIZE] {
            let mut bytes = vec![0xae];
            bytes.extend(size);
            let header = Header::read(&mut &bytes[..]).unwrap().unwrap();
            assert_eq!(
                header,
                Header {
                    id: 0xae,
                    size: None
                }
            );
        }
    }

    #[test]
    fn numbers_that_are_too_long_or_too_short_are_refused() {
        assert!(Header::read(&mut &[0x01, 0, 0, 0, 0, 0, 0, 1, 0x81][..]).is_err());
        assert!(Header::read(&mut &[0xae, 0x00][..]).is_err());
        assert!(Header::read(&mut &[0xae, 0x40][..]).is_err());
        assert_eq!(Header::read(&mut &[][..]).unwrap(), None);
    }
}
