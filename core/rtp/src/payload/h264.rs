//! H.264 in RTP (RFC 6184): packetization modes 0 (each NAL unit a packet) and 1 (together, or in
//! fragments).

use std::ops::Range;

use super::bits::Bits;
use super::join::{Fragment, Head, JoinError};
use super::nal::{Fragments, Nal, Role};
use super::parts;
use super::{Boundary, FrameInfo, FrameSize, PacketInfo};

/// What a sequence parameter set says (H.264 §7.3.2.1.1) of the pictures that are coded by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SequenceParameterSet {
    /// `profile_idc`
    pub profile: u8,
    /// The constraint flags, the first in the highest bit: `profile-iop` of RFC 6184 §8.1.
    pub constraints: u8,
    /// `level_idc`
    pub level: u8,
    /// The size of the pictures, cropped.
    pub size: FrameSize,
    /// The size of the pictures before cropping: what a decoder makes room for.
    pub coded_size: FrameSize,
}

impl SequenceParameterSet {
    /// Reads a NAL unit; `None` if it is no sequence parameter set.
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let (header, _) = unit.split_first()?;
        if header & TYPE != SPS {
            return None;
        }
        let mut bits = Bits::of_nal(unit);
        bits.skip(8)?;
        let [profile, constraints, level] = [bits.read(8)?, bits.read(8)?, bits.read(8)?];
        // seq_parameter_set_id
        bits.unsigned()?;
        let chroma = match profile {
            100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135 => {
                high_profile(&mut bits)?
            }
            _ => Chroma::default(),
        };
        skip_order(&mut bits)?;

        let (coded_size, size) = sizes(&mut bits, chroma)?;
        Some(SequenceParameterSet {
            profile: profile as u8,
            constraints: constraints as u8,
            level: level as u8,
            size,
            coded_size,
        })
    }
}

/// What cropping counts in.
#[derive(Clone, Copy, Debug)]
struct Chroma {
    width: u32,
    height: u32,
}

impl Default for Chroma {
    fn default() -> Self {
        Chroma {
            width: 2,
            height: 2,
        }
    }
}

