//! Sample entries: what a file says of a codec beside the frames.

use duologue_rtp::payload::{FrameSize, Parts, PayloadFormat};
use shiguredo_mp4::bitstream::h264::{
    H264SampleEntryConfig, LengthSize, build_avc1_box_from_annexb,
};
use shiguredo_mp4::bitstream::h265::{
    H265ConstantFrameRate, H265SampleEntryConfig, build_hev1_box_from_annexb,
};
use shiguredo_mp4::bitstream::opus::{ChannelCount, OpusSampleEntryConfig, build_opus_box};
use shiguredo_mp4::bitstream::vp8::{Vp8SampleEntryConfig, build_vp08_box};
use shiguredo_mp4::bitstream::vp9::{Vp9SampleEntryConfig, build_vp09_box, parse_frame_header};
use shiguredo_mp4::boxes::{Avc1Box, SampleEntry, VisualSampleEntryFields};
use shiguredo_mp4::{BoxType, Decode};

use crate::av1;
use crate::error::{FileError, Result};
use crate::track::{Format, Track};
use crate::units::Units;

/// The entry for a track whose first frame this is, a key frame.
pub(super) fn entry(track: &Track, first: &[u8]) -> Result<SampleEntry> {
    let bad = |_| FileError::Malformed("a key frame");
    let half = |n: u32| u16::try_from(n).map_err(|_| FileError::Unsupported("a picture so large"));
    let size = track.size.unwrap_or(FrameSize {
        width: 0,
        height: 0,
    });
    let (width, height) = (half(size.width)?, half(size.height)?);
    let length_size = LengthSize::FourBytes;

    Ok(match track.format {
        Format::Opus => SampleEntry::Opus(build_opus_box(&OpusSampleEntryConfig {
            channel_count: match track.channels {
                1 => ChannelCount::Mono,
                _ => ChannelCount::Stereo,
            },
            pre_skip: 0,
            input_sample_rate: 48_000,
            output_gain: 0,
        })),
        Format::Vp8 => SampleEntry::Vp08(build_vp08_box(&Vp8SampleEntryConfig {
            video_full_range_flag: false,
            colour_primaries: Vp8SampleEntryConfig::COLOUR_PRIMARIES_UNSPECIFIED,
            transfer_characteristics: Vp8SampleEntryConfig::TRANSFER_CHARACTERISTICS_UNSPECIFIED,
            matrix_coefficients: Vp8SampleEntryConfig::MATRIX_COEFFICIENTS_UNSPECIFIED,
            width,
            height,
        })),
        Format::Vp9 => {
            let header = parse_frame_header(first).map_err(bad)?;
            let config = Vp9SampleEntryConfig {
                level: Vp9SampleEntryConfig::LEVEL_UNDEFINED,
                colour_primaries: Vp9SampleEntryConfig::COLOUR_PRIMARIES_UNSPECIFIED,
                transfer_characteristics:
                    Vp9SampleEntryConfig::TRANSFER_CHARACTERISTICS_UNSPECIFIED,
                matrix_coefficients: Vp9SampleEntryConfig::MATRIX_COEFFICIENTS_UNSPECIFIED,
                width,
                height,
            };
            SampleEntry::Vp09(build_vp09_box(&header, &config).map_err(bad)?)
        }
        Format::Av1 => SampleEntry::Av01(av1::entry(first)?),
        Format::H264 => {
            let config = H264SampleEntryConfig { length_size };
            SampleEntry::Avc1(build_avc1_box_from_annexb(first, &config).map_err(bad)?)
        }
        Format::H265 => {
            let config = H265SampleEntryConfig {
                length_size,
                avg_frame_rate: H265SampleEntryConfig::AVG_FRAME_RATE_UNSPECIFIED,
                constant_frame_rate: H265ConstantFrameRate::Unknown,
            };
            SampleEntry::Hev1(build_hev1_box_from_annexb(first, &config).map_err(bad)?)
        }
    })
}

/// What an entry says of its track, and of how its frames are.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) track: Track,
    /// Of H.264 and H.265: how long the lengths of units are, and what each key frame needs first.
    pub(super) units: Option<Units>,
}

/// `None` for a codec that is not one of ours.
pub(super) fn describe(entry: &SampleEntry) -> Option<Described> {
    let pictures = |format, visual: &VisualSampleEntryFields| Track {
        size: Some(FrameSize {
            width: visual.width.into(),
            height: visual.height.into(),
        }),
        ..Track::new(format)
    };
    let units = |length: u8, sets: &mut dyn Iterator<Item = &Vec<u8>>| {
        Units::new(usize::from(length) + 1, sets.map(Vec::as_slice))
    };
    let of_h264 = |entry: &Avc1Box| {
        let avcc = &entry.avcc_box;
        let mut sets = avcc.sps_list.iter().chain(&avcc.pps_list);
        let units = units(avcc.length_size_minus_one.get(), &mut sets);
        (pictures(Format::H264, &entry.visual), Some(units))
    };
    let (track, units) = match entry {
        SampleEntry::Opus(opus) => {
            let track = Track {
                channels: opus.dops_box.output_channel_count,
                ..Track::new(Format::Opus)
            };
            (track, None)
        }
        SampleEntry::Vp08(entry) => (pictures(Format::Vp8, &entry.visual), None),
        SampleEntry::Vp09(entry) => (pictures(Format::Vp9, &entry.visual), None),
        SampleEntry::Av01(entry) => (pictures(Format::Av1, &entry.visual), None),
        SampleEntry::Avc1(entry) => of_h264(entry),
        // ISO/IEC 14496-15 §5.4.2.1: the same box, of samples that may have parameter sets in themselves.
        SampleEntry::Unknown(entry) if entry.box_type == BoxType::Normal(*b"avc3") => {
            of_h264(&as_avc1(&entry.payload)?)
        }
        SampleEntry::Hev1(_) | SampleEntry::Hvc1(_) => {
            let (visual, hvcc) = match entry {
                SampleEntry::Hev1(entry) => (&entry.visual, &entry.hvcc_box),
                SampleEntry::Hvc1(entry) => (&entry.visual, &entry.hvcc_box),
                _ => return None,
            };
            let mut sets = hvcc.nalu_arrays.iter().flat_map(|array| &array.nalus);
            let units = units(hvcc.length_size_minus_one.get(), &mut sets);
            (pictures(Format::H265, visual), Some(units))
        }
        _ => return None,
    };
    Some(Described { track, units })
}

fn as_avc1(payload: &[u8]) -> Option<Avc1Box> {
    let size = u32::try_from(payload.len() + 8).ok()?.to_be_bytes();
    let whole = [&size[..], b"avc1", payload].concat();
    Avc1Box::decode(&whole).ok().map(|(entry, _)| entry)
}

/// A frame with start codes as files have it: each unit behind its length in four bytes.
pub(super) fn with_lengths(format: PayloadFormat, frame: &[u8]) -> Result<Vec<u8>> {
    let mut parts = Parts::new();
    let bad = |_| FileError::Malformed("a frame without start codes");
    format.find_parts(frame, &mut parts).map_err(bad)?;
    let mut sample = Vec::with_capacity(frame.len() + 4 * parts.len());
    for part in parts.iter() {
        let unit = &frame[part.start as usize..part.end as usize];
        sample.extend((unit.len() as u32).to_be_bytes());
        sample.extend(unit);
    }
    Ok(sample)
}
