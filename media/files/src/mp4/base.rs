//! Where the data of a fragment is, counted from the file's beginning: ffmpeg writes it so where it is not told otherwise.

use std::ops::Range;

use super::claim::split_box;

/// Lets the tracks of a `moof`, with which `data` begins and which is at `position` of its file, count from it
/// instead (ISO/IEC 14496-12 §8.8.7): the demuxer takes nothing else. A track that cannot do so stays as it is.
pub(super) fn rebase(data: &mut [u8], position: u64) {
    let whole = 0..data.len();
    let Some((b"moof", fragment)) = children(data, whole).next() else {
        return;
    };
    let tracks: Vec<_> = of_kind(data, fragment, b"traf").collect();
    for track in tracks {
        // Nothing was changed where something was missing.
        let _ = rebase_track(data, track, position);
    }
}

fn rebase_track(data: &mut [u8], track: Range<usize>, position: u64) -> Option<()> {
    let header = of_kind(data, track.clone(), b"tfhd").next()?;
    let flags = u32_at(data, header.start)?;
    // Flags and the track's number, the base, and at its front the box's size and type.
    let base = header.start + 8;
    if flags & HAS_BASE == 0 || header.len() < 16 {
        return None;
    }
    let size = header.start.checked_sub(8)?;
    let len = u32_at(data, size).filter(|len| *len as usize == header.len() + 8)?;
    let from_file = u64::from_be_bytes(data.get(base..base + 8)?.try_into().ok()?);
    let shift = i128::from(from_file) - i128::from(position);

    let runs = of_kind(data, track, b"trun").map(|run| {
        let flags = u32_at(data, run.start)?;
        let offset = u32_at(data, run.start + 8).filter(|_| flags & HAS_OFFSET != 0)?;
        let shifted = i128::from(offset.cast_signed()) + shift;
        Some((run.start + 8, i32::try_from(shifted).ok()?))
    });
    let runs: Vec<(usize, i32)> = runs.collect::<Option<_>>()?;

    for (at, offset) in runs {
        data[at..at + 4].copy_from_slice(&offset.to_be_bytes());
    }
    let flags = flags & !HAS_BASE | FROM_FRAGMENT;
    data[header.start..header.start + 4].copy_from_slice(&flags.to_be_bytes());
    data[size..size + 4].copy_from_slice(&(len - 8).to_be_bytes());
    // What is behind the base takes its place, and an empty box the place at the end.
    data.copy_within(base + 8..header.end, base);
    data[header.end - 8..header.end].copy_from_slice(b"\0\0\0\x08free");
    Some(())
}

const HAS_BASE: u32 = 1;
const FROM_FRAGMENT: u32 = 0x02_0000;
const HAS_OFFSET: u32 = 1;

pub(super) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at + 4)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// The boxes of a place: their types, and where their contents are.
pub(super) fn children(
    data: &[u8],
    place: Range<usize>,
) -> impl Iterator<Item = (&[u8; 4], Range<usize>)> + '_ {
    let mut at = place.start;
    std::iter::from_fn(move || {
        let (kind, content, rest) = split_box(&data[at..place.end])?;
        at = place.end - rest.len();
        Some((kind, at - content.len()..at))
    })
}

pub(super) fn of_kind<'d>(
    data: &'d [u8],
    place: Range<usize>,
    kind: &'d [u8; 4],
) -> impl Iterator<Item = Range<usize>> + 'd {
    let boxes = children(data, place).filter(move |(it, _)| *it == kind);
    boxes.map(|(_, content)| content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, content].concat()
    }

    /// A track's header with a base and a default size, and a run of one sample.
    fn fragment(base: u64, run: &[u32]) -> Vec<u8> {
        let words = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_be_bytes()).collect()
        };
        let header = [
            words(&[0x11, 1]),
            base.to_be_bytes().to_vec(),
            words(&[700]),
        ]
        .concat();
        let track = [boxed(b"tfhd", &header), boxed(b"trun", &words(run))].concat();
        boxed(b"moof", &boxed(b"traf", &track))
    }

    #[test]
    fn offsets_from_the_files_beginning_become_those_from_the_fragment() {
        let mut data = fragment(1_000, &[1, 1, 50]);
        let len = data.len();
        rebase(&mut data, 990);
        assert_eq!(data.len(), len);
        let header = [0, 2, 0, 0x10, 0, 0, 0, 1, 0, 0, 2, 0xbc];
        let track = [
            boxed(b"tfhd", &header),
            boxed(b"free", &[]),
            boxed(b"trun", &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 60]),
        ];
        assert_eq!(data, boxed(b"moof", &boxed(b"traf", &track.concat())));
    }

    #[test]
    fn what_cannot_count_from_the_fragment_stays() {
        for (base, run) in [(u64::MAX, &[1, 1, 50][..]), (1_000, &[0, 1]), (1_000, &[1])] {
            let before = fragment(base, run);
            let mut data = before.clone();
            rebase(&mut data, 990);
            assert_eq!(data, before);
        }
    }

    #[test]
    fn what_is_cut_off_is_left_alone() {
        let whole = fragment(1_000, &[1, 1, 50]);
        for len in 0..whole.len() {
            let mut data = whole[..len].to_vec();
            rebase(&mut data, 990);
            assert_eq!(data.len(), len);
        }
    }
}
