//! H.265 in RTP (RFC 7798), one stream, units in decoding order.

use std::ops::Range;

use super::bits::Bits;
use super::join::{Fragment, Head, JoinError};
use super::nal::{Fragments, Nal, Role};
use super::parts;
use super::{Boundary, FrameInfo, FrameSize, GoesUp, PacketInfo};

/// What a sequence parameter set says (H.265 §7.3.2.2) of the pictures that are coded by it.
///
/// ```
/// use duologue_rtp::payload::h265::SequenceParameterSet;
///
/// // x265's, up to the size.
/// let unit = [
///     0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x78, 0xa0, 3, 0xc0, 0x80, 0x11,
///     0x07, 0xcb,
/// ];
/// let sps = SequenceParameterSet::parse(&unit).unwrap();
/// assert_eq!((sps.size.width, sps.size.height), (1920, 1080));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SequenceParameterSet {
    /// `general_profile_idc`
    pub profile: u8,
    /// `general_tier_flag`: the high tier.
    pub high_tier: bool,
    /// `general_level_idc`
    pub level: u8,
    /// The size of the pictures as they are coded: what a decoder needs room for.
    pub coded_size: FrameSize,
    /// The size of the pictures, without what the conformance window leaves out.
    pub size: FrameSize,
}

impl SequenceParameterSet {
    /// Reads a NAL unit; `None` if it is no sequence parameter set of the base layer.
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let header = Header::of(unit)?;
        if header.kind != SPS || header.layer != 0 {
            return None;
        }
        let mut bits = Bits::of_nal(unit);
        // The header; sps_video_parameter_set_id
        bits.skip(16 + 4)?;
        let sub_layers = bits.read(3)?;
        // sps_temporal_id_nesting_flag; general_profile_space
        bits.skip(1 + 2)?;
        let high_tier = bits.bit()?;
        let profile = bits.read(5)?;
        bits.skip(32 + 48)?;
        let level = bits.read(8)?;
        skip_sub_layers(&mut bits, sub_layers)?;
        let (coded_size, size) = sizes(&mut bits)?;

        Some(SequenceParameterSet {
            profile: profile as u8,
            high_tier,
            level: level as u8,
            coded_size,
            size,
        })
    }
}

/// H.265 §7.3.3, the part about sub-layers.
fn skip_sub_layers(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    let mut told = 0;
    for _ in 0..sub_layers {
        let (profile, level) = (bits.bit()?, bits.bit()?);
        told += if profile { 88 } else { 0 } + if level { 8 } else { 0 };
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    bits.skip(told)
}

/// As coded, and within the conformance window.
fn sizes(bits: &mut Bits<'_>) -> Option<(FrameSize, FrameSize)> {
    // sps_seq_parameter_set_id
    bits.unsigned()?;
    let format = bits.unsigned()?;
    if format == 3 {
        // separate_colour_plane_flag: with it and without, the window counts in single samples.
        bits.skip(1)?;
    }
    let (width, height) = (bits.unsigned()?, bits.unsigned()?);
    let coded = FrameSize { width, height };
    let mut size = coded;
    if bits.bit()? {
        // H.265 table 6-1.
        let (across, down) = match format {
            0 | 3 => (1, 1),
            1 => (2, 2),
            2 => (2, 1),
            _ => return None,
        };
        let mut next = || bits.unsigned();
        let (left, right, top, bottom) = (next()?, next()?, next()?, next()?);
        let across = left.checked_add(right)?.checked_mul(across)?;
        let down = top.checked_add(bottom)?.checked_mul(down)?;
        size.width = width.checked_sub(across)?;
        size.height = height.checked_sub(down)?;
    }
    (size.width > 0 && size.height > 0).then_some((coded, size))
}

pub(crate) fn is_picture_parameter_set(unit: &[u8]) -> bool {
    Header::of(unit).is_some_and(|header| header.kind == PPS)
}

/// Of the parameter sets in a frame.
pub(crate) fn coded_sizes(frame: &[u8], parts: &[Range<u32>]) -> impl Iterator<Item = FrameSize> {
    let units = parts.iter().map(|part| parts::bytes(frame, part));
    let sets = units.filter_map(SequenceParameterSet::parse);
    sets.map(|set| set.coded_size)
}

/// That of a NAL unit (H.265 §7.3.1.2), which a payload begins with, too.
#[derive(Clone, Copy, Debug)]
struct Header {
    kind: u8,
    layer: u8,
    temporal: u8,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let &[high, low, ..] = bytes else {
            return None;
        };
        Some(Header {
            kind: high >> 1 & 0x3f,
            layer: (high & 1) << 5 | low >> 3,
            temporal: (low & 7).saturating_sub(1),
        })
    }
}

/// RFC 7798 §4.4, as it is sent: without decoding order numbers.
pub(crate) struct H265;

