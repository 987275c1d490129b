//! Streams in layers: whoever has only some of them sees pictures.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]
#![allow(clippy::print_stdout, reason = "what was measured is to be seen")]

use std::time::Duration;

use duologue_codec::{
    CodecSet, EncodedVideoChunk, ScalabilityMode, VideoCodec, VideoDecoderConfig,
    VideoEncoderConfig, VideoFrame, pattern,
};
use duologue_rtp::payload::Parts;

/// Layers of all ratios have whole squares.
const WIDTH: u32 = 576;
const HEIGHT: u32 = 324;

/// The pattern of three temporal layers, and most of another one.
const PICTURES: u16 = 7;

fn pictures(width: u32, height: u32) -> Vec<VideoFrame> {
    let at = |number: u16| Duration::from_micros(33_333) * u32::from(number);
    let numbers = 0..PICTURES;
    numbers
        .map(|it| pattern::draw(it, width, height).unwrap().at(at(it)))
        .collect()
}

/// Pictures go in, the first one as a key picture.
fn encode(
    codecs: &CodecSet,
    config: &VideoEncoderConfig,
    pictures: &[VideoFrame],
) -> Vec<EncodedVideoChunk> {
    let mut encoder = codecs.video_encoder(config).unwrap();
    let mut chunks = Vec::new();
    for picture in pictures {
        let first = picture.timestamp.is_zero();
        encoder.encode(picture, first, &mut chunks).unwrap();
    }
    chunks
}

fn config(codec: VideoCodec, mode: ScalabilityMode) -> VideoEncoderConfig {
    VideoEncoderConfig {
        scalability_mode: mode,
        // No picture has to be left out.
        bitrate: 3_000_000,
        ..VideoEncoderConfig::new(codec, WIDTH, HEIGHT)
    }
}

/// The numbers of the pictures that come out, all of which have this size.
fn numbers(codecs: &CodecSet, codec: VideoCodec, frames: &[&[u8]], size: (u32, u32)) -> Vec<u16> {
    let mut decoder = codecs
        .video_decoder(&VideoDecoderConfig::new(codec))
        .unwrap();
    let mut pictures = Vec::new();
    for frame in frames {
        let before = pictures.len();
        decoder
            .decode(frame, Duration::ZERO, &mut pictures)
            .unwrap();
        assert_eq!(pictures.len(), before + 1, "one picture of each frame");
    }
    let numbers = pictures.iter().map(|picture| {
        assert_eq!((picture.width(), picture.height()), size);
        pattern::number(picture).expect("a number")
    });
    numbers.collect()
}

/// What is left of each chunk when only so many spatial layers are.
fn lowest(codec: VideoCodec, chunk: &EncodedVideoChunk, layers: u8) -> &[u8] {
    let format = codec.payload_format();
    let mut parts = Parts::new();
    format.find_parts(&chunk.data, &mut parts).unwrap();
    let pieces = format.spatial_layers(&chunk.data, &parts);
    assert!(pieces.len() >= usize::from(layers));
    match codec {
        // Each is a frame, and an index of them follows the last.
        VideoCodec::Vp9 if layers > 1 => &chunk.data,
        _ => &chunk.data[..pieces[usize::from(layers) - 1].end as usize],
    }
}

/// Each mode of a codec: all layers, the lowest spatial one alone, and fewer temporal ones.
fn every_mode_can_be_cut(codec: VideoCodec, count: usize) {
    let codecs = duologue_system::codecs();
    let pictures = pictures(WIDTH, HEIGHT);
    let modes = codecs.scalability_modes(codec).to_vec();
    assert_eq!(modes.len(), count, "{codec}");
    for mode in modes {
        println!("{codec} {mode}");
        let chunks = encode(&codecs, &config(codec, mode), &pictures);
        let all: Vec<u16> = (0..PICTURES).collect();
        let layers = chunks.iter().map(|it| it.temporal.unwrap_or(0));
        let pattern = all.iter().map(|it| mode.temporal_of(u64::from(*it)));
        assert!(layers.eq(pattern), "{codec} {mode}");
        let keys: Vec<bool> = chunks.iter().map(|it| it.key).collect();
        assert!(keys[0] && !keys[1..].contains(&true), "{codec} {mode}");

        let whole: Vec<&[u8]> = chunks.iter().map(|it| &it.data[..]).collect();
        assert_eq!(
            numbers(&codecs, codec, &whole, (WIDTH, HEIGHT)),
            all,
            "{mode}"
        );
        for most in 0..mode.temporal_layers() {
            let kept = chunks.iter().filter(|it| it.temporal.unwrap_or(0) <= most);
            let of: Vec<u16> = all
                .iter()
                .copied()
                .filter(|it| mode.temporal_of(u64::from(*it)) <= most)
                .collect();
            let base: Vec<&[u8]> = kept.map(|it| lowest(codec, it, 1)).collect();
            let size = mode.size_of(0, (WIDTH, HEIGHT));
            assert_eq!(numbers(&codecs, codec, &base, size), of, "{mode} T{most}");
        }
    }
}

