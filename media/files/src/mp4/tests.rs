//! Files that are made here: what ours does not write.

use std::io::Cursor;
use std::num::NonZeroU32;

use shiguredo_mp4::boxes::{
    Avc1Box, EdtsBox, ElstBox, ElstEntry, MoovBox, SampleEntry, UnknownBox,
};
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, Mp4FileMuxer, Sample};
use shiguredo_mp4::{BoxSize, BoxType, Decode, Encode, FixedPointNumber, TrackKind, Uint};

use super::entry::entry;
use crate::{FileError, FileReader, Format, Frame, Track};

const SETS: [&[u8]; 2] = [
    &[
        0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0xec, 0x04, 0x40, 0, 0, 3, 0, 0x40, 0, 0, 7, 0x83,
        0xc4, 0x89, 0xa8,
    ],
    &[0x68, 0xce, 0x03, 0x9c, 0x80],
];
const PICTURE: &[u8] = &[0x65, 0x88, 0x84];
const DELIMITER: &[u8] = &[9, 0x10];
const OTHER: &[u8] = &[0x41, 0x9a];

/// Of 90 ticks a millisecond.
fn sample(entry: Option<SampleEntry>, key: bool, data: &[u8]) -> (Sample, Vec<u8>) {
    let sample = Sample {
        track_kind: TrackKind::Video,
        sample_entry: entry,
        keyframe: key,
        timescale: NonZeroU32::new(90_000).unwrap(),
        duration: 3_600,
        composition_time_offset: None,
        data_offset: 0,
        data_size: data.len(),
    };
    (sample, data.to_vec())
}

/// Packets of 20 ms.
fn sound(n: usize) -> Vec<(Sample, Vec<u8>)> {
    let opus = entry(&Track::new(Format::Opus), &[]).unwrap();
    let entries = std::iter::once(Some(opus)).chain(std::iter::repeat(None));
    let samples = entries.take(n).map(|entry| {
        let (pictures, data) = sample(entry, true, &[0xf8, 1]);
        let sound = Sample {
            track_kind: TrackKind::Audio,
            timescale: NonZeroU32::new(48_000).unwrap(),
            duration: 960,
            ..pictures
        };
        (sound, data)
    });
    samples.collect()
}

fn units(length: usize, units: &[&[u8]]) -> Vec<u8> {
    let mut sample = Vec::new();
    for unit in units {
        sample.extend(&(unit.len() as u32).to_be_bytes()[4 - length..]);
        sample.extend(*unit);
    }
    sample
}

fn stream(units: &[&[u8]]) -> Vec<u8> {
    let units = units.iter();
    units
        .flat_map(|unit| [&[0, 0, 0, 1], *unit].concat())
        .collect()
}

/// Another one has another picture parameter set, and lengths of two bytes.
fn avc1(another: bool) -> Avc1Box {
    let track = Track::new(Format::H264);
    let SampleEntry::Avc1(mut entry) =
        entry(&track, &stream(&[SETS[0], SETS[1], PICTURE])).unwrap()
    else {
        panic!("not H.264");
    };
    if another {
        entry.avcc_box.length_size_minus_one = Uint::new(1);
        entry.avcc_box.pps_list[0].push(0x80);
    }
    entry
}

/// An ordinary file of these samples, whose index may be changed.
fn whole(samples: &[(Sample, Vec<u8>)], change: impl FnOnce(&mut MoovBox)) -> Vec<u8> {
    let mut muxer = Mp4FileMuxer::new().unwrap();
    let mut file = muxer.initial_boxes_bytes().to_vec();
    for (sample, data) in samples {
        let data_offset = file.len() as u64;
        file.extend(data);
        let sample = Sample {
            data_offset,
            ..sample.clone()
        };
        muxer.append_sample(&sample).unwrap();
    }
    let boxes = muxer.finalize().unwrap();
    let end = file.len();
    for (at, bytes) in boxes.offset_and_bytes_pairs() {
        let at = at as usize;
        file.resize(file.len().max(at + bytes.len()), 0);
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }
    let mut index = boxes.moov_box().clone();
    change(&mut index);
    file.truncate(end);
    file.extend(index.encode_to_vec().unwrap());
    file
}