impl Nal for H265 {
    const HEADER: usize = 2;

    fn is_unit(unit: &[u8]) -> bool {
        Header::of(unit).is_some_and(|header| header.kind < AGGREGATE)
    }

    /// RFC 7798 §4.4.2: F is set if any unit's is, layer and temporal layer are the lowest.
    fn aggregate(aggregate: Option<[u8; 2]>, unit: &[u8]) -> [u8; 2] {
        let unit = [unit[0], unit[1]];
        let before = aggregate.unwrap_or(unit);
        let layer = |header: [u8; 2]| (header[0] & 1) << 5 | header[1] >> 3;
        let layer = layer(before).min(layer(unit));
        let temporal = (before[1] & 7).min(unit[1] & 7);
        let forbidden = (before[0] | unit[0]) & FORBIDDEN;
        [
            forbidden | AGGREGATE << 1 | layer >> 5,
            layer << 3 | temporal,
        ]
    }

    fn fragment(unit: &[u8], begins: bool, ends: bool) -> ([u8; 3], usize) {
        let flags = u8::from(begins) << 7 | u8::from(ends) << 6;
        let high = unit[0] & !TYPE | FRAGMENT << 1;
        ([high, unit[1], flags | unit[0] >> 1 & 0x3f], 3)
    }

    fn role(unit: &[u8]) -> Role {
        match Header::of(unit).map(|header| header.kind) {
            Some(..=SLICES_LAST) => Role::Slice,
            Some(VPS..=PPS) => Role::ParameterSet,
            Some(DELIMITER) => Role::Delimiter,
            _ => Role::Other,
        }
    }
}

/// The units of one payload, and pieces of them. `don`: decoding order numbers stand in it
/// (RFC 7798 §4.4: if `sprop-max-don-diff` is above 0).
pub(crate) fn fragments(payload: &[u8], don: bool) -> Fragments<'_> {
    let malformed = Fragments::wrong(JoinError::Malformed);
    let Some((&[high, low], rest)) = payload.split_first_chunk() else {
        return malformed;
    };
    let number = if don { 2 } else { 0 };
    match high >> 1 & 0x3f {
        FRAGMENT => fragment([high, low], rest, number).unwrap_or(malformed),
        AGGREGATE => match rest.get(number..) {
            // The first number has two bytes, the difference before each further unit one. An
            // aggregate begins with one byte more, so that all its units look alike.
            Some(units) if !units.is_empty() => Fragments::Aggregate {
                rest: if don { &rest[1..] } else { units },
                skip: usize::from(don),
                is_unit: H265::is_unit,
            },
            _ => malformed,
        },
        0..AGGREGATE if don => match rest.split_at_checked(number) {
            // The number stands between the header and the rest of the unit.
            Some((_, data)) => Fragments::one(Fragment {
                head: Head::two([high, low]),
                data,
                begins: true,
                ends: true,
            }),
            None => malformed,
        },
        0..AGGREGATE => Fragments::one(Fragment::whole(payload)),
        // PACI, and what is not assigned.
        _ => Fragments::wrong(JoinError::Unsupported),
    }
}

/// RFC 7798 §4.4.3
fn fragment(header: [u8; 2], rest: &[u8], number: usize) -> Option<Fragments<'_>> {
    let (&flags, rest) = rest.split_first()?;
    let kind = flags & 0x3f;
    if kind >= AGGREGATE {
        return None;
    }
    let begins = flags & 0x80 != 0;
    let (head, data) = match begins {
        true => {
            let head = Head::two([header[0] & !TYPE | kind << 1, header[1]]);
            (head, rest.get(number..)?)
        }
        false => (Head::default(), rest),
    };
    Some(Fragments::one(Fragment {
        head,
        data,
        begins,
        ends: flags & 0x40 != 0,
    }))
}

pub(crate) fn packet_info(payload: &[u8], don: bool) -> Result<PacketInfo<'_>, JoinError> {
    let header = Header::of(payload).ok_or(JoinError::Malformed)?;
    let mut info = PacketInfo {
        begins: Boundary::No,
        ends: Boundary::No,
        spatial: (header.layer > 0).then_some(header.layer),
        temporal: Some(header.temporal),
        ..PacketInfo::default()
    };
    for (index, fragment) in fragments(payload, don).enumerate() {
        let fragment = fragment?;
        let kind = match *payload {
            [_, _, flags, ..] if header.kind == FRAGMENT => flags & 0x3f,
            _ if header.kind < AGGREGATE => header.kind,
            _ => Header::of(fragment.data).map_or(AGGREGATE, |header| header.kind),
        };
        if index == 0 && fragment.begins {
            // H.265 §7.4.2.4.4: an access unit delimiter is the first of its picture.
            let delimiter = kind == DELIMITER;
            info.begins = if delimiter {
                Boundary::Certain
            } else {
                Boundary::Possible
            };
        }
        info.ends = if fragment.ends {
            Boundary::Possible
        } else {
            Boundary::No
        };
        let slice = kind <= SLICES_LAST && fragment.begins;
        info.first_slice |= slice && fragment.begins_with_one(2);
        info.parameter_sets |= matches!(kind, VPS..PPS) && fragment.begins;
        match kind {
            // Parameter sets come before key frames.
            IRAP_FIRST..=IRAP_LAST | VPS..=PPS => info.key = Some(true),
            0..=SLICES_LAST if info.key.is_none() => info.key = Some(false),
            _ => {}
        }
        match kind {
            TSA_N | TSA_R => info.goes_up = GoesUp::OwnAndAbove,
            STSA_N | STSA_R => info.goes_up = GoesUp::Own,
            _ => {}
        }
    }
    Ok(info)
}

