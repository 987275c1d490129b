//! Reading with bounds.

use std::io::{ErrorKind, Read};

use bytes::Bytes;

use crate::error::{FileError, Result};
use crate::limits::FRAME_BYTES;

/// What a file says is longer than this is believed when it is there.
const BELIEVED: usize = 64 << 10;

/// Fills the buffer; `false` if the source ends right here.
pub(crate) fn read_or_end(source: &mut impl Read, buffer: &mut [u8]) -> Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(FileError::cut()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Exactly so many bytes of a frame.
pub(crate) fn frame_bytes(source: &mut impl Read, len: usize) -> Result<Bytes> {
    exactly(source, len, FRAME_BYTES).map(Bytes::from)
}

/// Exactly so many bytes, if `most` allows it. No more memory is taken than there are bytes.
pub(crate) fn exactly(source: &mut impl Read, len: usize, most: usize) -> Result<Vec<u8>> {
    if len > most {
        return Err(FileError::TooLarge);
    }
    let mut data = Vec::with_capacity(len.min(BELIEVED));
    source.take(len as u64).read_to_end(&mut data)?;
    match data.len() == len {
        true => Ok(data),
        false => Err(FileError::cut()),
    }
}

/// Passes over so many bytes.
pub(crate) fn skip(source: &mut impl Read, len: u64) -> Result<()> {
    let skipped = std::io::copy(&mut source.take(len), &mut std::io::sink())?;
    match skipped == len {
        true => Ok(()),
        false => Err(FileError::cut()),
    }
}