/// H.264 §7.3.2.1.1: what only the high profiles have.
fn high_profile(bits: &mut Bits<'_>) -> Option<Chroma> {
    let format = bits.unsigned()?;
    if format == 3 {
        // separate_colour_plane_flag: with it and without, cropping counts in single samples.
        bits.skip(1)?;
    }
    // bit_depth_luma_minus8, bit_depth_chroma_minus8, qpprime_y_zero_transform_bypass_flag
    bits.unsigned()?;
    bits.unsigned()?;
    bits.skip(1)?;
    if bits.bit()? {
        for list in 0..if format == 3 { 12 } else { 8 } {
            if bits.bit()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(match format {
        // Table 6-1, and §7.4.2.1.1 for those without chroma.
        1 => Chroma::default(),
        2 => Chroma {
            width: 2,
            height: 1,
        },
        0 | 3 => Chroma {
            width: 1,
            height: 1,
        },
        _ => return None,
    })
}

/// H.264 §7.3.2.1.1.1
fn skip_scaling_list(bits: &mut Bits<'_>, entries: u32) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..entries {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// From `log2_max_frame_num_minus4` to `gaps_in_frame_num_value_allowed_flag`.
fn skip_order(bits: &mut Bits<'_>) -> Option<()> {
    bits.unsigned()?;
    match bits.unsigned()? {
        0 => bits.unsigned().map(drop)?,
        1 => {
            bits.skip(1)?;
            bits.signed()?;
            bits.signed()?;
            // num_ref_frames_in_pic_order_cnt_cycle, at most 255.
            for _ in 0..bits.unsigned().filter(|&n| n < 256)? {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?;
    bits.skip(1)
}

/// Before and after cropping.
fn sizes(bits: &mut Bits<'_>, chroma: Chroma) -> Option<(FrameSize, FrameSize)> {
    let width = bits.unsigned()?.checked_add(1)?.checked_mul(16)?;
    let map_units = bits.unsigned()?.checked_add(1)?;
    // Pictures of fields have a height of two map units.
    let frames_only = bits.bit()?;
    let fields = if frames_only { 1 } else { 2 };
    let height = map_units.checked_mul(16 * fields)?;
    if !frames_only {
        bits.skip(1)?;
    }
    bits.skip(1)?;

    let coded = FrameSize { width, height };
    let mut size = coded;
    if bits.bit()? {
        let mut next = || bits.unsigned();
        let (left, right, top, bottom) = (next()?, next()?, next()?, next()?);
        let across = left.checked_add(right)?.checked_mul(chroma.width)?;
        let down = top.checked_add(bottom)?;
        let down = down.checked_mul(chroma.height * fields)?;
        size.width = width.checked_sub(across)?;
        size.height = height.checked_sub(down)?;
    }
    (size.width > 0 && size.height > 0).then_some((coded, size))
}

pub(crate) fn is_picture_parameter_set(unit: &[u8]) -> bool {
    unit.first().is_some_and(|header| header & TYPE == PPS)
}

/// Of the parameter sets in a frame.
pub(crate) fn coded_sizes(frame: &[u8], parts: &[Range<u32>]) -> impl Iterator<Item = FrameSize> {
    let units = parts.iter().map(|part| parts::bytes(frame, part));
    let sets = units.filter_map(SequenceParameterSet::parse);
    sets.map(|set| set.coded_size)
}

/// RFC 6184 §5.
pub(crate) struct H264;

impl Nal for H264 {
    const HEADER: usize = 1;

    fn is_unit(unit: &[u8]) -> bool {
        unit.first()
            .is_some_and(|header| is_unit_type(header & TYPE))
    }

    /// RFC 6184 §5.7: F is set if any unit's is, NRI is the highest.
    fn aggregate(aggregate: Option<[u8; 2]>, unit: &[u8]) -> [u8; 2] {
        let header = unit.first().copied().unwrap_or_default();
        let [before, _] = aggregate.unwrap_or_default();
        let forbidden = (before | header) & FORBIDDEN;
        let importance = (before & IMPORTANCE).max(header & IMPORTANCE);
        [forbidden | importance | STAP_A, 0]
    }

    fn fragment(unit: &[u8], begins: bool, ends: bool) -> ([u8; 3], usize) {
        let header = unit.first().copied().unwrap_or_default();
        let flags = u8::from(begins) << 7 | u8::from(ends) << 6;
        ([header & !TYPE | FU_A, flags | header & TYPE, 0], 2)
    }

    fn role(unit: &[u8]) -> Role {
        match unit.first().map_or(0, |header| header & TYPE) {
            1..=IDR => Role::Slice,
            SPS | PPS => Role::ParameterSet,
            DELIMITER => Role::Delimiter,
            _ => Role::Other,
        }
    }
}

/// The units of one payload, and pieces of them.
pub(crate) fn fragments(payload: &[u8]) -> Fragments<'_> {
    match *payload {
        [header, ref rest @ ..] if header & TYPE == STAP_A && !rest.is_empty() => {
            Fragments::Aggregate {
                rest,
                skip: 0,
                is_unit: H264::is_unit,
            }
        }
        // A fragment may be empty, but there is one (RFC 6184 §5.8).
        [indicator, header, ref data @ ..] if indicator & TYPE == FU_A => {
            if !is_unit_type(header & TYPE) {
                return Fragments::wrong(JoinError::Malformed);
            }
            let begins = header & 0x80 != 0;
            let head = match begins {
                true => Head::one(indicator & !TYPE | header & TYPE),
                false => Head::default(),
            };
            Fragments::one(Fragment {
                head,
                data,
                begins,
                ends: header & 0x40 != 0,
            })
        }
        [header, ..] if is_unit_type(header & TYPE) => Fragments::one(Fragment::whole(payload)),
        // STAP-B, MTAPs and FU-B are of mode 2.
        [header, ..] if matches!(header & TYPE, 25..=27 | 29) => {
            Fragments::wrong(JoinError::Unsupported)
        }
        _ => Fragments::wrong(JoinError::Malformed),
    }
}

pub(crate) fn packet_info(payload: &[u8]) -> Result<PacketInfo<'_>, JoinError> {
    let mut info = PacketInfo {
        begins: Boundary::No,
        ends: Boundary::No,
        discardable: payload
            .first()
            .is_some_and(|header| header & IMPORTANCE == 0),
        ..PacketInfo::default()
    };
    for (index, fragment) in fragments(payload).enumerate() {
        let fragment = fragment?;
        let kind = match *payload {
            [indicator, header, ..] if indicator & TYPE == FU_A => header & TYPE,
            _ => fragment.data.first().map_or(0, |header| header & TYPE),
        };
        if index == 0 && fragment.begins {
            // H.264 §7.4.1.2.3: an access unit delimiter is the first of its picture.
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
        let slice = matches!(kind, 1..=IDR) && fragment.begins;
        info.first_slice |= slice && fragment.begins_with_one(1);
        info.parameter_sets |= kind == SPS && fragment.begins;
        match kind {
            // Parameter sets come before key frames.
            IDR | SPS => info.key = Some(true),
            1..IDR if info.key.is_none() => info.key = Some(false),
            PREFIX => info.temporal = temporal_layer(fragment.data),
            _ => {}
        }
    }
    Ok(info)
}

pub(crate) fn frame_info(frame: &[u8], parts: &[Range<u32>]) -> FrameInfo {
    let mut info = FrameInfo::default();
    let (mut slices, mut needed) = (false, false);
    for part in parts {
        let unit = parts::bytes(frame, part);
        let header = unit.first().copied().unwrap_or_default();
        match header & TYPE {
            1..=IDR => {
                slices = true;
                needed |= header & IMPORTANCE != 0;
                info.key |= header & TYPE == IDR;
            }
            SPS => {
                info.parameter_sets = true;
                info.size = SequenceParameterSet::parse(unit).map(|sps| sps.size);
            }
            PREFIX => info.temporal = temporal_layer(unit),
            _ => {}
        }
    }
    info.discardable = slices && !needed;
    info
}

/// H.264 annex F's `temporal_id`, in the header extension of a prefix NAL unit.
fn temporal_layer(unit: &[u8]) -> Option<u8> {
    match *unit {
        [_, svc, _, byte, ..] if svc & 0x80 != 0 => Some(byte >> 5),
        _ => None,
    }
}

/// RFC 6184 table 1: what is a NAL unit itself.
fn is_unit_type(kind: u8) -> bool {
    matches!(kind, 1..=23)
}

// The header of a NAL unit (H.264 §7.3.1).
const FORBIDDEN: u8 = 0x80;
const IMPORTANCE: u8 = 0x60;
const TYPE: u8 = 0x1f;
// Types (H.264 table 7-1, RFC 6184 table 1).
const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const PREFIX: u8 = 14;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::{joined, payloads};
    use crate::payload::{Descriptor, Packets, Parts, PayloadFormat, Room, SplitError};

    const FORMAT: PayloadFormat = PayloadFormat::H264 { fragments: true };
    const SINGLE: PayloadFormat = PayloadFormat::H264 { fragments: false };
    /// Baseline with C0, level 3.1, 640x480.
    const SPS_640: [u8; 9] = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x02, 0x80, 0xf6, 0x80];
    const PPS_1: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

    fn annex_b(units: &[&[u8]]) -> (Vec<u8>, Parts) {
        let mut frame = Vec::new();
        for unit in units {
            frame.extend_from_slice(&[0, 0, 0, 1]);
            frame.extend_from_slice(unit);
        }
        let mut parts = Parts::new();
        assert_eq!(FORMAT.find_parts(&frame, &mut parts), Ok(()));
        (frame, parts)
    }

    fn split(format: PayloadFormat, frame: &(Vec<u8>, Parts), room: Room) -> Vec<Vec<u8>> {
        let packets = payloads(format, &frame.0, &frame.1, Descriptor::None, room);
        packets.expect("they fit")
    }

    fn slice(header: u8, len: usize) -> Vec<u8> {
        let mut unit = vec![header];
        unit.extend((1..len).map(|n| (n % 255) as u8 + 1));
        unit
    }

    fn info(payload: &[u8]) -> PacketInfo<'_> {
        FORMAT.packet_info(payload).expect("a payload")
    }

    /// Chromium: a large key frame is a STAP-A of the parameter sets alone, then FU-As.
    #[test]
    fn parameter_sets_stand_alone_before_a_large_slice() {
        let frame = annex_b(&[&SPS_640, &PPS_1, &slice(0x65, 5_000)]);
        let packets = split(FORMAT, &frame, Room::even(1_200));
        assert_eq!(packets[0][..4], [0x78, 0, 9, 0x67]);
        assert_eq!(packets[0].len(), 1 + 2 + 9 + 2 + 4);
        let lens: Vec<usize> = packets[1..].iter().map(Vec::len).collect();
        assert_eq!(lens, [1_002, 1_002, 1_002, 1_002, 1_001]);
        let starts: Vec<[u8; 2]> = packets[1..].iter().map(|p| [p[0], p[1]]).collect();
        assert_eq!(starts[0], [0x7c, 0x85]);
        assert_eq!(starts[1], [0x7c, 0x05]);
        assert_eq!(starts[4], [0x7c, 0x45]);

        let sets = info(&packets[0]);
        assert_eq!((sets.begins, sets.key), (Boundary::Possible, Some(true)));
        assert_eq!(info(&packets[1]).key, Some(true));
        assert_eq!(info(&packets[2]).begins, Boundary::No);
        assert_eq!(info(&packets[2]).ends, Boundary::No);
        assert_eq!(info(&packets[5]).ends, Boundary::Possible);

        assert_eq!(joined(FORMAT, &packets), Ok(frame.clone()));
        let whole = FORMAT.frame_info(&frame.0, &frame.1);
        let size = FrameSize {
            width: 640,
            height: 480,
        };
        assert_eq!((whole.key, whole.size), (true, Some(size)));
    }

    /// Chromium: a small one is a single STAP-A.
    #[test]
    fn a_small_key_frame_is_one_packet() {
        let frame = annex_b(&[&SPS_640, &PPS_1, &slice(0x65, 100)]);
        let packets = split(FORMAT, &frame, Room::even(1_200));
        assert_eq!(packets.len(), 1);
        assert_eq!(joined(FORMAT, &packets), Ok(frame));
    }

    /// Chromium with packetization-mode=0: single NAL units, many slices a frame.
    #[test]
    fn mode_0_has_a_packet_for_each_unit() {
        let slices = [slice(0x65, 900), slice(0x65, 1_000), slice(0x65, 10)];
        let frame = annex_b(&[&SPS_640, &PPS_1, &slices[0], &slices[1], &slices[2]]);
        let packets = split(SINGLE, &frame, Room::even(1_000));
        assert_eq!(packets[0], SPS_640);
        assert_eq!(packets[1], PPS_1);
        assert_eq!(packets[2..], slices);
        assert_eq!(joined(SINGLE, &packets), Ok(frame));
    }

    #[test]
    fn mode_0_cannot_cut_a_unit() {
        let frame = annex_b(&[&slice(0x65, 1_001)]);
        let mut packets = Packets::new();
        let split = SINGLE.split(
            &frame.0,
            &frame.1,
            Descriptor::None,
            Room::even(1_000),
            &mut packets,
        );
        assert_eq!(split, Err(SplitError::TooLarge));
        assert!(packets.is_empty());
    }

    #[test]
    fn the_mode_is_in_the_description() {
        let of = |fmtp| PayloadFormat::negotiated("H264", crate::Fmtp::of(fmtp));
        assert_eq!(
            of(Some("packetization-mode=1;profile-level-id=42e01f")),
            FORMAT
        );
        assert_eq!(of(Some("profile-level-id=42e01f")), SINGLE);
        assert_eq!(of(None), SINGLE);
        assert_eq!(of(Some("packetization-mode=2")), PayloadFormat::Opaque);
    }

    #[test]
    fn extensions_of_the_last_packet_leave_it_less_room() {
        let room = Room {
            first: 200,
            middle: 200,
            last: 170,
        };
        // The last one alone has 180 bytes: it is cut. The other two go together.
        let frame = annex_b(&[&slice(0x41, 60), &slice(0x41, 120), &slice(0x41, 180)]);
        let packets = split(FORMAT, &frame, room);
        let lens: Vec<usize> = packets.iter().map(Vec::len).collect();
        assert_eq!(lens, [185, 107, 76]);
        assert_eq!(lens[1], lens[2] + 30 + 1);
        assert_eq!(joined(FORMAT, &packets), Ok(frame));
    }

    #[test]
    fn the_aggregate_is_as_important_as_its_most_important_unit() {
        let frame = annex_b(&[&slice(0x01, 10), &slice(0x41, 10), &slice(0x21, 10)]);
        let packets = split(FORMAT, &frame, Room::even(100));
        assert_eq!(packets[0][0], 0x58);
        assert!(!info(&packets[0]).discardable);
        assert!(info(&slice(0x01, 10)).discardable);
        let frame = annex_b(&[&slice(0x01, 10)]);
        assert!(FORMAT.frame_info(&frame.0, &frame.1).discardable);
    }

    #[test]
    fn an_access_unit_delimiter_begins_a_frame() {
        assert_eq!(info(&[0x09, 0x10]).begins, Boundary::Certain);
        assert_eq!(
            info(&[0x18, 0, 2, 0x09, 0x10, 0, 1, 0x41]).begins,
            Boundary::Certain
        );
    }

    #[test]
    fn a_prefix_unit_says_the_temporal_layer() {
        let prefix = [0x6e, 0x80, 0x00, 0x5f];
        assert_eq!(info(&prefix).temporal, Some(2));
        let frame = annex_b(&[&prefix, &slice(0x41, 10)]);
        assert_eq!(FORMAT.frame_info(&frame.0, &frame.1).temporal, Some(2));
    }

    #[test]
    fn what_interleaves_was_not_negotiated() {
        for kind in [25, 26, 27, 29] {
            let payload = [0x60 | kind, 0, 0, 0, 1, 0x41];
            let result = FORMAT.packet_info(&payload);
            assert_eq!(result, Err(JoinError::Unsupported), "{kind}");
        }
    }

    #[test]
    fn malformed_payloads_are_refused() {
        let bad: [&[u8]; 10] = [
            &[],
            &[0x60],
            &[0x7e, 1],
            &[0x78],
            &[0x78, 0],
            &[0x78, 0, 0, 0, 1, 0x41],
            &[0x78, 0, 2, 0x41],
            &[0x78, 0, 2, 0x78, 1],
            &[0x7c],
            &[0x7c, 0x9c, 1],
        ];
        for payload in bad {
            let result = FORMAT.packet_info(payload);
            assert_eq!(result, Err(JoinError::Malformed), "{payload:?}");
            assert_eq!(joined(FORMAT, &[payload]), Err(JoinError::Malformed));
        }
    }

    #[test]
    fn a_unit_that_lacks_a_fragment_is_torn() {
        let frame = annex_b(&[&slice(0x65, 2_500)]);
        let packets = split(FORMAT, &frame, Room::even(1_000));
        let torn = Err(JoinError::Torn);
        assert_eq!(joined(FORMAT, &packets[1..]), torn);
        assert_eq!(joined(FORMAT, &packets[..2]), torn);
        // The end of the one, the beginning of another.
        assert_eq!(joined(FORMAT, &[&packets[0], &packets[0]]), torn);
        let none: [&[u8]; 0] = [];
        assert_eq!(joined(FORMAT, &none), Err(JoinError::Empty));
    }

    /// GStreamer 1.22.0: `rtph264pay config-interval=-1`, four slices a picture.
    #[test]
    fn parameter_sets_that_come_again_between_slices_are_left_out() {
        let slices = [60, 70, 80].map(|len| slice(0x65, len));
        let other = [0x68, 0xce, 0x3c, 0x81];
        let mut units: Vec<&[u8]> = Vec::new();
        for slice in &slices {
            units.extend([&SPS_640[..], &PPS_1, slice]);
        }
        // One that nobody had is another one.
        units.push(&other);
        let sent = annex_b(&units);
        let packets = split(SINGLE, &sent, Room::even(1_200));
        assert_eq!(packets.len(), 10);
        let [first, second, third] = &slices;
        let whole = annex_b(&[&SPS_640, &PPS_1, first, second, third, &other]);
        assert_eq!(joined(FORMAT, &packets), Ok(whole));
        let once = annex_b(&[&PPS_1, first, second]);
        let packets = split(SINGLE, &once, Room::even(1_200));
        assert_eq!(joined(FORMAT, &packets), Ok(once));
    }

    #[test]
    fn sizes_are_cropped_and_fields_are_counted() {
        // x264's for 1920x1080, progressive, high profile: 1088 lines less 8.
        let high = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00,
            0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58,
        ];
        let sps = SequenceParameterSet::parse(&high).expect("a parameter set");
        assert_eq!((sps.profile, sps.constraints, sps.level), (100, 0, 40));
        let size = FrameSize {
            width: 1920,
            height: 1080,
        };
        assert_eq!(sps.size, size);
        let coded = FrameSize {
            height: 1088,
            ..size
        };
        assert_eq!(sps.coded_size, coded);
        for len in 0..8 {
            assert_eq!(SequenceParameterSet::parse(&high[..len]), None, "{len}");
        }
        assert_eq!(SequenceParameterSet::parse(&PPS_1), None);
    }
}
