//! What H.264 and H.265 have in common: NAL units, as they lie in files and in packets.

use std::iter::FusedIterator;
use std::ops::Range;

use super::join::{AnnexB, Fragment, JoinError, START_CODE, join_units};
use super::parts::{self, Parts};
use super::split::{Packets, Room, SplitError};
use crate::limits::LEADING_UNITS;

/// Finds the NAL units of a frame that has start codes (H.264 and H.265, annex B). `parts` has only
/// them after it.
///
/// # Errors
///
/// [`SplitError::BadPart`] if something else stands before the first start code, or units are too
/// many; [`SplitError::Empty`] if there is none.
pub fn find_by_start_codes(frame: &[u8], parts: &mut Parts) -> Result<(), SplitError> {
    parts.clear();
    let mut start_code = next_start_code(frame, 0);
    let before = &frame[..start_code.unwrap_or(frame.len())];
    if before.iter().any(|&byte| byte != 0) {
        return Err(SplitError::BadPart);
    }

    while let Some(at) = start_code {
        let start = at + 3;
        start_code = next_start_code(frame, start);
        // trailing_zero_8bits, zero_byte: a NAL unit itself does not end with a zero.
        let unit = &frame[start..start_code.unwrap_or(frame.len())];
        let zeros = unit.iter().rev().take_while(|&&byte| byte == 0).count();
        add(start..start + unit.len() - zeros, parts)?;
    }
    not_none(parts)
}

/// Finds the NAL units of a frame where each stands behind its length in `size` bytes, 1 to 4, as MP4
/// files have them (ISO/IEC 14496-15). `parts` has only them after it.
///
/// ```
/// use duologue_rtp::payload::{Parts, nal};
///
/// let mut parts = Parts::new();
/// nal::find_by_lengths(&[0, 2, 0x68, 9, 0, 3, 0x65, 1, 2], 2, &mut parts)?;
/// assert_eq!(parts[..], [2..4, 6..9]);
/// # Ok::<(), duologue_rtp::payload::SplitError>(())
/// ```
///
/// # Errors
///
/// [`SplitError::BadPart`] if the lengths do not fit the frame, or units are too many;
/// [`SplitError::Empty`] if there is none.
pub fn find_by_lengths(frame: &[u8], size: usize, parts: &mut Parts) -> Result<(), SplitError> {
    parts.clear();
    if !(1..=4).contains(&size) {
        return Err(SplitError::BadPart);
    }
    let mut at = 0;
    while at < frame.len() {
        let length = frame.get(at..at + size).ok_or(SplitError::BadPart)?;
        let length = length.iter().fold(0, |n, &byte| n << 8 | usize::from(byte));
        let start = at + size;
        at = start + length;
        if at > frame.len() {
            return Err(SplitError::BadPart);
        }
        add(start..at, parts)?;
    }
    not_none(parts)
}

fn add(unit: Range<usize>, parts: &mut Parts) -> Result<(), SplitError> {
    let end = u32::try_from(unit.end).map_err(|_| SplitError::TooLarge)?;
    match unit.is_empty() || parts.push(unit.start as u32..end) {
        true => Ok(()),
        false => Err(SplitError::BadPart),
    }
}

fn not_none(parts: &Parts) -> Result<(), SplitError> {
    match parts.is_empty() {
        true => Err(SplitError::Empty),
        false => Ok(()),
    }
}

/// Where the next 0, 0, 1 begins.
fn next_start_code(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        while let Some((eight, _)) = bytes.get(at..)?.split_first_chunk()
            && !has_zero(u64::from_ne_bytes(*eight))
        {
            at += eight.len();
        }
        match *bytes.get(at..at + 3)? {
            [0, 0, 1] => return Some(at),
            // No start code begins with one of these three.
            [_, _, 2..=u8::MAX] => at += 3,
            _ => at += 1,
        }
    }
}

/// Whether one of eight bytes is 0: only that borrows into a highest bit that was not set.
fn has_zero(eight: u64) -> bool {
    let ones = u64::from_ne_bytes([0x01; 8]);
    let highest = u64::from_ne_bytes([0x80; 8]);
    eight.wrapping_sub(ones) & !eight & highest != 0
}

/// What differs between the two.
pub(crate) trait Nal {
    /// Bytes of a NAL unit's header.
    const HEADER: usize;

    /// Whether it is one, and RTP has no other meaning for its type.
    fn is_unit(unit: &[u8]) -> bool;

    /// Takes the header of one more unit into that of the aggregate they are in; `None` if it is the
    /// first.
    fn aggregate(aggregate: Option<[u8; 2]>, unit: &[u8]) -> [u8; 2];

    /// What stands before a fragment of a unit, and its length.
    fn fragment(unit: &[u8], begins: bool, ends: bool) -> ([u8; 3], usize);

    fn role(unit: &[u8]) -> Role;
}