/// The same in one fragment.
fn fragment(samples: &[(Sample, Vec<u8>)], change: impl FnOnce(&mut MoovBox)) -> Vec<u8> {
    let mut muxer = Fmp4SegmentMuxer::new().unwrap();
    let mut data = Vec::new();
    let mut placed = Vec::new();
    for (sample, bytes) in samples {
        placed.push(Sample {
            data_offset: data.len() as u64,
            ..sample.clone()
        });
        data.extend(bytes);
    }
    let head = muxer.create_media_segment_metadata(&placed).unwrap();
    let init = muxer.init_segment_bytes().unwrap();
    let kind = u32::from_be_bytes(init[..4].try_into().unwrap()) as usize;
    let (mut index, _) = MoovBox::decode(&init[kind..]).unwrap();
    change(&mut index);
    [&init[..kind], &index.encode_to_vec().unwrap(), &head, &data].concat()
}

/// Where the track of a handler is.
fn of_kind(index: &MoovBox, handler: [u8; 4]) -> usize {
    let mut tracks = index.trak_boxes.iter();
    let found = tracks.position(|track| track.mdia_box.hdlr_box.handler_type == handler);
    found.unwrap()
}

/// Of a track: when it begins, in ticks of the film and of its own.
fn edit(index: &mut MoovBox, track: usize, edits: &[(u64, i64)]) {
    let entries = edits.iter().map(|&(edit_duration, media_time)| ElstEntry {
        edit_duration,
        media_time,
        media_rate: FixedPointNumber::new(1, 0),
    });
    index.trak_boxes[track].edts_box = Some(EdtsBox {
        elst_box: Some(ElstBox {
            entries: entries.collect(),
        }),
        unknown_boxes: Vec::new(),
    });
}

fn read(file: &[u8]) -> (Vec<Track>, Vec<Frame>) {
    let mut reader = FileReader::new(Cursor::new(file)).unwrap();
    let frames = std::iter::from_fn(|| reader.next_frame().unwrap()).collect();
    (reader.tracks().to_vec(), frames)
}

fn times(frames: &[Frame], track: usize) -> Vec<f64> {
    let frames = frames.iter().filter(|frame| frame.track == track);
    let times = frames.map(|frame| frame.time.as_secs_f64() * 1_000.0);
    times.map(|ms| (ms * 10.0).round() / 10.0).collect()
}

#[test]
fn key_frames_have_the_parameter_sets_of_the_sample_entry_that_is_theirs() {
    let first = sample(
        Some(SampleEntry::Avc1(avc1(false))),
        true,
        &units(4, &[PICTURE]),
    );
    let second = sample(
        Some(SampleEntry::Avc1(avc1(true))),
        true,
        &units(2, &[PICTURE]),
    );
    let third = sample(None, false, &units(2, &[OTHER]));
    let (tracks, frames) = read(&whole(&[first, second, third], |_| {}));
    assert_eq!(tracks.len(), 1);
    let data: Vec<_> = frames.iter().map(|frame| frame.data.to_vec()).collect();
    let other = [SETS[1], &[0x80]].concat();
    assert_eq!(
        data,
        [
            stream(&[SETS[0], SETS[1], PICTURE]),
            stream(&[SETS[0], &other, PICTURE]),
            stream(&[OTHER]),
        ]
    );
}

#[test]
fn a_track_whose_samples_take_turns_with_two_entries_is_read() {
    let samples: Vec<_> = (0..6)
        .map(|n| {
            let another = n % 2 == 1;
            let entry = SampleEntry::Avc1(avc1(another));
            let length = if another { 2 } else { 4 };
            sample(Some(entry), n < 2, &units(length, &[OTHER]))
        })
        .collect();
    let expected = [
        stream(&[SETS[0], SETS[1], OTHER]),
        stream(&[SETS[0], &[SETS[1], &[0x80]].concat(), OTHER]),
        stream(&[OTHER]),
        stream(&[OTHER]),
        stream(&[OTHER]),
        stream(&[OTHER]),
    ];
    let (_, frames) = read(&whole(&samples, |_| {}));
    let data: Vec<_> = frames.iter().map(|frame| frame.data.to_vec()).collect();
    assert_eq!(data, expected);
}

#[test]
fn a_second_track_of_one_number_is_none() {
    let mut samples = vec![sample(
        Some(SampleEntry::Avc1(avc1(false))),
        true,
        &units(4, &[PICTURE]),
    )];
    samples.extend(sound(2));
    let file = whole(&samples, |index| {
        for track in &mut index.trak_boxes {
            track.tkhd_box.track_id = 1;
        }
        let first = of_kind(index, *b"vide");
        index.trak_boxes.swap(0, first);
    });
    let (tracks, frames) = read(&file);
    let formats: Vec<_> = tracks.iter().map(|track| track.format).collect();
    assert_eq!(formats, [Format::H264]);
    let data: Vec<_> = frames.iter().map(|frame| frame.data.to_vec()).collect();
    assert_eq!(data, [stream(&[SETS[0], SETS[1], PICTURE])]);
}

