//! Files of ffmpeg are read, and what is written is read again. That ffmpeg plays it is in
//! `test/interop`.

#![allow(clippy::unwrap_used, reason = "a failure is a failure")]

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::Instant;
use duologue_files::{Container, FileError, FileReader, FileWriter, Format, Frame, Track};
use duologue_media::EncodedFrame;
use duologue_rtp::payload::{FrameSize, Parts, nal};
use duologue_rtp::{PayloadType, Ssrc};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("data/", $name)))),*]
    };
}

/// Six pictures of 64x48, 15 a second; 200 ms of sound (ffmpeg 7.1).
const FILES: [(&str, &[u8]); 9] = files![
    "vp8.ivf",
    "vp9.ivf",
    "av1.ivf",
    "h264.h264",
    "h265.h265",
    "opus.ogg",
    "both.webm",
    "both.mp4",
    "h265-fragments.mp4",
];

fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(known, _)| *known == name).unwrap().1
}

fn read(bytes: &[u8]) -> (Vec<Track>, Vec<Frame>) {
    let mut reader = FileReader::new(Cursor::new(bytes)).unwrap();
    reader.set_picture_interval(Duration::from_nanos(66_666_667));
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame);
    }
    (reader.tracks().to_vec(), frames)
}

fn of_track(frames: &[Frame], track: usize) -> Vec<&Frame> {
    frames.iter().filter(|frame| frame.track == track).collect()
}

/// The units of a frame of H.264 or H.265, whose start codes may be of three or of four bytes; else the
/// frame.
fn parts(frame: &[u8]) -> Vec<&[u8]> {
    let mut parts = Parts::new();
    match nal::find_by_start_codes(frame, &mut parts) {
        Ok(()) => {
            let parts = parts.iter();
            parts
                .map(|part| &frame[part.start as usize..part.end as usize])
                .collect()
        }
        Err(_) => vec![frame],
    }
}

