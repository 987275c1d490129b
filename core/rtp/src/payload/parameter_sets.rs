use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::join::START_CODE;
use super::nal::{Nal, Role};
use super::parts::{self, Parts};
use super::{PayloadFormat, h264, h265};
use crate::Codec;
use crate::limits::{MAX_PARAMETER_SET_BYTES, MAX_PARAMETER_SETS, MAX_PARTS};

/// The parameter sets that a description has outside the streams of a codec: `sprop-parameter-sets` of H.264
/// (RFC 6184 §8.1), `sprop-vps`, `sprop-sps` and `sprop-pps` of H.265 (RFC 7798 §7.1). Pictures cannot be decoded
/// without, and streams need not repeat them.
///
/// ```
/// use duologue_rtp::payload::{ParameterSets, Parts, PayloadFormat};
/// use duologue_rtp::{Codec, MediaKind};
///
/// let mut codec = Codec::new(MediaKind::Video, "H264", 90_000);
/// codec.sdp_fmtp_line = Some("packetization-mode=1;sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==".into());
/// let sets = ParameterSets::of(&codec).unwrap();
/// assert_eq!(sets.units().map(|unit| unit[0] & 0x1f).collect::<Vec<_>>(), [7, 8]);
///
/// // A key frame that has none of its own.
/// let mut frame = vec![0, 0, 0, 1, 0x65, 0x88];
/// let mut parts = Parts::new();
/// PayloadFormat::of(&codec).find_parts(&frame, &mut parts).unwrap();
/// sets.put_before(&mut frame, &mut parts);
/// assert_eq!(parts.len(), 3);
/// assert_eq!(frame[parts[2].start as usize], 0x65);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParameterSets {
    format: PayloadFormat,
    units: Arc<[Vec<u8>]>,
}

impl ParameterSets {
    /// The parameter sets in the parameters of a codec. `None` if they are not all that a decoder needs, a
    /// sequence's and a picture's; if they are more than any encoder has; or if the codec has no such parameters.
    pub fn of(codec: &Codec) -> Option<Self> {
        let format = PayloadFormat::of(codec);
        let lists: &[&str] = match format {
            PayloadFormat::H264 { .. } => &["sprop-parameter-sets"],
            PayloadFormat::H265 { .. } => &["sprop-vps", "sprop-sps", "sprop-pps"],
            _ => return None,
        };
        let fmtp = codec.fmtp();
        let values = lists.iter().filter_map(|list| fmtp.get(list));
        let units = values.flat_map(units_of);
        let units: Vec<Vec<u8>> = units
            .filter(|unit| role(format, unit) == Role::ParameterSet)
            .take(MAX_PARAMETER_SETS + 1)
            .collect();
        let bytes: usize = units.iter().map(Vec::len).sum();
        let has = |wanted: fn(PayloadFormat, &[u8]) -> bool| {
            units.iter().any(|unit| wanted(format, unit))
        };
        let complete = has(is_of_sequence) && has(is_of_picture);
        let bounded = units.len() <= MAX_PARAMETER_SETS && bytes <= MAX_PARAMETER_SET_BYTES;
        (complete && bounded).then(|| ParameterSets {
            format,
            units: units.into(),
        })
    }

    /// The NAL units, those of sequences before those of pictures where the description has them so.
    pub fn units(&self) -> impl Iterator<Item = &[u8]> {
        self.units.iter().map(Vec::as_slice)
    }

    /// Puts the parameter sets into a frame with start codes, the pieces of which are `parts`: first, or behind the
    /// access unit delimiter that the frame begins with. A frame that would have too many pieces stays as it is.
    pub fn put_before(&self, frame: &mut Vec<u8>, parts: &mut Parts) {
        let first = parts.first().map(|part| parts::bytes(frame, part));
        let delimited = first.is_some_and(|unit| role(self.format, unit) == Role::Delimiter);
        let (before, behind) = parts.split_at(usize::from(delimited));
        let start = before.last().map_or(0, |part| part.end);
        let mut put = Vec::new();
        let mut put_parts: Vec<Range<u32>> = Vec::new();
        for unit in self.units.iter() {
            put.extend_from_slice(&START_CODE);
            let begin = start + put.len() as u32;
            put.extend_from_slice(unit);
            put_parts.push(begin..start + put.len() as u32);
        }

        let len = put.len() as u32;
        let fits = u32::try_from(frame.len()).is_ok_and(|frame| frame.checked_add(len).is_some());
        if !fits || parts.len() + put_parts.len() > MAX_PARTS {
            return;
        }
        let behind = behind.iter().map(|part| part.start + len..part.end + len);
        let all = before.iter().cloned().chain(put_parts).chain(behind);
        *parts = all.collect();
        frame.splice(start as usize..start as usize, put);
    }
}

/// RFC 6184 §8.1, RFC 7798 §7.1: NAL units in base64, with commas between.
fn units_of(value: &str) -> impl Iterator<Item = Vec<u8>> {
    let sets = value.split(',').map(str::trim);
    // What has more than all may have together is not read.
    let sets = sets.filter(|set| set.len() / 4 * 3 <= MAX_PARAMETER_SET_BYTES);
    let sets = sets.filter_map(|set| STANDARD.decode(set).ok());
    sets.filter(|unit| !unit.is_empty())
}

fn role(format: PayloadFormat, unit: &[u8]) -> Role {
    match format {
        PayloadFormat::H265 { .. } => h265::H265::role(unit),
        _ => h264::H264::role(unit),
    }
}