#[test]
fn a_track_that_changes_its_codec_is_read_up_to_there() {
    let vp8 = entry(&Track::new(Format::Vp8), &[]).unwrap();
    let file = whole(
        &[
            sample(
                Some(SampleEntry::Avc1(avc1(false))),
                true,
                &units(4, &[PICTURE]),
            ),
            sample(Some(vp8), true, &[0; 10]),
        ],
        |_| {},
    );
    let mut reader = FileReader::new(Cursor::new(file)).unwrap();
    assert!(matches!(reader.next_frame(), Ok(Some(_))));
    let refused = reader.next_frame();
    assert!(
        matches!(refused, Err(FileError::Unsupported(_))),
        "{refused:?}"
    );
}

/// A picture, and three of which the first is shown last; and sound.
fn out_of_order() -> Vec<(Sample, Vec<u8>)> {
    let mut samples = Vec::new();
    for (n, offset) in [(0, 7_200), (1, 14_400), (2, 3_600), (3, 3_600)] {
        let entry = (n == 0).then(|| SampleEntry::Avc1(avc1(false)));
        let (mut picture, data) = sample(entry, n == 0, &units(4, &[PICTURE]));
        picture.composition_time_offset = Some(offset);
        samples.push((picture, data));
    }
    samples.extend(sound(3));
    samples
}

#[test]
fn pictures_that_are_decoded_out_of_order_are_not_late_against_the_sound() {
    let begins = |index: &mut MoovBox| {
        let pictures = of_kind(index, *b"vide");
        edit(index, pictures, &[(160, 7_200)]);
    };
    for file in [
        whole(&out_of_order(), begins),
        fragment(&out_of_order(), begins),
    ] {
        let (tracks, frames) = read(&file);
        let of = |format| tracks.iter().position(|track| track.format == format);
        let pictures = times(&frames, of(Format::H264).unwrap());
        assert_eq!(pictures, [0.0, 120.0, 40.0, 80.0]);
        assert_eq!(times(&frames, of(Format::Opus).unwrap()), [0.0, 20.0, 40.0]);
    }
}

#[test]
fn a_track_that_begins_later_comes_where_its_time_is() {
    // Longer than what is looked at for tracks.
    let mut samples: Vec<_> = (0..500)
        .map(|n| {
            let entry = (n == 0).then(|| SampleEntry::Avc1(avc1(false)));
            sample(entry, n == 0, &units(4, &[PICTURE]))
        })
        .collect();
    samples.extend(sound(2));
    let file = whole(&samples, |index| {
        let film = u64::from(index.mvhd_box.timescale.get());
        let sound = of_kind(index, *b"soun");
        edit(index, sound, &[(12 * film, -1), (film, 312)]);
    });
    let (tracks, frames) = read(&file);
    let sound = tracks.iter().position(|track| track.format == Format::Opus);
    assert_eq!(times(&frames, sound.unwrap()), [11_993.5, 12_013.5]);
    assert!(frames.is_sorted_by_key(|frame| frame.time));
}

#[test]
fn frames_before_the_beginning_are_kept_and_the_others_move_with_them() {
    let mut samples = vec![sample(
        Some(SampleEntry::Avc1(avc1(false))),
        true,
        &units(4, &[PICTURE]),
    )];
    samples.extend(sound(2));
    let begins = |index: &mut MoovBox| {
        let sound = of_kind(index, *b"soun");
        edit(index, sound, &[(40, 312)]);
    };
    for file in [whole(&samples, begins), fragment(&samples, begins)] {
        let (tracks, frames) = read(&file);
        let of = |format| tracks.iter().position(|track| track.format == format);
        assert_eq!(times(&frames, of(Format::H264).unwrap()), [6.5]);
        assert_eq!(times(&frames, of(Format::Opus).unwrap()), [0.0, 20.0]);
    }
}