fn written(container: Container, tracks: &[Track], frames: &[Frame]) -> Vec<u8> {
    let mut writer = FileWriter::new(Vec::new(), container, tracks).unwrap();
    for frame in frames {
        writer.write_frame(frame).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn what_ffmpeg_wrote_is_read_with_its_tracks_times_and_key_frames() {
    let size = Some(FrameSize {
        width: 64,
        height: 48,
    });
    for (name, bytes) in FILES {
        let (tracks, frames) = read(bytes);
        for (index, track) in tracks.iter().enumerate() {
            let frames = of_track(&frames, index);
            if track.format == Format::Opus {
                assert_eq!(track.channels, 1, "{name}");
                assert!(
                    (10..=12).contains(&frames.len()),
                    "{name}: {}",
                    frames.len()
                );
                assert!(frames.iter().all(|frame| frame.key), "{name}");
                continue;
            }
            // A byte stream has nothing of its own beside the frames.
            assert_eq!(
                track.size,
                size.filter(|_| !name.starts_with("h26") || name.ends_with("mp4")),
                "{name}"
            );
            assert_eq!(frames.len(), 6, "{name}");
            let keys = frames.iter().filter(|frame| frame.key).count();
            assert!(
                frames[0].key && (1..6).contains(&keys),
                "{name}: {keys} key frames"
            );
            for (n, frame) in frames.iter().enumerate() {
                let expected = Duration::from_secs(n as u64) / 15;
                let wrong = frame.time.abs_diff(expected);
                // Opus begins 6.5 ms before it is heard, and ffmpeg puts the rest behind that. The times
                // of a byte stream that it puts into MP4 are guesses of its own.
                let most = match name {
                    "both.webm" => 8,
                    "both.mp4" | "h265-fragments.mp4" => 1_000,
                    _ => 1,
                };
                assert!(
                    wrong <= Duration::from_millis(most),
                    "{name} {n}: {:?}",
                    frame.time
                );
            }
        }
    }
}

#[test]
fn the_tracks_of_a_file_with_sound_and_pictures_are_both_found() {
    for (name, expected) in [
        ("both.webm", [Format::Vp8, Format::Opus]),
        ("both.mp4", [Format::H264, Format::Opus]),
    ] {
        let (tracks, _) = read(file(name));
        let formats: Vec<Format> = tracks.iter().map(|track| track.format).collect();
        assert_eq!(formats, expected, "{name}");
    }
}

/// Five pictures and three packets of sound of `webmmux` (GStreamer 1.22): its strings end with a zero (RFC 8794 §7.4).
#[test]
fn webm_of_gstreamer_is_read() {
    let (tracks, frames) = read(include_bytes!("data/gstreamer.webm"));
    let mut formats: Vec<Format> = tracks.iter().map(|track| track.format).collect();
    formats.sort_by_key(|format| *format == Format::Opus);
    assert_eq!(formats, [Format::Vp8, Format::Opus]);
    let pictures = tracks.iter().position(|it| it.format == Format::Vp8);
    let count = |track| of_track(&frames, track).len();
    assert_eq!(count(pictures.unwrap()), 5);
    assert!(count(1 - pictures.unwrap()) >= 3);
}

#[test]
fn h264_of_mp4_is_the_byte_stream_that_it_was_made_of() {
    let (_, plain) = read(file("h264.h264"));
    let (_, frames) = read(file("both.mp4"));
    for (frame, plain) in of_track(&frames, 0).iter().zip(&plain) {
        // The file has the parameter sets apart, and key frames may have them in themselves too.
        let ends = plain.data.len().min(40);
        assert!(frame.data.ends_with(&plain.data[plain.data.len() - ends..]));
        assert_eq!(frame.key, plain.key);
        assert!(frame.data.starts_with(&[0, 0, 0, 1]));
        if frame.key {
            assert_eq!(frame.data[4] & 0x1f, 7, "a sequence parameter set");
        }
    }
}

#[test]
fn frames_are_the_same_after_they_were_written_and_read_in_every_container_of_their_format() {
    let all = [
        Container::Ivf,
        Container::Ogg,
        Container::AnnexB,
        Container::WebM,
        Container::Mp4,
    ];
    let mut tried = 0;
    for (name, bytes) in FILES {
        let (tracks, frames) = read(bytes);
        for container in all {
            if FileWriter::new(Vec::new(), container, &tracks).is_err() {
                continue;
            }
            tried += 1;
            let what = format!("{name} as {container:?}");
            let (again, others) = read(&written(container, &tracks, &frames));
            let formats = |tracks: &[Track]| tracks.iter().map(|t| t.format).collect::<Vec<_>>();
            assert_eq!(formats(&again), formats(&tracks), "{what}");
            for track in 0..tracks.len() {
                let (before, after) = (of_track(&frames, track), of_track(&others, track));
                // Sound before the first picture is left out.
                let left_out = before.len() - after.len();
                assert!(left_out <= track, "{what}: {left_out}");
                for (before, after) in before[left_out..].iter().zip(&after) {
                    assert_eq!(after.key, before.key, "{what}");
                    assert_eq!(parts(&after.data), parts(&before.data), "{what}");
                    let wrong = after.time.abs_diff(before.time);
                    assert!(
                        wrong <= Duration::from_millis(1) || container == Container::AnnexB,
                        "{what}: {wrong:?}"
                    );
                }
            }
        }
    }
    assert_eq!(tried, 21);
}

fn received(track: &Track, frame: &Frame, ms: u64) -> EncodedFrame {
    let init = frame.to_init(track.format);
    EncodedFrame {
        key: frame.key,
        ..EncodedFrame::new(
            Ssrc(1),
            PayloadType::new(96).unwrap(),
            init.timestamp.wrapping_add(0xffff_f000),
            Instant::from_nanos(ms * 1_000_000),
            frame.data.clone(),
        )
    }
}

#[test]
fn a_recording_begins_with_the_first_key_frame_and_sound_lies_beside_it_as_it_arrived() {
    let (tracks, frames) = read(file("both.webm"));
    for container in [Container::WebM, Container::Mp4] {
        let mut writer = FileWriter::new(Vec::new(), container, &tracks).unwrap();
        let (pictures, sound) = (of_track(&frames, 0), of_track(&frames, 1));
        // Sound before the first picture, and a picture that needs another one.
        writer.write(1, &received(&tracks[1], sound[0], 0)).unwrap();
        writer
            .write(0, &received(&tracks[0], pictures[1], 10))
            .unwrap();
        writer
            .write(0, &received(&tracks[0], pictures[0], 1_000))
            .unwrap();
        for frame in &sound[..4] {
            writer
                .write(1, &received(&tracks[1], frame, 1_300))
                .unwrap();
        }
        writer
            .write(0, &received(&tracks[0], pictures[1], 1_067))
            .unwrap();

        let (_, frames) = read(&writer.finish().unwrap());
        let times = |track| -> Vec<u128> {
            let frames = of_track(&frames, track);
            frames.iter().map(|frame| frame.time.as_millis()).collect()
        };
        let first = sound[0].time.as_millis();
        let offsets: Vec<u128> = sound[..4]
            .iter()
            .map(|f| 300 + f.time.as_millis() - first)
            .collect();
        let near = |a: &[u128], b: &[u128]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1)
        };
        assert!(near(&times(0), &[0, 67]), "{container:?}: {:?}", times(0));
        assert!(
            near(&times(1), &offsets),
            "{container:?}: {:?} for {offsets:?}",
            times(1)
        );
    }
}

