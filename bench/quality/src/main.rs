//! How well pictures look after our encoders, beside the encoder programs of the same libraries: one line of JSON
//! for each codec and rate. `cargo xtask bench quality` makes a table of them.
//!
//! A picture that was left out counts as the one before it, which is what is seen.
#![allow(clippy::print_stdout, reason = "the result")]

mod clip;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use duologue_codec::{
    CodecSet, VideoCodec, VideoDecoderConfig, VideoEncoderConfig, VideoFrame, pattern,
};
use duologue_files::FileReader;

type Failure = Box<dyn std::error::Error>;

/// Pictures of the clip.
const PICTURES: u16 = 240;
const KILOBITS: [u32; 2] = [1_000, 2_000];

/// A library's own program, in one pass, at a constant rate and our speed.
const PROGRAMS: [(VideoCodec, &str, &[&str]); 3] = [
    (VideoCodec::Vp8, "vpxenc", &["--codec=vp8", "--cpu-used=-6"]),
    (
        VideoCodec::Vp9,
        "vpxenc",
        &["--codec=vp9", "--cpu-used=8", "--aq-mode=3"],
    ),
    (VideoCodec::Av1, "aomenc", &["--cpu-used=9", "--aq-mode=3"]),
];

const COMMON: &[&str] = &[
    "--quiet",
    "--ivf",
    "--rt",
    "--passes=1",
    "--end-usage=cbr",
    "--lag-in-frames=0",
    "--kf-max-dist=9999",
    "--threads=1",
];

/// An encoded clip: each frame with the number of its picture.
struct Encoded {
    frames: Vec<(u16, Vec<u8>)>,
    took: Duration,
}

fn main() -> Result<(), Failure> {
    let folder = env::args_os().nth(1).ok_or("a folder for the clip")?;
    let clip = Path::new(&folder).join("clip.y4m");
    clip::write(&clip, PICTURES)?;
    let outcome = compare(&clip);
    fs::remove_file(&clip)?;
    outcome
}

fn compare(clip: &Path) -> Result<(), Failure> {
    let codecs = duologue_system::codecs();
    for (codec, program, options) in PROGRAMS {
        for kilobits in KILOBITS {
            let ours = encode(&codecs, codec, kilobits)?;
            let theirs = run(clip, program, options, kilobits)?;
            let [ours, theirs] = [ours, theirs].map(|it| {
                Ok::<_, Failure>(Judged {
                    psnr: psnr(&codecs, codec, &it.frames)?,
                    kilobits: rate(&it.frames),
                    millis: it.took.as_secs_f64() * 1e3 / f64::from(PICTURES),
                })
            });
            let (ours, theirs) = (ours?, theirs?);
            println!(
                "{{\"codec\":\"{codec}\",\"program\":\"{program}\",\"kilobits\":{kilobits},\
                 \"psnr\":{:.3},\"rate\":{:.0},\"ms\":{:.2},\
                 \"program_psnr\":{:.3},\"program_rate\":{:.0},\"program_ms\":{:.2}}}",
                ours.psnr, ours.kilobits, ours.millis, theirs.psnr, theirs.kilobits, theirs.millis,
            );
        }
    }
    Ok(())
}

struct Judged {
    psnr: f64,
    kilobits: f64,
    millis: f64,
}

fn encode(codecs: &CodecSet, codec: VideoCodec, kilobits: u32) -> Result<Encoded, Failure> {
    let config = VideoEncoderConfig {
        bitrate: u64::from(kilobits) * 1_000,
        framerate: f64::from(clip::RATE),
        ..VideoEncoderConfig::new(codec, clip::WIDTH, clip::HEIGHT)
    };
    let mut encoder = codecs.video_encoder(&config)?;
    let (mut frames, mut took) = (Vec::new(), Duration::ZERO);
    for number in 0..PICTURES {
        let picture = clip::picture(number)?;
        let mut chunks = Vec::new();
        let began = Instant::now();
        encoder.encode(&picture, number == 0, &mut chunks)?;
        took += began.elapsed();
        frames.extend(chunks.into_iter().map(|it| (number, it.data.to_vec())));
    }
    Ok(Encoded { frames, took })
}

fn run(clip: &Path, program: &str, options: &[&str], kilobits: u32) -> Result<Encoded, Failure> {
    let file = clip.with_extension("ivf");
    let began = Instant::now();
    let status = Command::new(program)
        .args(COMMON)
        .args(options)
        .arg(format!("--target-bitrate={kilobits}"))
        .arg("-o")
        .args([&file, clip])
        .status()
        .map_err(|error| format!("{program}: {error}"))?;
    let took = began.elapsed();
    if !status.success() {
        return Err(format!("{program}: {status}").into());
    }
    let mut reader = FileReader::open(&file)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        let number = (frame.time.as_secs_f64() * f64::from(clip::RATE)).round() as u16;
        frames.push((number, frame.data.to_vec()));
    }
    fs::remove_file(&file)?;
    Ok(Encoded { frames, took })
}

/// Kilobits a second.
fn rate(frames: &[(u16, Vec<u8>)]) -> f64 {
    let bytes: usize = frames.iter().map(|(_, data)| data.len()).sum();
    bytes as f64 * 8.0 / 1_000.0 * f64::from(clip::RATE) / f64::from(PICTURES)
}

/// The mean over all pictures of the clip, in decibels of the brightness.
fn psnr(codecs: &CodecSet, codec: VideoCodec, frames: &[(u16, Vec<u8>)]) -> Result<f64, Failure> {
    let config = VideoDecoderConfig::new(codec);
    let mut decoder = codecs.video_decoder(&config)?;
    let mut frames = frames.iter().peekable();
    let mut shown: Option<VideoFrame> = None;
    let mut sum = 0.0;
    for number in 0..PICTURES {
        while let Some((_, data)) = frames.next_if(|(of, _)| *of <= number) {
            let mut pictures = Vec::new();
            decoder.decode(data, Duration::ZERO, &mut pictures)?;
            shown = pictures.pop().or(shown);
        }
        let source = clip::picture(number)?;
        let shown = shown.as_ref().ok_or("no picture at the beginning")?;
        sum += pattern::psnr(&source, shown).ok_or("a picture of another size")?;
    }
    Ok(sum / f64::from(PICTURES))
}
