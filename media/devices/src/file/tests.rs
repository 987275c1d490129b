use std::io::Cursor;

use duologue_codec::{pattern, tone};

use super::*;
use crate::{WavWriter, Y4mWriter};

/// What a pipe with these bytes gives, or why it gives nothing.
fn video(bytes: impl Into<Vec<u8>>, format: &str) -> Result<(VideoMode, Vec<VideoFrame>), String> {
    let mut origin = Origin::Pipe(Some(Box::new(Cursor::new(bytes.into()))));
    let format = format.parse().map_err(|it: DeviceError| it.to_string())?;
    let frames = open("test", &mut origin, format).map_err(|it| it.to_string())?;
    let Frames::Video(mut pieces, mode) = frames else {
        panic!("it is sound");
    };
    let mut all = Vec::new();
    while let Some((frame, lasts)) = pieces.next().map_err(|it| it.to_string())? {
        assert!(lasts > Duration::ZERO);
        all.push(frame);
    }
    Ok((mode, all))
}

fn audio(bytes: impl Into<Vec<u8>>, format: &str) -> Result<(AudioMode, Vec<AudioData>), String> {
    let mut origin = Origin::Pipe(Some(Box::new(Cursor::new(bytes.into()))));
    let format = format.parse().map_err(|it: DeviceError| it.to_string())?;
    let frames = open("test", &mut origin, format).map_err(|it| it.to_string())?;
    let Frames::Audio(mut pieces, mode) = frames else {
        panic!("they are pictures");
    };
    let mut all = Vec::new();
    while let Some((data, _)) = pieces.next().map_err(|it| it.to_string())? {
        all.push(data);
    }
    Ok((mode, all))
}

/// Shared memory that is written like a file.
#[derive(Clone, Debug, Default)]
struct Shared(std::sync::Arc<Mutex<Cursor<Vec<u8>>>>);

impl Shared {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().get_ref().clone()
    }
}

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Seek for Shared {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.lock().unwrap().seek(to)
    }
}

#[test]
fn pictures_that_are_recorded_are_played_as_they_were() {
    let file = Shared::default();
    let mut writer = Y4mWriter::new(file.clone(), 25);
    for number in 0..5_u16 {
        // An odd size, and one that comes late.
        let at = Duration::from_millis(40) * (number + number / 3).into();
        writer
            .write(&pattern::draw(number, 65, 49).unwrap().at(at))
            .unwrap();
    }
    assert_eq!(writer.finish().unwrap(), 6);
    let (mode, frames) = video(file.bytes(), "y4m").unwrap();
    assert_eq!((mode.width, mode.height, mode.frame_rate), (65, 49, 25.0));
    let numbers: Vec<_> = frames.iter().map(pattern::number).collect();
    let expected = [0, 1, 2, 2, 3, 4].map(Some);
    assert_eq!(numbers, expected);
    assert_eq!(frames[5].timestamp, Duration::from_millis(200));
}

#[test]
fn sound_that_is_recorded_is_played_as_it_was() {
    for channels in [1, 2] {
        let file = Shared::default();
        let mut writer = WavWriter::new(file.clone());
        for piece in 0..100 {
            writer
                .write(&tone::draw(441 * piece, 441, 44_100, channels, 440.0).unwrap())
                .unwrap();
        }
        assert_eq!(writer.finish().unwrap(), Duration::from_secs(1));
        let (mode, pieces) = audio(file.bytes(), "wav").unwrap();
        assert_eq!(
            (mode.sample_rate, mode.channels, pieces.len()),
            (44_100, channels, 100)
        );
        let samples: Vec<f32> = pieces.iter().flat_map(|it| it.samples().to_vec()).collect();
        let whole = AudioData::new(samples.into(), 44_100, channels).unwrap();
        let hertz = tone::frequency(&whole).unwrap();
        assert!((hertz - 440.0).abs() < 0.5, "{hertz}");
        // What is cut off ends where it ends.
        let cut = &file.bytes()[..10_001];
        let (_, pieces) = audio(cut, "wav").unwrap();
        assert!(!pieces.is_empty() && pieces.len() < 100);
    }
}

