//! What files of QuickTime have that those of MP4 do not have, or have otherwise.

use std::ops::Range;

use super::base::{children, of_kind, u32_at};

/// Makes sample entries of QuickTime into such as the demuxer takes, which refuses a whole file because of one. What
/// is of no codec of ours is none of its business.
pub(super) fn adapt(data: &mut [u8]) {
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
        entries
            .map(|(kind, content)| (*kind, content))
            .collect::<Vec<_>>()
    });
    let entries: Vec<_> = entries.collect();
    for (kind, entry) in entries {
        // Nothing was changed where something was missing.
        let _ = match &kind {
            kind if PICTURES.contains(&kind) => give_terminator_away(data, &entry, FIELDS),
            b"Opus" => adapt_sound(data, &entry),
            kind if FOREIGN.contains(&kind) => hide(data, kind, &entry),
            _ => None,
        };
    }
}

/// The boxes in an entry may end with a zero of 32 bits, as lists of QuickTime do (QuickTime File Format, "Atoms"),
/// and those of GStreamer's `qtmux` always. The demuxer takes that for a box that is cut off: it becomes part of the
/// box before, which none of ours reads to its end.
fn give_terminator_away(data: &mut [u8], entry: &Range<usize>, fields: usize) -> Option<()> {
    let begins = entry.start.checked_add(fields);
    let boxes = begins.filter(|it| *it <= entry.end)?..entry.end;
    let (_, last) = children(data, boxes).last()?;
    if data.get(last.end..entry.end)? != [0; 4].as_slice() {
        return None;
    }
    let size = last.start.checked_sub(8)?;
    let len = u32_at(data, size).filter(|len| *len as usize == last.len() + 8)?;
    data[size..size + 4].copy_from_slice(&(len + 4).to_be_bytes());
    Some(())
}

/// A description of sound of version 1 has four numbers of 32 bits more (QuickTime File Format, "Sound Sample
/// Description (Version 1)"): what is behind them takes their place, and an empty box the place at the end.
fn adapt_sound(data: &mut [u8], entry: &Range<usize>) -> Option<()> {
    let version = entry.start + 8..entry.start + 10;
    let more = entry.start + SOUND_FIELDS..entry.start + SOUND_FIELDS + 16;
    match data.get(version.clone())? {
        [0, 0] => return give_terminator_away(data, entry, SOUND_FIELDS),
        [0, 1] if more.end <= entry.end && entry.end <= data.len() => {}
        _ => return None,
    }
    give_terminator_away(data, entry, SOUND_FIELDS + 16);
    data.copy_within(more.end..entry.end, more.start);
    let free = entry.end - 16..entry.end;
    data[free].copy_from_slice(b"\0\0\0\x10free\0\0\0\0\0\0\0\0");
    data[version].fill(0);
    Some(())
}

/// Under a type that nobody knows.
fn hide(data: &mut [u8], kind: &[u8; 4], entry: &Range<usize>) -> Option<()> {
    let known = data.get_mut(entry.start.checked_sub(4)?..entry.start)?;
    let known = (known == kind).then_some(known)?;
    known.copy_from_slice(b"free");
    Some(())
}

/// Sample entries of ours that are of pictures.
const PICTURES: [&[u8; 4]; 7] = [
    b"avc1", b"avc3", b"hvc1", b"hev1", b"vp08", b"vp09", b"av01",
];
/// Those that the demuxer reads and that are none of ours.
const FOREIGN: [&[u8; 4]; 5] = [b"mp4a", b"fLaC", b"stpp", b"wvtt", b"tx3g"];
/// Bytes of what an entry of pictures has before its boxes (ISO/IEC 14496-12 §12.1.3).
const FIELDS: usize = 78;
/// Those of an entry of sound (§12.2.3).
const SOUND_FIELDS: usize = 28;