#[test]
fn a_recording_that_was_cut_off_is_read_up_to_there() {
    let (tracks, frames) = read(file("both.webm"));
    let frames: Vec<Frame> = (0..300)
        .map(|n| Frame {
            time: Duration::from_millis(33 * n),
            ..frames.iter().find(|f| f.track == 0).unwrap().clone()
        })
        .collect();
    for container in [Container::Ivf, Container::WebM, Container::Mp4] {
        let file = written(container, &tracks[..1], &frames);
        let middle = file.len() * 2 / 3;
        // Wherever it is cut: in a frame, in what is written before one, between two.
        for len in (middle..middle + 1_000).step_by(3) {
            let mut reader = FileReader::new(Cursor::new(&file[..len])).unwrap();
            let mut count = 0;
            while reader.next_frame().unwrap().is_some() {
                count += 1;
            }
            assert!((150..=210).contains(&count), "{container:?}: {count}");
            assert_eq!(reader.next_frame().unwrap(), None);
        }
    }
    // A file that says how long it is, is broken.
    let vp8 = file("vp8.ivf");
    let mut reader = FileReader::new(Cursor::new(&vp8[..vp8.len() - 1])).unwrap();
    let all = std::iter::from_fn(|| reader.next_frame().transpose());
    assert!(matches!(all.last(), Some(Err(FileError::Malformed(_)))));
}

#[test]
fn silence_that_is_not_sent_is_a_gap_in_ogg() {
    let opus = Track::new(Format::Opus);
    // 20 ms of CELT each.
    let frame = |ms| Frame {
        track: 0,
        time: Duration::from_millis(ms),
        key: true,
        data: Bytes::from_static(&[0xf8, 1]),
    };
    let times = [0, 20, 40, 460, 480, 1_900];
    let frames: Vec<Frame> = times.into_iter().map(frame).collect();
    let (_, read) = read(&written(Container::Ogg, &[opus], &frames));
    let read: Vec<u128> = read.iter().map(|frame| frame.time.as_millis()).collect();
    assert_eq!(read, times.map(u128::from));
}