pub(crate) fn frame_info(frame: &[u8], parts: &[Range<u32>]) -> FrameInfo {
    let mut info = FrameInfo::default();
    for part in parts {
        let unit = parts::bytes(frame, part);
        let Some(header) = Header::of(unit) else {
            continue;
        };
        match header.kind {
            0..=SLICES_LAST => {
                info.key |= (IRAP_FIRST..=IRAP_LAST).contains(&header.kind);
                info.temporal = Some(header.temporal);
                info.spatial = (header.layer > 0).then_some(header.layer);
            }
            SPS if header.layer == 0 => {
                info.parameter_sets = true;
                info.size = SequenceParameterSet::parse(unit).map(|sps| sps.size);
            }
            _ => {}
        }
    }
    info
}

const FORBIDDEN: u8 = 0x80;
const TYPE: u8 = 0x7e;
// Types (H.265 table 7-1, RFC 7798 §4.4).
const TSA_N: u8 = 2;
const TSA_R: u8 = 3;
const STSA_N: u8 = 4;
const STSA_R: u8 = 5;
const IRAP_FIRST: u8 = 16;
const IRAP_LAST: u8 = 23;
/// Types above it are no slices.
const SLICES_LAST: u8 = 31;
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;
const DELIMITER: u8 = 35;
const AGGREGATE: u8 = 48;
const FRAGMENT: u8 = 49;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::{joined, payloads};
    use crate::payload::{Descriptor, Parts, PayloadFormat, Room};

    const FORMAT: PayloadFormat = PayloadFormat::H265 { numbered: false };
    const NUMBERED: PayloadFormat = PayloadFormat::H265 { numbered: true };

    fn unit(kind: u8, temporal: u8, len: usize) -> Vec<u8> {
        let mut unit = vec![kind << 1, temporal + 1];
        unit.extend((2..len).map(|n| (n % 255) as u8 + 1));
        unit
    }

    fn annex_b(units: &[Vec<u8>]) -> (Vec<u8>, Parts) {
        let mut frame = Vec::new();
        for unit in units {
            frame.extend_from_slice(&[0, 0, 0, 1]);
            frame.extend_from_slice(unit);
        }
        let mut parts = Parts::new();
        assert_eq!(FORMAT.find_parts(&frame, &mut parts), Ok(()));
        (frame, parts)
    }

    #[test]
    fn small_units_go_together_and_large_ones_in_fragments() {
        let frame = annex_b(&[
            unit(VPS, 0, 20),
            unit(SPS, 0, 30),
            unit(PPS, 0, 8),
            unit(19, 0, 2_002),
        ]);
        let room = Room::even(1_000);
        let packets = payloads(FORMAT, &frame.0, &frame.1, Descriptor::None, room);
        let packets = packets.expect("they fit");
        let lens: Vec<usize> = packets.iter().map(Vec::len).collect();
        assert_eq!(lens, [2 + 2 + 20 + 2 + 30 + 2 + 8, 670, 670, 669]);
        assert_eq!(packets[0][..5], [AGGREGATE << 1, 1, 0, 20, VPS << 1]);
        assert_eq!(packets[1][..3], [FRAGMENT << 1, 1, 0x80 | 19]);
        assert_eq!(packets[2][..3], [FRAGMENT << 1, 1, 19]);
        assert_eq!(packets[3][..3], [FRAGMENT << 1, 1, 0x40 | 19]);

        let info = FORMAT.packet_info(&packets[0]).expect("parameter sets");
        assert_eq!((info.begins, info.key), (Boundary::Possible, Some(true)));
        let info = FORMAT.packet_info(&packets[2]).expect("a fragment");
        assert_eq!((info.begins, info.key), (Boundary::No, Some(true)));
        assert_eq!(joined(FORMAT, &packets), Ok(frame.clone()));
        assert!(FORMAT.frame_info(&frame.0, &frame.1).key);
    }

    #[test]
    fn the_aggregate_is_of_the_lowest_layers_in_it() {
        let mut upper = unit(1, 2, 10);
        upper[1] |= 3 << 3;
        let frame = annex_b(&[upper, unit(1, 1, 10)]);
        let room = Room::even(100);
        let packets = payloads(FORMAT, &frame.0, &frame.1, Descriptor::None, room);
        assert_eq!(packets.expect("they fit")[0][..2], [AGGREGATE << 1, 2]);
    }

    #[test]
    fn temporal_layers_are_in_the_header() {
        let slice = unit(1, 3, 10);
        let info = FORMAT.packet_info(&slice).expect("a slice");
        assert_eq!((info.temporal, info.key), (Some(3), Some(false)));
        let frame = annex_b(&[slice]);
        assert_eq!(FORMAT.frame_info(&frame.0, &frame.1).temporal, Some(3));
    }

    #[test]
    fn pictures_from_which_on_more_layers_may_be_had_are_told_in_each_of_their_packets() {
        for (kind, goes_up) in [
            (1, GoesUp::Untold),
            (TSA_N, GoesUp::OwnAndAbove),
            (TSA_R, GoesUp::OwnAndAbove),
            (STSA_N, GoesUp::Own),
            (STSA_R, GoesUp::Own),
            (21, GoesUp::Untold),
        ] {
            // Alone, behind a message in one packet, and in fragments.
            let small = annex_b(&[unit(39, 2, 10), unit(kind, 2, 100)]);
            let large = annex_b(&[unit(kind, 2, 2_000)]);
            for (frame, parts) in [small, large, annex_b(&[unit(kind, 2, 50)])] {
                let room = Room::even(900);
                let packets = payloads(FORMAT, &frame, &parts, Descriptor::None, room);
                for packet in packets.expect("they fit") {
                    let info = FORMAT.packet_info(&packet).expect("of a picture");
                    assert_eq!((info.goes_up, info.temporal), (goes_up, Some(2)), "{kind}");
                }
            }
        }
    }

    #[test]
    fn decoding_order_numbers_are_there_only_if_the_description_says_so() {
        let of = |fmtp| PayloadFormat::negotiated("H265", crate::Fmtp::of(fmtp));
        assert_eq!(of(None), FORMAT);
        assert_eq!(of(Some("sprop-max-don-diff=0")), FORMAT);
        assert_eq!(of(Some("level-id=93;sprop-max-don-diff=2")), NUMBERED);

        let (a, b) = (unit(1, 0, 6), unit(1, 0, 5));
        let single = [&a[..2], &[0, 7], &a[2..]].concat();
        let together = [&[96, 1, 0, 8, 0, 6], &a[..], &[0, 0, 5], &b].concat();
        let begin = [&[98, 1, 0x81, 0, 10], &a[2..4]].concat();
        let end = [&[98, 1, 0x41], &a[4..]].concat();
        let (frame, parts) = joined(NUMBERED, &[single, together, begin, end]).expect("a frame");
        assert_eq!((frame, parts), annex_b(&[a.clone(), a.clone(), b, a]));
    }

    #[test]
    fn the_size_is_that_of_the_conformance_window() {
        // x265's for 1920x1080, main profile, level 4: 1088 lines less 8.
        let sps = [
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
            0x00, 0x03, 0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80, 0x11, 0x07, 0xcb, 0x96, 0x56, 0x54,
            0xa4, 0xc2, 0xf0, 0x16, 0x80, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x0f,
            0x04,
        ];
        let parsed = SequenceParameterSet::parse(&sps).expect("a parameter set");
        assert_eq!(
            (parsed.profile, parsed.high_tier, parsed.level),
            (1, false, 120)
        );
        let size = FrameSize {
            width: 1920,
            height: 1080,
        };
        assert_eq!(parsed.size, size);
        let coded = FrameSize {
            height: 1088,
            ..size
        };
        assert_eq!(parsed.coded_size, coded);
        for len in 0..24 {
            assert_eq!(SequenceParameterSet::parse(&sps[..len]), None, "{len}");
        }
    }

    #[test]
    fn malformed_payloads_are_refused() {
        let bad: [&[u8]; 9] = [
            &[],
            &[2],
            &[96, 1],
            &[96, 1, 0],
            &[96, 1, 0, 9, 2, 1],
            &[96, 1, 0, 1, 2],
            &[96, 1, 0, 2, 96, 1],
            &[98, 1],
            &[98, 1, 0x80 | 48, 1],
        ];
        for payload in bad {
            let result = FORMAT.packet_info(payload);
            assert_eq!(result, Err(JoinError::Malformed), "{payload:?}");
        }
        let paci = FORMAT.packet_info(&[100, 1, 0, 0, 1]);
        assert_eq!(paci, Err(JoinError::Unsupported));
    }
}