fn is_of_sequence(format: PayloadFormat, unit: &[u8]) -> bool {
    match format {
        PayloadFormat::H265 { .. } => h265::SequenceParameterSet::parse(unit).is_some(),
        _ => h264::SequenceParameterSet::parse(unit).is_some(),
    }
}

fn is_of_picture(format: PayloadFormat, unit: &[u8]) -> bool {
    match format {
        PayloadFormat::H265 { .. } => h265::is_picture_parameter_set(unit),
        _ => h264::is_picture_parameter_set(unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MediaKind;

    /// RFC 6184 §8.1's own example.
    const SPS: &str = "Z0IACpZTBYmI";
    const PPS: &str = "aMljiA==";

    fn codec(name: &str, fmtp: &str) -> Codec {
        Codec {
            sdp_fmtp_line: Some(fmtp.to_owned()),
            ..Codec::new(MediaKind::Video, name, 90_000)
        }
    }

    fn h264(sets: &str) -> Option<ParameterSets> {
        let fmtp = format!("packetization-mode=1;sprop-parameter-sets={sets}");
        ParameterSets::of(&codec("H264", &fmtp))
    }

    fn put_before(sets: &ParameterSets, frame: &[u8]) -> (Vec<u8>, Parts) {
        let (mut frame, mut parts) = (frame.to_vec(), Parts::new());
        let found = sets.format.find_parts(&frame, &mut parts);
        assert_eq!(found, Ok(()));
        sets.put_before(&mut frame, &mut parts);
        // The pieces are those that one would find.
        let mut again = Parts::new();
        assert_eq!(sets.format.find_parts(&frame, &mut again), Ok(()));
        assert_eq!(parts, again);
        (frame, parts)
    }

    #[test]
    fn units_that_are_no_parameter_sets_and_no_units_are_left_out() {
        let sets = h264(&format!("{SPS}, ,!,ZYiE,{PPS}")).expect("a pair of them");
        let kinds: Vec<u8> = sets.units().map(|unit| unit[0] & 0x1f).collect();
        assert_eq!(kinds, [7, 8]);
    }

    #[test]
    fn what_no_picture_could_be_decoded_with_is_none() {
        assert_eq!(h264(SPS), None);
        assert_eq!(h264(PPS), None);
        // A sequence's that ends behind its level.
        assert_eq!(h264(&format!("Z0IACg==,{PPS}")), None);
        assert_eq!(
            ParameterSets::of(&codec("H264", "packetization-mode=1")),
            None
        );
        let other = format!("sprop-parameter-sets={SPS},{PPS}");
        assert_eq!(ParameterSets::of(&codec("VP8", &other)), None);
    }

    #[test]
    fn more_than_any_encoder_has_is_none() {
        let many = |count| [&[SPS][..], &vec![PPS; count]].concat().join(",");
        assert!(h264(&many(MAX_PARAMETER_SETS - 1)).is_some());
        assert_eq!(h264(&many(MAX_PARAMETER_SETS)), None);
        let large = STANDARD.encode([&[0x68][..], &vec![1; MAX_PARAMETER_SET_BYTES / 2]].concat());
        assert!(h264(&format!("{SPS},{PPS},{large}")).is_some());
        assert_eq!(h264(&format!("{SPS},{PPS},{large},{large}")), None);
    }

    #[test]
    fn they_come_first_or_behind_the_delimiter() {
        let sets = h264(&format!("{SPS},{PPS}")).expect("a pair of them");
        let slice = [0, 0, 0, 1, 0x65, 0x88, 0x84];
        let [sps, pps] = [SPS, PPS].map(|set| STANDARD.decode(set).expect("base64"));
        let put = [&[0, 0, 0, 1][..], &sps, &[0, 0, 0, 1], &pps].concat();
        let (frame, parts) = put_before(&sets, &slice);
        assert_eq!(frame, [&put[..], &slice].concat());
        assert_eq!(parts.len(), 3);
        let info = sets.format.frame_info(&frame, &parts);
        assert!(info.key && info.parameter_sets && info.size.is_some());

        let delimiter = [0, 0, 0, 1, 0x09, 0x10];
        let (frame, _) = put_before(&sets, &[&delimiter[..], &slice].concat());
        assert_eq!(frame, [&delimiter[..], &put, &slice].concat());
    }

    #[test]
    fn those_of_h265_stand_in_three_parameters() {
        // x265's sequence parameter set, as far as its size.
        let sps = [
            0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x78, 0xa0, 3, 0xc0, 0x80,
            0x11, 0x07, 0xcb,
        ];
        let [vps, sps, pps] =
            [&[0x40, 1, 0x0c][..], &sps, &[0x44, 1, 0xc1]].map(|unit| STANDARD.encode(unit));
        let fmtp = format!("sprop-pps={pps};sprop-vps={vps};sprop-sps={sps}");
        let sets = ParameterSets::of(&codec("H265", &fmtp)).expect("all three");
        let kinds: Vec<u8> = sets.units().map(|unit| unit[0] >> 1).collect();
        assert_eq!(kinds, [32, 33, 34]);
        let (frame, parts) = put_before(
            &sets,
            &[0, 0, 0, 1, 0x46, 1, 0x10, 0, 0, 0, 1, 0x26, 1, 0xaf],
        );
        assert_eq!(frame[..6], [0, 0, 0, 1, 0x46, 1]);
        let info = sets.format.frame_info(&frame, &parts);
        assert!(info.key && info.parameter_sets);
    }
}