#[test]
fn h264_whose_entry_is_avc3_is_h264() {
    let encoded = avc1(false).encode_to_vec().unwrap();
    let avc3 = SampleEntry::Unknown(UnknownBox {
        box_type: BoxType::Normal(*b"avc3"),
        box_size: BoxSize::U32(encoded.len() as u32),
        payload: encoded[8..].to_vec(),
    });
    let picture = sample(
        Some(SampleEntry::Avc1(avc1(false))),
        true,
        &units(4, &[SETS[0], SETS[1], PICTURE]),
    );
    let file = whole(&[picture], |index| {
        let table = &mut index.trak_boxes[0].mdia_box.minf_box.stbl_box;
        table.stsd_box.entries[0] = avc3;
    });
    let (tracks, frames) = read(&file);
    assert_eq!(tracks[0].format, Format::H264);
    assert_eq!(tracks[0].size.map(|size| size.width), Some(64));
    assert_eq!(frames[0].data, stream(&[SETS[0], SETS[1], PICTURE]));
}

#[test]
fn parameter_sets_come_behind_the_delimiter_of_their_key_frame() {
    let picture = sample(
        Some(SampleEntry::Avc1(avc1(false))),
        true,
        &units(4, &[DELIMITER, PICTURE]),
    );
    let (_, frames) = read(&whole(&[picture], |_| {}));
    assert_eq!(
        frames[0].data,
        stream(&[DELIMITER, SETS[0], SETS[1], PICTURE])
    );
}

fn unknown(kind: &[u8; 4], payload: Vec<u8>) -> SampleEntry {
    SampleEntry::Unknown(UnknownBox {
        box_type: BoxType::Normal(*kind),
        box_size: BoxSize::U32(payload.len() as u32 + 8),
        payload,
    })
}

/// A sample entry as `qtmux` of GStreamer writes it: a zero behind its boxes, and of sound with four numbers more.
fn of_quicktime(entry: &SampleEntry) -> Vec<u8> {
    let encoded = entry.encode_to_vec().unwrap();
    let mut payload = encoded[8..].to_vec();
    if encoded[4..8] == *b"Opus" {
        payload[9] = 1;
        payload.splice(28..28, [0, 0, 3, 0xc0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2]);
    }
    payload.extend([0; 4]);
    payload
}

#[test]
fn sample_entries_of_quicktime_are_read() {
    let picture = SampleEntry::Avc1(avc1(false));
    let opus = entry(&Track::new(Format::Opus), &[]).unwrap();
    let mut samples = vec![sample(Some(picture.clone()), true, &units(4, &[PICTURE]))];
    samples.extend(sound(2));
    // AAC in the form of QuickTime is none of ours, and costs the other track nothing.
    let aac = of_quicktime(&opus);
    for (entry, tracks) in [(of_quicktime(&opus), 2), (aac, 1)] {
        let sound = match tracks {
            2 => unknown(b"Opus", entry),
            _ => unknown(b"mp4a", entry),
        };
        let file = whole(&samples, |index| {
            for track in &mut index.trak_boxes {
                let entries = &mut track.mdia_box.minf_box.stbl_box.stsd_box.entries;
                entries[0] = match &entries[0] {
                    SampleEntry::Opus(_) => sound.clone(),
                    other => unknown(b"avc1", of_quicktime(other)),
                };
            }
        });
        let (found, frames) = read(&file);
        assert_eq!(found.len(), tracks);
        let at = |format| found.iter().position(|it| it.format == format);
        let first = |track: Option<usize>| frames.iter().find(|it| Some(it.track) == track);
        let picture = first(at(Format::H264)).unwrap();
        assert_eq!(picture.data, stream(&[SETS[0], SETS[1], PICTURE]));
        let sound = at(Format::Opus);
        assert_eq!(sound.is_some(), tracks == 2);
        assert_eq!(sound.map(|n| found[n].channels), sound.map(|_| 2));
        assert_eq!(
            frames.iter().filter(|it| Some(it.track) == sound).count(),
            if tracks == 2 { 2 } else { 0 }
        );
    }
}

#[test]
fn what_is_behind_the_boxes_of_a_sample_entry_and_no_zero_is_refused() {
    let mut payload = of_quicktime(&SampleEntry::Avc1(avc1(false)));
    *payload.last_mut().unwrap() = 9;
    let picture = sample(
        Some(SampleEntry::Avc1(avc1(false))),
        true,
        &units(4, &[PICTURE]),
    );
    let file = whole(&[picture], |index| {
        let table = &mut index.trak_boxes[0].mdia_box.minf_box.stbl_box;
        table.stsd_box.entries[0] = unknown(b"avc1", payload);
    });
    assert!(FileReader::new(Cursor::new(&file)).is_err());
}
