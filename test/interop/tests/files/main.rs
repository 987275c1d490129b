//! ffmpeg plays what `duologue-files` writes: every frame is decoded, in every container of its format.
#![allow(clippy::unwrap_used, reason = "a failure is a failure")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use duologue_files::{Container, FileReader, FileWriter, Format, Frame, Track};

/// Seconds of pictures and sound.
const SECONDS: usize = 3;
const PICTURES: usize = 30 * SECONDS;
const SOUND: usize = 50 * SECONDS;

/// How ffmpeg makes a file of each format.
const ENCODERS: [(Format, &str, &str); 6] = [
    (Format::Opus, "ogg", "-c:a libopus -application lowdelay"),
    (
        Format::Vp8,
        "ivf",
        "-c:v libvpx -deadline realtime -cpu-used 8 -g 30",
    ),
    (
        Format::Vp9,
        "ivf",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30",
    ),
    (
        Format::Av1,
        "ivf",
        "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 30",
    ),
    (
        Format::H264,
        "h264",
        "-c:v libx264 -profile:v baseline -preset ultrafast -g 30",
    ),
    (
        Format::H265,
        "h265",
        "-c:v libx265 -preset ultrafast -x265-params keyint=30:bframes=0:log-level=none",
    ),
];

fn encode(folder: &Path, format: Format) -> Vec<Frame> {
    let (_, ending, encoder) = ENCODERS
        .iter()
        .find(|(known, ..)| *known == format)
        .unwrap();
    let path = folder.join(format!("{format:?}.{ending}"));
    let input = match format {
        Format::Opus => "sine=frequency=440:sample_rate=48000",
        _ => "testsrc=size=320x180:rate=30,format=yuv420p",
    };
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", input]);
    ffmpeg
        .args(["-t", &SECONDS.to_string()])
        .args(encoder.split(' '))
        .arg(&path);
    let done = ffmpeg.output().expect("ffmpeg is not installed");
    assert!(
        done.status.success(),
        "{format:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );

    let mut reader = FileReader::open(&path).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame);
    }
    frames
}

/// How many frames ffmpeg decodes of each stream, and that it complains of nothing.
fn decoded(path: &Path) -> Vec<usize> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args([
        "-v",
        "warning",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
    ]);
    let done = ffprobe.args(["-of", "csv=p=0"]).arg(path).output().unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success() && complaints.is_empty(),
        "{path:?}: {complaints}"
    );
    let counts = String::from_utf8(done.stdout).unwrap();
    counts
        .lines()
        .map(|line| line.trim_matches(',').parse().unwrap())
        .collect()
}

fn write(path: &Path, tracks: &[Track], mut frames: Vec<Frame>) {
    frames.sort_by_key(|frame| frame.time);
    let mut writer = FileWriter::create(path, tracks).unwrap();
    for frame in &frames {
        writer.write_frame(frame).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn ffmpeg_decodes_every_frame_of_every_format_in_every_container() {
    let folder = tempfile::tempdir().unwrap();
    let sound = encode(folder.path(), Format::Opus);
    assert!(sound.len() >= SOUND, "{}", sound.len());
    let endings = ["ivf", "ogg", "h264", "webm", "mp4"];
    let mut tried = 0;
    for (format, ..) in ENCODERS {
        let frames = match format {
            Format::Opus => sound.clone(),
            _ => encode(folder.path(), format),
        };
        let track = Track::new(format);
        for ending in endings {
            let path = folder.path().join(format!("{format:?}-again.{ending}"));
            if FileWriter::create(&path, std::slice::from_ref(&track)).is_err() {
                continue;
            }
            tried += 1;
            write(&path, std::slice::from_ref(&track), frames.clone());
            assert_eq!(decoded(&path), [frames.len()], "{path:?}");
            if format == Format::Opus {
                continue;
            }
            assert_eq!(frames.len(), PICTURES, "{format:?}");
            if !matches!(
                Container::of_path(&path),
                Some(Container::WebM | Container::Mp4)
            ) {
                continue;
            }

            tried += 1;
            let both = [track.clone(), Track::new(Format::Opus)];
            let later = sound.iter().map(|frame| Frame {
                track: 1,
                // Later than the first picture, from where on there is a file.
                time: frame.time + Duration::from_millis(7),
                ..frame.clone()
            });
            write(&path, &both, frames.iter().cloned().chain(later).collect());
            assert_eq!(decoded(&path), [frames.len(), sound.len()], "{path:?}");
        }
    }
    assert_eq!(tried, 24);
}

/// Where ffmpeg puts the index and from where it counts the data of fragments: its own ways, and what is asked of it for streaming.
const LAYOUTS: [&str; 7] = [
    "",
    "+faststart",
    "+frag_keyframe",
    "+frag_keyframe+empty_moov",
    "+frag_keyframe+empty_moov+default_base_moof",
    "+dash",
    "+cmaf",
];

#[test]
fn every_frame_of_every_layout_of_ffmpegs_mp4_is_read_where_its_time_is() {
    let folder = tempfile::tempdir().unwrap();
    for layout in LAYOUTS {
        let path = folder.path().join("layout.mp4");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y"]);
        for input in [
            "testsrc=size=320x180:rate=30,format=yuv420p",
            "sine=frequency=440:sample_rate=48000",
        ] {
            ffmpeg.args(["-f", "lavfi", "-i", input]);
        }
        // Pictures that are decoded out of their order, and four fragments.
        let how = "-c:v libx264 -preset fast -bf 2 -g 25 -c:a libopus";
        ffmpeg
            .args(["-t", &SECONDS.to_string()])
            .args(how.split(' '));
        if !layout.is_empty() {
            ffmpeg.args(["-movflags", layout]);
        }
        ffmpeg.arg(&path);
        assert!(ffmpeg.status().expect("ffmpeg is not installed").success());

        let mut reader = FileReader::open(&path).unwrap();
        let formats = reader.tracks().iter().map(|track| track.format);
        assert_eq!(formats.collect::<Vec<_>>(), [Format::H264, Format::Opus]);
        let mut times = [Vec::new(), Vec::new()];
        while let Some(frame) = reader.next_frame().unwrap() {
            times[frame.track].push(frame.time);
        }
        times.iter_mut().for_each(|times| times.sort_unstable());
        let [pictures, sound] = times;
        assert_eq!(pictures.len(), PICTURES, "{layout}");
        assert!(sound.len() >= SOUND, "{layout}: {}", sound.len());
        assert!(
            pictures.windows(2).all(|pair| pair[0] < pair[1]),
            "{layout}: {pictures:?}"
        );
        // Fragments without an edit list have the delay of the reordering before the first picture.
        let apart = pictures[0].abs_diff(sound[0]);
        assert!(apart < Duration::from_millis(70), "{layout}: {apart:?}");
        let length = pictures[PICTURES - 1] - pictures[0];
        let expected = Duration::from_millis(1_000 * (PICTURES as u64 - 1) / 30);
        assert!(
            length.abs_diff(expected) < Duration::from_millis(2),
            "{layout}: {length:?}"
        );
    }
}