#[test]
fn the_lowest_layers_of_vp8_are_pictures_by_themselves() {
    every_mode_can_be_cut(VideoCodec::Vp8, 3);
}

#[test]
fn the_lowest_layers_of_vp9_are_pictures_by_themselves() {
    every_mode_can_be_cut(VideoCodec::Vp9, 33);
}

#[test]
fn the_lowest_layers_of_h264_are_pictures_by_themselves() {
    every_mode_can_be_cut(VideoCodec::H264, 3);
}

#[test]
fn the_lowest_layers_of_av1_are_pictures_by_themselves() {
    every_mode_can_be_cut(VideoCodec::Av1, 33);
}

/// As the web-platform-tests send them.
#[test]
fn small_pictures_have_layers_too() {
    let codecs = duologue_system::codecs();
    let pictures = pictures(60, 60);
    for codec in [VideoCodec::Vp9, VideoCodec::Av1] {
        for mode in codecs.scalability_modes(codec).to_vec() {
            let config = VideoEncoderConfig {
                width: 60,
                height: 60,
                ..config(codec, mode)
            };
            let chunks = encode(&codecs, &config, &pictures);
            let mut decoder = codecs
                .video_decoder(&VideoDecoderConfig::new(codec))
                .unwrap();
            let mut seen = Vec::new();
            for chunk in &chunks {
                let decoded = decoder.decode(&chunk.data, chunk.timestamp, &mut seen);
                decoded.unwrap();
            }
            let sizes = seen.iter().map(|it| (it.width(), it.height()));
            let sizes: Vec<_> = sizes.collect();
            assert_eq!(sizes, [(60, 60); PICTURES as usize], "{codec} {mode}");
        }
    }
}

#[test]
fn a_key_picture_on_request_begins_all_layers_anew() {
    let codecs = duologue_system::codecs();
    let pictures = pictures(WIDTH, HEIGHT);
    for codec in [
        VideoCodec::Vp8,
        VideoCodec::Vp9,
        VideoCodec::H264,
        VideoCodec::Av1,
    ] {
        let mode = *codecs.scalability_modes(codec).last().unwrap();
        let mut encoder = codecs.video_encoder(&config(codec, mode)).unwrap();
        let mut chunks = Vec::new();
        for (at, picture) in pictures.iter().enumerate() {
            encoder.encode(picture, at == 4, &mut chunks).unwrap();
        }
        assert!(chunks[4].key && chunks[4].temporal == Some(0), "{codec}");
        let rest: Vec<&[u8]> = chunks[4..].iter().map(|it| &it.data[..]).collect();
        let came = numbers(&codecs, codec, &rest, (WIDTH, HEIGHT));
        assert_eq!(came, [4, 5, 6], "{codec}");
    }
}

#[test]
fn layers_share_the_rate_and_follow_it() {
    let codecs = duologue_system::codecs();
    let (width, height) = (320, 180);
    let pictures = pictures(width, height);
    for (codec, mode) in [
        (VideoCodec::Vp8, "L1T3"),
        (VideoCodec::Vp9, "L3T3_KEY"),
        (VideoCodec::H264, "L1T3"),
        (VideoCodec::Av1, "L2T2"),
    ] {
        let mut rates = Vec::new();
        let mut config = VideoEncoderConfig {
            width,
            height,
            ..config(codec, mode.parse().unwrap())
        };
        let mut encoder = codecs.video_encoder(&config).unwrap();
        for bitrate in [900_000, 300_000] {
            config.bitrate = bitrate;
            encoder.configure(&config).unwrap();
            let mut bytes = 0;
            for number in 0..120_usize {
                let mut chunks = Vec::new();
                // There and back again.
                let at = number % (2 * pictures.len());
                let at = at.min(2 * pictures.len() - 1 - at);
                let picture = pictures[at]
                    .clone()
                    .at(Duration::from_millis(33) * number as u32);
                encoder.encode(&picture, false, &mut chunks).unwrap();
                // A second to get there, three to be measured.
                if number >= 30 {
                    bytes += chunks.iter().map(|it| it.data.len()).sum::<usize>();
                }
            }
            rates.push(bytes as f64 * 8.0 / 3.0 / bitrate as f64);
        }
        println!("{codec} {mode}: {rates:.2?} of what was asked for");
        let near = rates.iter().all(|rate| (0.3..1.3).contains(rate));
        assert!(near, "{codec} {mode}: {rates:?}");
    }
}

#[test]
fn a_mode_that_a_library_has_not_is_refused() {
    let codecs = duologue_system::codecs();
    let spatial = "L2T1".parse().unwrap();
    for codec in [VideoCodec::Vp8, VideoCodec::H264] {
        let made = codecs.video_encoder(&config(codec, spatial));
        assert!(made.is_err(), "{codec}");
    }
}
