//! What files of QuickTime have that those of MP4 do not have.

use std::ops::Range;

use super::base::{children, of_kind, u32_at};

/// The boxes in a sample entry may end with a zero of 32 bits, as lists of QuickTime do (QuickTime File Format,
/// "Atoms"), and those of GStreamer's `qtmux` always. The demuxer takes that for a box that is cut off: it becomes
/// part of the box before, which none of ours reads to its end.
pub(super) fn give_terminators_away(data: &mut [u8]) {
    let mut places: Vec<_> = std::iter::once(0..data.len()).collect();
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"] {
        let inner = places.into_iter();
        places = inner
            .flat_map(|place| of_kind(data, place, kind).collect::<Vec<_>>())
            .collect();
    }
    let entries = places.into_iter().flat_map(|table| {
        // Behind flags and the number of entries.
        let entries = children(data, (table.start + 8).min(table.end)..table.end);
        let pictures = entries.filter(|(kind, _)| PICTURES.contains(kind));
        pictures.map(|(_, content)| content).collect::<Vec<_>>()
    });
    let grown: Vec<_> = entries.filter_map(|entry| last_box(data, entry)).collect();
    for (size, len) in grown {
        data[size..size + 4].copy_from_slice(&(len + 4).to_be_bytes());
    }
}

/// Where the size of the last box of an entry stands that a terminator follows, and what it is.
fn last_box(data: &[u8], entry: Range<usize>) -> Option<(usize, u32)> {
    let boxes = entry
        .start
        .checked_add(FIELDS)
        .filter(|it| *it <= entry.end)?..entry.end;
    let (_, last) = children(data, boxes).last()?;
    if data.get(last.end..entry.end)? != [0; 4].as_slice() {
        return None;
    }
    let size = last.start.checked_sub(8)?;
    let len = u32_at(data, size).filter(|len| *len as usize == last.len() + 8)?;
    Some((size, len))
}

/// Sample entries of ours that are of pictures.
const PICTURES: [&[u8; 4]; 7] = [
    b"avc1", b"avc3", b"hvc1", b"hev1", b"vp08", b"vp09", b"av01",
];
/// Bytes of what an entry of pictures has before its boxes (ISO/IEC 14496-12 §12.1.3).
const FIELDS: usize = 78;