#[test]
fn tracks_that_a_container_cannot_have_are_refused() {
    let track = Track::new;
    for (container, tracks) in [
        (Container::Ivf, vec![track(Format::Opus)]),
        (Container::Ivf, vec![track(Format::Vp8), track(Format::Vp8)]),
        (Container::Ogg, vec![track(Format::Vp8)]),
        (Container::AnnexB, vec![track(Format::Av1)]),
        (Container::WebM, vec![track(Format::H264)]),
        (
            Container::WebM,
            vec![track(Format::Vp8), track(Format::Vp9)],
        ),
        (Container::Mp4, vec![]),
    ] {
        let made = FileWriter::new(Vec::new(), container, &tracks);
        assert!(
            matches!(made, Err(FileError::Unsupported(_))),
            "{container:?} {tracks:?}"
        );
    }
}

#[test]
fn lengths_that_no_file_has_are_refused_without_memory_for_them() {
    let mut ivf = file("vp8.ivf")[..44].to_vec();
    ivf[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut reader = FileReader::new(Cursor::new(ivf)).unwrap();
    assert!(matches!(reader.next_frame(), Err(FileError::TooLarge)));

    let (tracks, frames) = read(file("both.webm"));
    let mut webm = written(Container::WebM, &tracks, &frames);
    webm.extend([0xa3, 0x01, 0, 0, 0, 0x0f, 0xff, 0xff, 0xff]);
    let mut reader = FileReader::new(Cursor::new(webm)).unwrap();
    let last = std::iter::from_fn(|| reader.next_frame().transpose())
        .last()
        .unwrap();
    assert!(matches!(last, Err(FileError::TooLarge)), "{last:?}");

    let mut mp4 = file("both.mp4").to_vec();
    mp4[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(
        FileReader::new(Cursor::new(mp4)),
        Err(FileError::TooLarge)
    ));
}

#[test]
fn samples_that_a_fragment_claims_without_a_byte_for_each_are_refused() {
    let mut bytes = file("h265-fragments.mp4").to_vec();
    let at = bytes.windows(4).position(|it| it == b"trun").unwrap();
    // No sample has anything of its own, and there are sixteen million: a gigabyte of entries.
    bytes[at + 6] &= 0xf0;
    bytes[at + 8..at + 12].copy_from_slice(&0x00ff_ffff_u32.to_be_bytes());
    let read = FileReader::new(Cursor::new(&bytes)).and_then(|mut it| it.next_frame());
    assert!(matches!(read, Err(FileError::Malformed(_))), "{read:?}");
}

#[test]
fn tracks_that_come_after_frames_are_none_of_the_file() {
    // RFC 9559 §5.1.4.1: an entry of a track with another number, and a block of it.
    let (tracks, frames) = read(file("both.webm"));
    let mut webm = written(Container::WebM, &tracks, &frames);
    webm.extend(b"\xae\x8a\xd7\x81\x09\x86\x85V_VP8");
    webm.extend(b"\xa3\x85\x89\x00\x00\x80\xff");
    assert_eq!(
        read(&webm),
        read(&written(Container::WebM, &tracks, &frames))
    );

    // Sound that begins after all the pictures that are looked at for tracks.
    let (tracks, frames) = read(file("both.mp4"));
    let pictures = (0..600).map(|n| Frame {
        time: Duration::from_millis(33 * n),
        ..of_track(&frames, 0)[0].clone()
    });
    let sound = Frame {
        time: Duration::from_secs(60),
        ..of_track(&frames, 1)[0].clone()
    };
    let late: Vec<Frame> = pictures.chain([sound]).collect();
    let (found, frames) = read(&written(Container::Mp4, &tracks, &late));
    assert_eq!((found.len(), frames.len()), (1, 600));
}

#[test]
fn frames_that_share_a_block_of_webm_are_frames_of_their_own_times() {
    let (tracks, frames) = read(file("both.webm"));
    let mut webm = written(Container::WebM, &tracks, &frames);
    // A cluster's time of a second. RFC 9559 §10.3.2: track 2, a millisecond behind; two packets of 20 ms and one of 60.
    webm.extend(b"\xe7\x82\x03\xe8");
    webm.extend(b"\xa3\x8f\x82\x00\x01\x82\x02\x03\x02\xf8\x01\x02\xf8\x03\xfb\x03\x04");
    let (_, again) = read(&webm);
    let laced = &again[again.len() - 3..];
    let found: Vec<(u128, &[u8])> = laced
        .iter()
        .map(|frame| (frame.time.as_millis(), &frame.data[..]))
        .collect();
    let expected: [(u128, &[u8]); 3] = [
        (1_001, &[0xf8, 1, 2]),
        (1_021, &[0xf8, 3]),
        (1_041, &[0xfb, 3, 4]),
    ];
    assert_eq!(found, expected);
    assert!(laced.iter().all(|frame| frame.track == 1 && frame.key));
}

#[test]
fn a_time_that_no_file_has_is_refused_and_the_file_goes_on() {
    let (tracks, frames) = read(file("both.webm"));
    for container in [Container::Ivf, Container::WebM, Container::Mp4] {
        let mut writer = FileWriter::new(Vec::new(), container, &tracks[..1]).unwrap();
        let picture = of_track(&frames, 0)[0];
        writer.write_frame(picture).unwrap();
        for time in [Duration::MAX, Duration::from_secs(u64::MAX / 90_000)] {
            let late = Frame {
                time,
                ..picture.clone()
            };
            let refused = writer.write_frame(&late);
            assert!(
                matches!(refused, Err(FileError::Malformed(_))),
                "{container:?}: {refused:?}"
            );
        }
        writer.write_frame(picture).unwrap();
        let written = writer.finish().unwrap();
        assert_eq!(read(&written).1.len(), 2, "{container:?}");
    }
}

/// A key frame as it was received, of which the depacketizer knows the size.
fn sized(track: &Track, frame: &Frame, ms: u64) -> EncodedFrame {
    EncodedFrame {
        key: true,
        size: Some(FrameSize {
            width: 64,
            height: 48,
        }),
        ..received(track, frame, ms)
    }
}

#[test]
fn a_key_frame_that_says_too_little_to_begin_a_file_leaves_that_to_the_next_one() {
    // A temporal unit without its sequence header, as a dependency descriptor may announce one; a picture without
    // parameter sets.
    let frame_obu = Bytes::from_static(&[0x32, 2, 0x10, 0]);
    let picture_unit = Bytes::from_static(&[0, 0, 0, 1, 0x65, 0x88, 0x84]);
    for (name, container, odd) in [
        ("av1.ivf", Container::WebM, &frame_obu),
        ("av1.ivf", Container::Mp4, &frame_obu),
        ("h264.h264", Container::Mp4, &picture_unit),
    ] {
        let (tracks, frames) = read(file(name));
        let track = &tracks[0];
        let odd = Frame {
            data: odd.clone(),
            ..frames[0].clone()
        };
        let mut writer = FileWriter::new(Vec::new(), container, &tracks).unwrap();
        let refused = writer.write(0, &sized(track, &odd, 0));
        let of_one = |error: &FileError| error.is_of_one_frame();
        assert!(
            refused.as_ref().is_err_and(of_one),
            "{name} {container:?}: {refused:?}"
        );

        for (n, frame) in (0..).zip(&frames) {
            let frame = match frame.key {
                true => sized(track, frame, 1_000 + n * 67),
                false => received(track, frame, 1_000 + n * 67),
            };
            writer.write(0, &frame).unwrap();
        }
        let (_, written) = read(&writer.finish().unwrap());
        assert_eq!(written.len(), frames.len(), "{name} {container:?}");
        // The file begins where its first frame does.
        assert_eq!(written[0].time, Duration::ZERO, "{name} {container:?}");
    }
}

/// An element of EBML whose body is shorter than 16 KiB.
fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let size = (body.len() as u16 | 0x4000).to_be_bytes();
    [id, &size[..], body].concat()
}