#[test]
fn pictures_with_more_colour_or_more_bits_become_those_that_are_sent() {
    // Of 3x3 pixels, the last column and row alone in their samples of colour.
    let bright = [10, 20, 30, 40, 50, 60, 70, 80, 90];
    let u = [100, 102, 50, 104, 106, 52, 80, 82, 200];
    let halves = [100, 50, 104, 52, 80, 200];
    for (space, colours, expected) in [
        ("C444", &u[..], [103, 51, 81, 200]),
        ("C422", &halves[..], [102, 51, 80, 200]),
        ("C420jpeg", &[1, 2, 3, 4][..], [1, 2, 3, 4]),
        ("Cmono", &[][..], [128; 4]),
    ] {
        let planes = [&bright[..], colours, colours].concat();
        for deep in [false, true] {
            let (space, planes) = match (deep, space) {
                (false, _) => (space.to_owned(), planes.clone()),
                (true, "C444" | "C422") => (
                    format!("{space}p10"),
                    planes
                        .iter()
                        .flat_map(|it| ((u16::from(*it) << 2) | 3).to_le_bytes())
                        .collect(),
                ),
                (true, _) => continue,
            };
            let header = format!("YUV4MPEG2 W3 H3 F25:1 {space}\nFRAME\n");
            let (_, frames) = video([header.into_bytes(), planes].concat(), "y4m").unwrap();
            let rows = |plane, count| -> Vec<u8> {
                let rows = (0..count).map(|row| frames[0].row(plane, row));
                rows.flatten().copied().collect()
            };
            assert_eq!(rows(0, 3), bright, "{space}");
            assert_eq!(rows(1, 2), expected, "{space}");
            assert_eq!(rows(2, 2), expected, "{space}");
        }
    }
}

