//! Damaged streams, decoded in a child process: it may refuse them, but not die of them, nor take
//! memory without bound.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]
#![allow(clippy::print_stdout, reason = "what was measured is to be seen")]

#[path = "common/mod.rs"]
mod common;

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Asked, Chance, PICTURES, frames, packets};
use duologue_codec::{
    AudioCodec, AudioDecoderConfig, CodecSet, VideoCodec, VideoDecoderConfig, VideoEncoderConfig,
    pattern,
};

/// Says to a child that it is one.
const CHILD: &str = "DUOLOGUE_DAMAGED_CHILD";

/// KiB of address space that a child may have.
const MEMORY: u64 = 3 << 20;

#[test]
fn damaged_frames_are_refused_and_end_no_process() {
    if env::var_os(CHILD).is_some() {
        return decode_damaged(&Asked::read());
    }
    let program = env::current_exe().unwrap();
    let script = format!("ulimit -v {MEMORY}; exec \"$0\" --exact --nocapture \"$1\"");
    let mut child = Command::new("sh");
    child.args(["-c", &script]).arg(program);
    child.arg("damaged_frames_are_refused_and_end_no_process");
    let ended = child.env(CHILD, "1").output().unwrap();
    print!("{}", String::from_utf8_lossy(&ended.stdout));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}: {said}", ended.status);
}

/// What a child does.
fn decode_damaged(asked: &Asked) {
    let codecs = duologue_system::codecs();
    for codec in [
        VideoCodec::Vp8,
        VideoCodec::Vp9,
        VideoCodec::H264,
        VideoCodec::Av1,
    ] {
        if asked.wants(codec.as_str()) {
            pictures(&codecs, codec, asked);
        }
    }
    if asked.wants("opus") {
        sound(&codecs, asked);
    }
}

fn pictures(codecs: &CodecSet, codec: VideoCodec, asked: &Asked) {
    let recorded = PICTURES.iter().filter(|(_, of)| *of == codec);
    let mut streams: Vec<_> = recorded.map(|(name, _)| frames(name)).collect();
    streams.push(made(codecs, codec));
    let (mut damaged, mut refused, mut slowest) = (0, 0, Duration::ZERO);
    let mut chance = Chance(asked.seed);
    asked.meanwhile(|| {
        let mut decoder = codecs
            .video_decoder(&VideoDecoderConfig::new(codec))
            .unwrap();
        let stream = &streams[chance.below(streams.len())];
        for frame in stream.iter().take(20) {
            let frame = chance.damage(frame);
            let before = Instant::now();
            let mut pictures = Vec::new();
            let decoded = decoder.decode(&frame, Duration::ZERO, &mut pictures);
            slowest = slowest.max(before.elapsed());
            damaged += 1;
            refused += u32::from(decoded.is_err());
        }
    });
    println!("{codec}: {damaged} damaged, {refused} refused, slowest {slowest:.0?}");
    assert!(damaged > 20 && refused > 0);
}

/// A stream of the library's own encoder.
fn made(codecs: &CodecSet, codec: VideoCodec) -> Vec<Vec<u8>> {
    let config = VideoEncoderConfig::new(codec, 320, 180);
    let mut encoder = codecs.video_encoder(&config).unwrap();
    let mut chunks = Vec::new();
    for number in 0..20 {
        let picture = pattern::draw(number, 320, 180).unwrap();
        let picture = picture.at(Duration::from_millis(33) * u32::from(number));
        encoder
            .encode(&picture, number % 10 == 0, &mut chunks)
            .unwrap();
    }
    chunks
        .into_iter()
        .map(|chunk| chunk.data.to_vec())
        .collect()
}

fn sound(codecs: &CodecSet, asked: &Asked) {
    let packets = packets("chromium-148-opus.frames");
    let config = AudioDecoderConfig::new(AudioCodec::Opus);
    let mut decoder = codecs.audio_decoder(&config).unwrap();
    let (mut damaged, mut refused) = (0, 0);
    let mut chance = Chance(asked.seed);
    asked.meanwhile(|| {
        let which = chance.below(packets.len());
        let packet = chance.damage(&packets[which]);
        let mut out = [0.0; 5_760];
        damaged += 1;
        match chance.below(8) {
            0 => drop(decoder.recover(&packet, &mut out[..960])),
            1 => decoder.conceal(&mut out[..960]),
            _ => refused += u32::from(decoder.decode(&packet, &mut out).is_err()),
        }
        assert!(out.iter().all(|sample| sample.is_finite()));
    });
    println!("opus: {damaged} damaged, {refused} refused");
    assert!(refused > 0);
}