/// Matroska of one track whose number is 1, with a block for each of these frames, 40 ms apart.
fn matroska(codec: &[u8], private: &[u8], frames: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let video = [element(b"\xb0", &[64]), element(b"\xba", &[48])].concat();
    let mut entry = [
        element(b"\xd7", &[1]),
        element(b"\x83", &[1]),
        element(b"\x86", codec),
    ]
    .concat();
    if !private.is_empty() {
        entry.extend(element(b"\x63\xa2", private));
    }
    entry.extend(element(b"\xe0", &video));

    let mut file = element(b"\x1a\x45\xdf\xa3", &element(b"\x42\x82", b"matroska"));
    file.extend(b"\x18\x53\x80\x67\xff");
    file.extend(element(b"\x16\x54\xae\x6b", &element(b"\xae", &entry)));
    file.extend(b"\x1f\x43\xb6\x75\xff");
    file.extend(element(b"\xe7", &[0]));
    for (n, (key, frame)) in frames.iter().enumerate() {
        let head = [0x81, 0, 40 * n as u8, if *key { 0x80 } else { 0 }];
        file.extend(element(b"\xa3", &[&head[..], frame.as_slice()].concat()));
    }
    file
}

/// Units behind lengths of four bytes.
fn with_lengths(units: &[&[u8]]) -> Vec<u8> {
    let units = units.iter();
    units
        .flat_map(|unit| [&(unit.len() as u32).to_be_bytes()[..], *unit].concat())
        .collect()
}

