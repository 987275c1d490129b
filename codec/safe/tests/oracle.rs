//! Against the C libraries, on what they make and on streams of Chromium and Firefox.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]
#![allow(clippy::print_stdout, reason = "what was measured is to be seen")]

#[path = "../../system/tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::{Asked, Chance, PICTURES, frames, hash, packets};
use duologue_codec::{
    AudioCodec, AudioDecoderConfig, AudioEncoderConfig, CodecSet, VideoCodec, VideoDecoderConfig,
    VideoEncoderConfig, VideoFrame, pattern,
};

fn ours() -> CodecSet {
    let mut codecs = CodecSet::new();
    duologue_safe::add_to(&mut codecs);
    codecs
}

fn pictures(codecs: &CodecSet, stream: &[Vec<u8>]) -> Vec<VideoFrame> {
    let config = VideoDecoderConfig::new(VideoCodec::Vp8);
    let mut decoder = codecs.video_decoder(&config).unwrap();
    let mut pictures = Vec::new();
    for frame in stream {
        decoder
            .decode(frame, Duration::ZERO, &mut pictures)
            .unwrap();
    }
    pictures
}

fn sound(codecs: &CodecSet, packets: &[Vec<u8>]) -> Vec<f32> {
    let config = AudioDecoderConfig::new(AudioCodec::Opus);
    let mut decoder = codecs.audio_decoder(&config).unwrap();
    let mut sound = Vec::new();
    for packet in packets {
        let mut out = [0.0; 5_760];
        let frames = decoder.decode(packet, &mut out).unwrap();
        sound.extend_from_slice(&out[..frames]);
    }
    sound
}

/// How far one sound is from another, in decibels below it.
fn distance(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let energy: f32 = one.iter().map(|it| it * it).sum();
    let error: f32 = one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum();
    10.0 * (energy / error.max(1e-12)).log10()
}

#[test]
fn vp8_of_browsers_and_of_libvpx_gives_the_pictures_of_libvpx() {
    let theirs = duologue_system::codecs();
    let config = VideoEncoderConfig::new(VideoCodec::Vp8, 320, 180);
    let mut encoder = theirs.video_encoder(&config).unwrap();
    let mut chunks = Vec::new();
    for number in 0..60 {
        let picture = pattern::draw(number, 320, 180).unwrap();
        encoder
            .encode(&picture, number % 25 == 0, &mut chunks)
            .unwrap();
    }
    let made = chunks.into_iter().map(|chunk| chunk.data.to_vec());
    let mut streams = vec![made.collect()];
    let recorded = PICTURES
        .iter()
        .filter(|(_, codec)| *codec == VideoCodec::Vp8);
    streams.extend(recorded.map(|(name, _)| frames(name)));
    assert_eq!(streams.len(), 3);
    for stream in &streams {
        let [one, other] = [&ours(), &theirs].map(|codecs| pictures(codecs, stream));
        assert_eq!((one.len(), hash(&one)), (other.len(), hash(&other)));
    }
}

#[test]
fn opus_of_browsers_sounds_as_with_libopus() {
    let theirs = duologue_system::codecs();
    for name in ["chromium-148-opus.frames", "firefox-153-opus.frames"] {
        let packets = packets(name);
        let distance = distance(&sound(&theirs, &packets), &sound(&ours(), &packets));
        println!("{name}: {distance:.0} dB");
        assert!(distance > 60.0, "{name}: {distance}");
    }
}

#[test]
fn what_is_encoded_here_is_as_good_as_libopus_makes_it() {
    let theirs = duologue_system::codecs();
    let tone = |packet: usize| {
        let at = |n: usize| (n as f32 * 440.0 * std::f32::consts::TAU / 48_000.0).sin() / 2.0;
        (packet * 960..(packet + 1) * 960)
            .map(at)
            .collect::<Vec<f32>>()
    };
    let energies = [&ours(), &theirs].map(|codecs| {
        let config = AudioEncoderConfig::new(AudioCodec::Opus);
        let mut encoder = codecs.audio_encoder(&config).unwrap();
        let packets = (0..50).map(|packet| {
            let mut bytes = Vec::new();
            encoder.encode(&tone(packet), &mut bytes).unwrap();
            bytes
        });
        let packets: Vec<_> = packets.collect();
        let bytes: usize = packets.iter().map(Vec::len).sum();
        // 32 kbit/s for a second.
        assert!((1_500..5_000).contains(&bytes), "{bytes}");
        let sound = sound(&theirs, &packets);
        let rises = sound[24_000..].windows(2);
        let rises = rises.filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!((218..=222).contains(&rises), "{rises}");
        sound[24_000..].iter().map(|it| it * it).sum::<f32>()
    });
    let apart = 10.0 * (energies[0] / energies[1]).log10();
    assert!(apart.abs() < 0.5, "{apart}");
}

#[test]
fn damaged_streams_are_refused_without_a_panic() {
    let asked = Asked::read();
    if asked.wants("oxideav-vp8") {
        damaged_pictures(&asked);
    }
    if asked.wants("ropus") {
        damaged_sound(&asked);
    }
}

fn damaged_pictures(asked: &Asked) {
    let mut chance = Chance(asked.seed);
    let streams = ["chromium-148-vp8.ivf", "firefox-153-vp8.ivf"].map(frames);
    let (mut damaged, mut refused, mut slowest) = (0, 0, Duration::ZERO);
    asked.meanwhile(|| {
        let config = VideoDecoderConfig::new(VideoCodec::Vp8);
        let mut decoder = ours().video_decoder(&config).unwrap();
        for frame in streams[chance.below(2)].iter().take(20) {
            let frame = chance.damage(frame);
            let before = Instant::now();
            let decoded = decoder.decode(&frame, Duration::ZERO, &mut Vec::new());
            slowest = slowest.max(before.elapsed());
            damaged += 1;
            refused += u32::from(decoded.is_err());
        }
    });
    println!("oxideav-vp8: {damaged} damaged, {refused} refused, slowest {slowest:.0?}");
    assert!(refused > 0);
}

fn damaged_sound(asked: &Asked) {
    let mut chance = Chance(asked.seed);
    let packets = packets("chromium-148-opus.frames");
    let config = AudioDecoderConfig::new(AudioCodec::Opus);
    let mut decoder = ours().audio_decoder(&config).unwrap();
    let (mut damaged, mut refused) = (0, 0);
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
    println!("ropus: {damaged} damaged, {refused} refused");
    assert!(refused > 0);
}
