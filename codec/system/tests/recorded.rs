//! What Chromium and Firefox sent of their fake devices, decoded.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

#[path = "common/mod.rs"]
mod common;

use std::time::Duration;

use common::{PICTURES, frames, hash, packets};
use duologue_codec::{AudioCodec, AudioDecoderConfig, VideoDecoderConfig};

#[test]
fn streams_of_browsers_give_the_pictures_that_ffmpeg_makes_of_them() {
    // Of FFmpeg 5.1.9's raw output, with libvpx for VP9, whose pictures have two sizes there.
    let known = [
        0xf9bf_6dd1_0396_3c7a,
        0x70dd_407d_2c0a_ea03,
        0x68bd_1993_f500_bd6c,
        0x73fa_36a1_9af2_a7ef,
    ];
    let codecs = duologue_system::codecs();
    for ((name, codec), known) in PICTURES.into_iter().zip(known) {
        let mut decoder = codecs
            .video_decoder(&VideoDecoderConfig::new(codec))
            .unwrap();
        let mut pictures = Vec::new();
        let frames = frames(name);
        for frame in &frames {
            let decoded = decoder.decode(frame, Duration::ZERO, &mut pictures);
            decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(pictures.len(), frames.len(), "{name}");
        assert_eq!(hash(&pictures), known, "{name}");
    }
}

#[test]
fn the_beep_of_browsers_is_heard() {
    let codecs = duologue_system::codecs();
    for name in ["chromium-148-opus.frames", "firefox-153-opus.frames"] {
        let config = AudioDecoderConfig::new(AudioCodec::Opus);
        let mut decoder = codecs.audio_decoder(&config).unwrap();
        let mut sound = Vec::new();
        for packet in packets(name) {
            let mut out = [0.0; 5_760];
            let frames = decoder.decode(&packet, &mut out).unwrap();
            assert_eq!(frames, 960, "{name}");
            sound.extend_from_slice(&out[..frames]);
        }
        // Two seconds, of which some are loud.
        assert_eq!(sound.len(), 96_000, "{name}");
        let loudest = sound
            .iter()
            .fold(0.0_f32, |loudest, it| loudest.max(it.abs()));
        assert!(loudest > 0.02 && loudest <= 1.0, "{name}: {loudest}");
    }
}