#[test]
fn h264_and_h265_of_matroska_are_the_byte_streams_that_they_were_made_of() {
    for (name, format, codec) in [
        ("h264.h264", Format::H264, &b"V_MPEG4/ISO/AVC"[..]),
        ("h265.h265", Format::H265, b"V_MPEGH/ISO/HEVC"),
    ] {
        let (_, frames) = read(file(name));
        let is_set = |unit: &&[u8]| match format {
            Format::H264 => matches!(unit[0] & 0x1f, 7 | 8),
            _ => matches!(unit[0] >> 1 & 0x3f, 32..=34),
        };
        let sets: Vec<&[u8]> = parts(&frames[0].data).into_iter().filter(is_set).collect();
        let behind_lengths = |set: &[u8]| [&(set.len() as u16).to_be_bytes()[..], set].concat();
        let record: Vec<u8> = match format {
            Format::H264 => {
                let [sps, pps] = [0, 1].map(|n| behind_lengths(sets[n]));
                [&[1, 66, 0, 10, 0xff, 0xe1][..], &sps, &[1], &pps].concat()
            }
            _ => {
                let arrays = sets.iter().flat_map(|set| {
                    [&[set[0] >> 1 & 0x3f, 0, 1][..], &behind_lengths(set)].concat()
                });
                let mut record = vec![1; 21];
                record.extend([0x0f, sets.len() as u8]);
                record.extend(arrays);
                record
            }
        };
        let apart = frames.iter().map(|frame| {
            let mut units = parts(&frame.data);
            units.retain(|unit| !is_set(unit));
            (frame.key, with_lengths(&units))
        });
        let whole = frames.iter().map(|frame| (frame.key, frame.data.to_vec()));
        // Recorders of browsers have written start codes, without a record.
        for (private, blocks) in [
            (&record[..], apart.collect::<Vec<_>>()),
            (&[][..], whole.collect()),
        ] {
            let (tracks, found) = read(&matroska(codec, private, &blocks));
            assert_eq!(tracks[0].format, format);
            assert_eq!(
                tracks[0].size.map(|it| (it.width, it.height)),
                Some((64, 48))
            );
            assert_eq!(found.len(), frames.len());
            for (n, (found, frame)) in found.iter().zip(&frames).enumerate() {
                assert_eq!(parts(&found.data), parts(&frame.data), "{name}, {n}");
                assert_eq!(found.time.as_millis(), 40 * n as u128);
            }
        }
        // Nobody knows how its frames are to be read.
        for record in [&record[..record.len() - 1], &[1, 2, 3]] {
            let blocks = [(true, with_lengths(&parts(&frames[0].data)))];
            let error = FileReader::new(Cursor::new(matroska(codec, record, &blocks))).err();
            let error = error.unwrap().to_string();
            assert!(error.contains("without a track of ours"), "{name}: {error}");
        }
    }
}