/// What a unit is to its picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// A part of its content: a VCL NAL unit.
    Slice,
    ParameterSet,
    /// An access unit delimiter: the first of its picture.
    Delimiter,
    Other,
}

/// NAL units of one timestamp as a frame behind start codes, without parameter sets that come again behind a slice:
/// for a decoder they would begin another picture (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4). GStreamer's rtph264pay sends
/// them before every slice of a key frame (`config-interval=-1`, 1.22.0).
pub(crate) fn join<'a, N: Nal>(
    units: impl Iterator<Item = Result<Fragment<'a>, JoinError>> + Clone,
    limit: usize,
    frame: &mut Vec<u8>,
    parts: &mut Parts,
) -> Result<(), JoinError> {
    let first = parts.len();
    join_units(&AnnexB, units, limit, frame, parts)?;
    let role = |part: &Range<u32>| N::role(parts::bytes(frame, part));
    let slice = parts[first..].iter().position(|it| role(it) == Role::Slice);
    let slice = first + slice.unwrap_or_default();
    let repeats = |part: &Range<u32>| {
        let sets = parts[first..slice].iter().take(LEADING_UNITS);
        let bytes = parts::bytes(frame, part);
        let mut known = sets.map(|it| parts::bytes(frame, it));
        role(part) == Role::ParameterSet && known.any(|it| it == bytes)
    };
    let kept: Vec<Range<u32>> = match parts[slice..].iter().any(repeats) {
        true => {
            let kept = parts[slice..].iter().filter(|part| !repeats(part));
            kept.cloned().collect()
        }
        false => return Ok(()),
    };

    let start_code = START_CODE.len();
    parts.truncate(slice);
    // A slice is the first of them: it stays where it is.
    let mut end = kept.first().map_or(0, |it| it.start as usize - start_code);
    for part in kept {
        let unit = part.start as usize - start_code..part.end as usize;
        let start = end + start_code;
        end += unit.len();
        frame.copy_within(unit, start - start_code);
        parts.push(start as u32..end as u32);
    }
    frame.truncate(end);
    Ok(())
}

/// Small units together in one packet, as many as fit; large ones in fragments.
pub(crate) fn split<N: Nal>(
    frame: &[u8],
    parts: &[Range<u32>],
    room: Room,
    packets: &mut Packets,
) -> Result<(), SplitError> {
    check::<N>(frame, parts)?;
    let mut index = 0;
    while index < parts.len() {
        let end = index + together::<N>(parts, index, room, packets.is_empty());
        match &parts[index..end] {
            [] => {
                let first = packets.is_empty();
                let room = room.of_part(first, index + 1 == parts.len());
                fragment::<N>(frame, &parts[index], room, packets)?;
                index += 1;
                continue;
            }
            [unit] => packets.packet(&[], unit.clone()),
            units => aggregate::<N>(frame, units, packets),
        }
        index = end;
    }
    Ok(())
}

/// Each unit in a packet.
pub(crate) fn split_single<N: Nal>(
    frame: &[u8],
    parts: &[Range<u32>],
    room: Room,
    packets: &mut Packets,
) -> Result<(), SplitError> {
    check::<N>(frame, parts)?;
    super::split_whole(frame, parts, room, packets)
}

fn check<N: Nal>(frame: &[u8], parts: &[Range<u32>]) -> Result<(), SplitError> {
    let unit = |part: &Range<u32>| N::is_unit(parts::bytes(frame, part));
    match parts.iter().all(unit) {
        true => Ok(()),
        false => Err(SplitError::BadPart),
    }
}

/// How many units from this one on fit into the next packet; none if this one alone does not.
fn together<N: Nal>(parts: &[Range<u32>], index: usize, room: Room, first: bool) -> usize {
    let mut bytes = N::HEADER;
    let mut fit = 0;
    for (count, part) in parts[index..].iter().enumerate() {
        bytes += 2 + part.len();
        let alone = count == 0;
        let needed = if alone { part.len() } else { bytes };
        let last = index + count + 1 == parts.len();
        // Lengths in an aggregate have 16 bits.
        if needed > room.of(first, last) || part.len() > 0xffff {
            // What fits without the last packet's extensions may go on, but not end, here.
            break;
        }
        fit = count + 1;
    }
    fit
}

/// RFC 6184 §5.7.1 and RFC 7798 §4.4.2.
fn aggregate<N: Nal>(frame: &[u8], units: &[Range<u32>], packets: &mut Packets) {
    let bytes = |unit| parts::bytes(frame, unit);
    let header = |header, unit| Some(N::aggregate(header, bytes(unit)));
    let header = units.iter().fold(None, header).unwrap_or_default();
    for (index, unit) in units.iter().enumerate() {
        let [high, low] = (unit.len() as u16).to_be_bytes();
        match (index, N::HEADER) {
            (0, 1) => packets.piece(&[header[0], high, low], unit.clone()),
            (0, _) => packets.piece(&[header[0], header[1], high, low], unit.clone()),
            _ => packets.piece(&[high, low], unit.clone()),
        }
    }
    packets.end_packet();
}