#[test]
fn sound_of_many_channels_becomes_that_of_two() {
    let spec = hound::WavSpec {
        channels: 6,
        sample_rate: 96_000,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let file = Shared::default();
    let mut writer = hound::WavWriter::new(file.clone(), spec).unwrap();
    for _ in 0..1_000 {
        // In front on the left, and what is left out.
        for sample in [0.5, 0.0, 0.0, 1.0, 0.0, 0.0] {
            writer.write_sample((sample * 8_388_607.0) as i32).unwrap();
        }
    }
    writer.finalize().unwrap();
    let (mode, pieces) = audio(file.bytes(), "wav").unwrap();
    assert_eq!((mode.sample_rate, mode.channels), (96_000, 2));
    let [left, right] = [pieces[0].samples()[0], pieces[0].samples()[1]];
    // A full one on all three that are heard on the left would be as loud as can be.
    let loud = 0.5 / (1.0 + 2.0_f32.sqrt());
    assert!(
        (left - loud).abs() < 0.001 && right == 0.0,
        "{left} {right}"
    );
}

#[test]
fn raw_pictures_and_samples_are_cut_into_pieces_and_what_is_not_whole_is_left_out() {
    let frame = pattern::draw(9, 64, 48).unwrap();
    let bytes: Vec<u8> = frame
        .planes()
        .iter()
        .flat_map(|it| it.data.to_vec())
        .collect();
    let two_and_a_half = [&bytes[..], &bytes, &bytes[..100]].concat();
    let (mode, frames) = video(two_and_a_half, "i420:64x48@12.5").unwrap();
    assert_eq!((mode.frame_rate, frames.len()), (12.5, 2));
    assert_eq!(frames[1], frame.at(Duration::from_millis(80)));

    let samples = [0_i16, 16_384, -32_768, 0].map(i16::to_le_bytes).concat();
    let (_, pieces) = audio([&samples[..], &[1]].concat(), "s16le:8000x2").unwrap();
    assert_eq!(pieces[0].samples(), [0.0, 0.5, -1.0, 0.0]);
    assert_eq!(pieces.len(), 1);
}

#[test]
fn what_is_no_such_file_is_refused_with_a_reason() {
    for (bytes, format, why) in [
        ("", "y4m", "it has no header"),
        ("YUV4MPEG2 W2 H2\nFRAME\n", "mp4", "a format is"),
        ("YUV4MPEG2 H2 F25:1\n", "y4m", "it says no size"),
        (
            "YUV4MPEG2 W99999 H99999 F25:1\n",
            "y4m",
            "more than is allowed",
        ),
        (
            "YUV4MPEG2 W2 H2 W18446744073709551615\n",
            "y4m",
            "it says two sizes",
        ),
        (
            "YUV4MPEG2 W18446744073709551615 H2\n",
            "y4m",
            "it says no size",
        ),
        ("YUV4MPEG2 W2 H2 F0:1\n", "y4m", "no such rate"),
        ("YUV4MPEG2 W2 H2 F1:0\n", "y4m", ""),
        ("YUV4MPEG2 W2 H2 F25:1 C777\n", "y4m", ""),
        ("", "i420:0x2@30", "without pixels"),
        ("", "i420:2x2@0", "no such rate"),
        ("", "i420:2x2@inf", "no such rate"),
        ("", "i420:2x2", "a format is"),
    ] {
        match video(bytes, format) {
            Err(error) => assert!(error.contains(why), "{bytes}: {error}"),
            Ok((mode, frames)) => assert!(why.is_empty() && frames.is_empty(), "{mode:?}"),
        }
    }
    for (bytes, format) in [
        ("RIFF", "wav"),
        ("", "wav"),
        ("", "s16le:1x1"),
        ("", "s16le:48000x3"),
    ] {
        assert!(audio(bytes, format).is_err(), "{format}");
    }
}

#[test]
fn damaged_headers_and_files_end_without_a_panic() {
    let file = Shared::default();
    let mut wav = WavWriter::new(file.clone());
    wav.write(&tone::draw(0, 480, 48_000, 2, 440.0).unwrap())
        .unwrap();
    wav.finish().unwrap();
    let y4m = b"YUV4MPEG2 W4 H4 F25:1 Ip A1:1 C420jpeg\nFRAME\n012345678901234567890123FRAME\n";
    for (whole, format) in [(file.bytes(), "wav"), (y4m.to_vec(), "y4m")] {
        for at in 0..whole.len().min(64) {
            for value in [0, 1, b'9', 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                // Whether it is read or refused: it ends.
                match format {
                    "wav" => drop(audio(damaged, format)),
                    _ => drop(video(damaged, format)),
                }
            }
        }
    }
}

#[test]
fn a_file_that_is_repeated_goes_on_in_time_and_a_pipe_ends() {
    let file = tempfile::Builder::new().suffix(".y4m").tempfile().unwrap();
    let mut writer = Y4mWriter::new(std::io::BufWriter::new(file.reopen().unwrap()), 500);
    for number in 0..3_u16 {
        let at = Duration::from_millis(2) * number.into();
        writer
            .write(&pattern::draw(number, 64, 48).unwrap().at(at))
            .unwrap();
    }
    writer.finish().unwrap();
    let files = FileDevices::new();
    let source = FileSource::path(file.path()).unwrap().repeat(true);
    let device_id = files.add(source).unwrap();
    let [device] = &files.devices()[..] else {
        panic!("one device");
    };
    let settings = device.select(&Default::default()).unwrap();
    assert_eq!(
        (settings.width, settings.frame_rate),
        (Some(64), Some(500.0))
    );
    let mode = VideoMode {
        width: 64,
        height: 48,
        frame_rate: 500.0,
    };
    for _ in 0..2 {
        let mut capture = files.open_video(&device_id, mode).unwrap();
        for at in 0..8_u16 {
            let Some(Captured::Data(frame)) = capture.read().unwrap() else {
                panic!("it goes on");
            };
            assert_eq!(pattern::number(&frame), Some(at % 3));
            assert_eq!(frame.timestamp, Duration::from_millis(2) * at.into());
        }
    }

    let pipe = FileSource::reader(
        "p",
        Cursor::new(vec![0; 400]),
        "s16le:8000x1".parse().unwrap(),
    );
    let device_id = files.add(pipe.repeat(true)).unwrap();
    let mode = AudioMode {
        sample_rate: 8_000,
        channels: 1,
    };
    let mut capture = files.open_audio(&device_id, mode).unwrap();
    for left in [true, true, true, false] {
        assert_eq!(capture.read().unwrap().is_some(), left);
    }
    let again = files.open_audio(&device_id, mode).err().unwrap();
    assert_eq!(again.name(), "NotReadableError");
    let missing = files.add(FileSource::path("/nowhere/clip.y4m").unwrap());
    assert_eq!(missing.unwrap_err().name(), "NotFoundError");
}
