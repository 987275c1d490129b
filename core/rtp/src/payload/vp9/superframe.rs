//! Several frames that belong together (VP9 bitstream specification, annex B): one behind another, and
//! at the end an index of their sizes. Without it most decoders see the first frame alone.

use std::ops::Range;

use crate::payload::parts::Parts;

/// The index's first and last byte: a marker, the bytes that a size takes less one, how many frames
/// there are less one.
const MARKER: u8 = 0xc0;
const MARKER_MASK: u8 = 0xe0;
const MAX_FRAMES: usize = 8;

/// More layers than an index can name.
#[derive(Debug)]
pub(super) struct TooMany;

/// Appends the index of these frames, if there are several, which are at the end of `out`.
pub(super) fn append_index(frames: &[Range<u32>], out: &mut Vec<u8>) -> Result<(), TooMany> {
    if frames.len() < 2 {
        return Ok(());
    }
    if frames.len() > MAX_FRAMES {
        return Err(TooMany);
    }
    let lens = frames.iter().map(|frame| frame.end - frame.start);
    let longest = lens.clone().max().unwrap_or_default();
    let size_bytes = (u32::BITS - longest.leading_zeros()).div_ceil(8).max(1) as usize;
    let marker = MARKER | (size_bytes as u8 - 1) << 3 | (frames.len() as u8 - 1);

    out.push(marker);
    for len in lens {
        out.extend_from_slice(&len.to_le_bytes()[..size_bytes]);
    }
    out.push(marker);
    Ok(())
}

/// The frames of a superframe. False, and `parts` is empty, if it is none.
pub(super) fn find_parts(frame: &[u8], parts: &mut Parts) -> bool {
    let found = read_index(frame, parts).is_some();
    if !found {
        parts.clear();
    }
    found
}

fn read_index(frame: &[u8], parts: &mut Parts) -> Option<()> {
    let (&marker, _) = frame.split_last()?;
    if marker & MARKER_MASK != MARKER {
        return None;
    }
    let size_bytes = usize::from(marker >> 3 & 3) + 1;
    let count = usize::from(marker & 7) + 1;
    let frames_len = frame.len().checked_sub(2 + count * size_bytes)?;
    let (&first, sizes) = frame.get(frames_len..frame.len() - 1)?.split_first()?;
    if first != marker {
        return None;
    }

    let mut at = 0;
    for size in sizes.chunks_exact(size_bytes) {
        let mut bytes = [0; 4];
        bytes[..size_bytes].copy_from_slice(size);
        let len = u32::from_le_bytes(bytes);
        let end = len
            .checked_add(at)
            .filter(|&end| end as usize <= frames_len)?;
        if len == 0 || !parts.push(at..end) {
            return None;
        }
        at = end;
    }
    (at as usize == frames_len).then_some(())
}