/// RFC 6184 §5.8 and RFC 7798 §4.4.3: the unit's header is in that of each fragment.
fn fragment<N: Nal>(
    frame: &[u8],
    unit: &Range<u32>,
    room: Room,
    packets: &mut Packets,
) -> Result<(), SplitError> {
    let bytes = parts::bytes(frame, unit);
    let len = bytes.len().saturating_sub(N::HEADER);
    let cut = room.less(N::HEADER + 1, 0).and_then(|room| room.cut(len));
    // A unit in one fragment may not be: it would have fitted whole.
    let cut = cut.filter(|cut| cut.packets() > 1);
    let mut cut = cut.ok_or(SplitError::NoRoom)?;

    let mut at = unit.start + N::HEADER as u32;
    let mut begins = true;
    while let Some(len) = cut.next() {
        let (prefix, prefix_len) = N::fragment(bytes, begins, cut.packets() == 0);
        packets.packet(&prefix[..prefix_len], at..at + len as u32);
        at += len as u32;
        begins = false;
    }
    Ok(())
}

/// The units of one payload, and pieces of them.
#[derive(Clone, Debug)]
pub(crate) enum Fragments<'a> {
    /// One at most, or what is wrong.
    One(Option<Result<Fragment<'a>, JoinError>>),
    /// Whole ones behind their lengths, each with so many bytes before that are skipped.
    Aggregate {
        rest: &'a [u8],
        skip: usize,
        /// Whether it is one that may stand there.
        is_unit: fn(&[u8]) -> bool,
    },
}

impl<'a> Fragments<'a> {
    pub(crate) fn one(fragment: Fragment<'a>) -> Self {
        Fragments::One(Some(Ok(fragment)))
    }

    pub(crate) fn wrong(error: JoinError) -> Self {
        Fragments::One(Some(Err(error)))
    }
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Result<Fragment<'a>, JoinError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (rest, skip, is_unit) = match self {
            Fragments::One(fragment) => return fragment.take(),
            Fragments::Aggregate { rest: [], .. } => return None,
            Fragments::Aggregate {
                rest,
                skip,
                is_unit,
            } => (*rest, *skip, *is_unit),
        };
        let unit = behind_length(rest.get(skip..).unwrap_or_default());
        match unit.filter(|(unit, _)| is_unit(unit)) {
            Some((unit, rest)) => {
                *self = Fragments::Aggregate {
                    rest,
                    skip,
                    is_unit,
                };
                Some(Ok(Fragment::whole(unit)))
            }
            None => {
                *self = Fragments::One(None);
                Some(Err(JoinError::Malformed))
            }
        }
    }
}

impl FusedIterator for Fragments<'_> {}

/// What has the length that stands before it, and what follows.
fn behind_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_start_codes(frame: &[u8]) -> Result<Parts, SplitError> {
        let mut parts = Parts::new();
        find_by_start_codes(frame, &mut parts).map(|()| parts)
    }

    #[test]
    fn units_lie_between_start_codes_of_three_or_four_bytes() {
        let frame = [
            0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 0, 0, 2, 0, 0,
        ];
        let parts = by_start_codes(&frame).expect("units");
        assert_eq!(parts[..], [4..6, 9..10, 14..18]);
    }

    #[test]
    fn a_frame_without_start_code_has_no_units() {
        assert_eq!(by_start_codes(&[]), Err(SplitError::Empty));
        assert_eq!(by_start_codes(&[0, 0]), Err(SplitError::Empty));
        assert_eq!(by_start_codes(&[0, 0, 1]), Err(SplitError::Empty));
        assert_eq!(by_start_codes(&[0, 0, 2, 9]), Err(SplitError::BadPart));
        assert_eq!(by_start_codes(&[7, 0, 0, 1, 9]), Err(SplitError::BadPart));
    }

    #[test]
    fn units_lie_behind_their_lengths() {
        let mut parts = Parts::new();
        let frame = [0, 0, 0, 2, 0x67, 1, 0, 0, 0, 1, 0x68];
        assert_eq!(find_by_lengths(&frame, 4, &mut parts), Ok(()));
        assert_eq!(parts[..], [4..6, 10..11]);
        assert_eq!(find_by_lengths(&[1, 9, 0, 1, 8], 1, &mut parts), Ok(()));
        assert_eq!(parts[..], [1..2, 4..5]);
        for bad in [&[0, 9, 1][..], &[0, 1, 1, 0]] {
            let result = find_by_lengths(bad, 2, &mut parts);
            assert_eq!(result, Err(SplitError::BadPart), "{bad:?}");
        }
    }

    #[test]
    fn too_many_units_are_refused() {
        let frame = [0, 0, 1, 9].repeat(5_000);
        assert_eq!(by_start_codes(&frame), Err(SplitError::BadPart));
    }
}
