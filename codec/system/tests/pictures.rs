//! Pictures through the libraries of this machine: `cargo xtask test` installs them.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]
#![allow(clippy::print_stdout, reason = "what was measured is to be seen")]

use std::time::Duration;

use duologue_codec::{
    CodecError, CodecSet, EncodedVideoChunk, VideoCodec, VideoDecoderConfig, VideoEncode,
    VideoEncoderConfig, VideoFrame, pattern,
};

const CODECS: [VideoCodec; 4] = [
    VideoCodec::Vp8,
    VideoCodec::Vp9,
    VideoCodec::H264,
    VideoCodec::Av1,
];

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;

fn config(codec: VideoCodec) -> VideoEncoderConfig {
    VideoEncoderConfig::new(codec, WIDTH, HEIGHT)
}

fn picture(number: u16) -> VideoFrame {
    let at = Duration::from_micros(33_333) * u32::from(number);
    pattern::draw(number, WIDTH, HEIGHT).unwrap().at(at)
}

/// What an encoder makes of pictures of these numbers, the first one a key frame.
fn encode(encoder: &mut dyn VideoEncode, numbers: std::ops::Range<u16>) -> Vec<EncodedVideoChunk> {
    let mut chunks = Vec::new();
    for number in numbers.clone() {
        let key = number == numbers.start;
        encoder.encode(&picture(number), key, &mut chunks).unwrap();
    }
    chunks
}

fn decode(codecs: &CodecSet, codec: VideoCodec, chunks: &[EncodedVideoChunk]) -> Vec<VideoFrame> {
    let mut decoder = codecs
        .video_decoder(&VideoDecoderConfig::new(codec))
        .unwrap();
    let mut pictures = Vec::new();
    for chunk in chunks {
        let decoded = decoder.decode(&chunk.data, chunk.timestamp, &mut pictures);
        decoded.unwrap();
    }
    pictures
}

#[test]
fn each_picture_comes_out_with_its_number_and_looks_like_what_went_in() {
    let codecs = duologue_system::codecs();
    for codec in CODECS {
        let mut encoder = codecs.video_encoder(&config(codec)).unwrap();
        let chunks = encode(&mut *encoder, 0..90);
        assert!(chunks[0].key, "{codec}");
        let keys = chunks.iter().filter(|chunk| chunk.key).count();
        assert_eq!(keys, 1, "{codec}");
        let pictures = decode(&codecs, codec, &chunks);
        assert_eq!(pictures.len(), chunks.len(), "{codec}");
        // The rate may have had nothing left for some.
        assert!(pictures.len() >= 80, "{codec}: {}", pictures.len());

        let mut sum = 0.0;
        for (frame, chunk) in pictures.iter().zip(&chunks) {
            let number = pattern::number(frame).expect("a number");
            let source = picture(number);
            assert_eq!(
                (frame.timestamp, source.timestamp),
                (chunk.timestamp, chunk.timestamp)
            );
            sum += pattern::psnr(&source, frame).unwrap();
        }
        let mean = sum / pictures.len() as f64;
        println!("{codec}: {mean:.1} dB, {} pictures", pictures.len());
        assert!(mean > 32.0, "{codec}: {mean}");
    }
}

#[test]
fn the_rate_follows_what_is_asked_for_while_it_runs() {
    let codecs = duologue_system::codecs();
    for codec in CODECS {
        let mut encoder = codecs.video_encoder(&config(codec)).unwrap();
        let mut rates = Vec::new();
        let mut first = 0;
        for bitrate in [1_200_000, 300_000, 900_000] {
            let changed = VideoEncoderConfig {
                bitrate,
                ..config(codec)
            };
            encoder.configure(&changed).unwrap();
            let mut chunks = Vec::new();
            // A second to get there, three to be measured.
            for number in first..first + 120 {
                let from = chunks.len();
                encoder
                    .encode(&picture(number), number == 0, &mut chunks)
                    .unwrap();
                if number < first + 30 {
                    chunks.truncate(from);
                }
            }
            first += 120;
            let bytes: usize = chunks.iter().map(|chunk| chunk.data.len()).sum();
            rates.push(bytes as f64 * 8.0 / 3.0 / bitrate as f64);
        }
        println!("{codec}: {rates:.2?} of what was asked for");
        assert!(
            rates.iter().all(|rate| (0.4..1.25).contains(rate)),
            "{codec}: {rates:?}"
        );
    }
}

#[test]
fn a_key_frame_comes_when_one_is_asked_for_and_decodes_alone() {
    let codecs = duologue_system::codecs();
    for codec in CODECS {
        let mut encoder = codecs.video_encoder(&config(codec)).unwrap();
        let mut chunks = Vec::new();
        for number in 0..40 {
            let key = number == 0 || number == 25;
            encoder.encode(&picture(number), key, &mut chunks).unwrap();
        }
        let keys: Vec<_> = chunks.iter().filter(|chunk| chunk.key).collect();
        assert_eq!(keys.len(), 2, "{codec}");
        assert_eq!(keys[1].timestamp, picture(25).timestamp, "{codec}");

        let at = chunks.iter().rposition(|chunk| chunk.key).unwrap();
        let pictures = decode(&codecs, codec, &chunks[at..]);
        let first = pattern::number(&pictures[0]);
        assert_eq!(
            (first, pictures.len()),
            (Some(25), chunks.len() - at),
            "{codec}"
        );
    }
}

#[test]
fn another_size_is_a_key_frame_of_that_size() {
    let codecs = duologue_system::codecs();
    for codec in CODECS {
        let mut encoder = codecs.video_encoder(&config(codec)).unwrap();
        let mut chunks = encode(&mut *encoder, 0..5);
        let smaller = VideoEncoderConfig {
            width: 320,
            height: 180,
            ..config(codec)
        };
        encoder.configure(&smaller).unwrap();
        let mismatch = encoder.encode(&picture(5), false, &mut chunks);
        assert!(matches!(mismatch, Err(CodecError::Invalid(_))), "{codec}");
        let frame = pattern::draw(77, 320, 180).unwrap();
        encoder.encode(&frame, false, &mut chunks).unwrap();
        assert!(chunks.last().unwrap().key, "{codec}");
        let pictures = decode(&codecs, codec, &chunks);
        let last = pictures.last().unwrap();
        assert_eq!((last.width(), last.height()), (320, 180), "{codec}");
        assert_eq!(pattern::number(last), Some(77), "{codec}");
    }
}

#[test]
fn odd_sizes_strides_and_other_formats_are_encoded_as_they_are() {
    let codecs = duologue_system::codecs();
    for codec in CODECS {
        let (width, height) = (322, 182);
        let config = VideoEncoderConfig::new(codec, width, height);
        let mut encoder = codecs.video_encoder(&config).unwrap();
        let source = pattern::draw(9, width, height).unwrap();
        let wide = {
            let planes = source.planes().iter().map(|plane| {
                let rows = plane.data.chunks(plane.stride);
                let rows = rows.flat_map(|row| [row, &[0; 30]].concat());
                duologue_codec::Plane {
                    data: rows.collect::<Vec<u8>>().into(),
                    stride: plane.stride + 30,
                }
            });
            let planes = planes.collect();
            VideoFrame::new(source.format(), width, height, planes).unwrap()
        };
        let rgba = source.to_rgba().unwrap();
        for frame in [source.clone(), wide, rgba] {
            let mut chunks = Vec::new();
            encoder.encode(&frame, true, &mut chunks).unwrap();
            let pictures = decode(&codecs, codec, &chunks);
            assert_eq!(pattern::number(&pictures[0]), Some(9), "{codec}");
            let psnr = pattern::psnr(&source, &pictures[0]);
            assert!(psnr > Some(30.0), "{codec}: {psnr:?}");
        }
    }
}

/// Key frames of 32x32 in one colour: AV1 of luma alone, AV1 and VP9 of ten bits (FFmpeg 5.1.9, with libaom and libvpx).
const GREY_AV1: &[u8] = &[
    18, 0, 10, 9, 0, 0, 0, 2, 39, 254, 109, 124, 149, 50, 11, 16, 0, 128, 0, 67, 244, 28, 151, 49,
    175, 240,
];
const TEN_BITS_AV1: &[u8] = &[
    18, 0, 10, 10, 0, 0, 0, 2, 39, 254, 109, 124, 160, 32, 50, 23, 16, 0, 128, 0, 67, 241, 148,
    158, 68, 75, 111, 8, 200, 15, 21, 25, 236, 90, 43, 32, 183, 251, 125,
];
const TEN_BITS_VP9: &[u8] = &[
    146, 73, 131, 66, 0, 0, 248, 0, 251, 0, 28, 18, 14, 12, 44, 0, 0, 24, 96, 0, 0, 24, 191, 255,
    253, 248, 10, 127, 255, 255, 255, 149, 66, 255, 255, 255, 255, 205, 251, 0, 0,
];

#[test]
fn pictures_of_luma_alone_and_of_ten_bits_are_shown_in_eight() {
    let codecs = duologue_system::codecs();
    for (codec, frame, colour) in [
        (VideoCodec::Av1, GREY_AV1, [76, 128, 128]),
        (VideoCodec::Av1, TEN_BITS_AV1, [81, 90, 240]),
        (VideoCodec::Vp9, TEN_BITS_VP9, [81, 90, 240]),
    ] {
        let config = VideoDecoderConfig::new(codec);
        let mut decoder = codecs.video_decoder(&config).unwrap();
        let mut pictures = Vec::new();
        let decoded = decoder.decode(frame, Duration::ZERO, &mut pictures);
        decoded.unwrap_or_else(|error| panic!("{codec}: {error}"));
        let picture = &pictures[0];
        assert_eq!((picture.width(), picture.height()), (32, 32), "{codec}");
        for (plane, value) in colour.into_iter().enumerate() {
            let rows = if plane == 0 { 32 } else { 16 };
            for number in 0..rows {
                let row = picture.row(plane, number);
                assert_eq!(row, &vec![value; rows][..], "{codec} {plane}");
            }
        }
    }
}

#[test]
fn pictures_stay_whole_when_their_decoder_is_gone() {
    let codecs = duologue_system::codecs();
    for codec in CODECS {
        let mut encoder = codecs.video_encoder(&config(codec)).unwrap();
        let chunks = encode(&mut *encoder, 0..20);
        let pictures = decode(&codecs, codec, &chunks);
        let again = decode(&codecs, codec, &chunks);
        assert_eq!(pictures, again, "{codec}");
    }
}

#[test]
fn a_decoder_tells_how_coarse_a_picture_is_as_its_encoder_does() {
    let codecs = duologue_system::codecs();
    for codec in [VideoCodec::Vp8, VideoCodec::Vp9] {
        let mut encoder = codecs.video_encoder(&config(codec)).unwrap();
        let chunks = encode(&mut *encoder, 0..30);
        let mut decoder = codecs
            .video_decoder(&VideoDecoderConfig::new(codec))
            .unwrap();
        let mut pictures = Vec::new();
        for chunk in &chunks {
            let decoded = decoder.decode(&chunk.data, chunk.timestamp, &mut pictures);
            decoded.unwrap();
            let told = (chunk.qp, decoder.last_qp());
            assert!(told.0.is_some() && told.0 == told.1, "{codec}: {told:?}");
        }
        let coarsest = chunks.iter().map(|it| it.qp).max();
        assert!(coarsest > chunks.iter().map(|it| it.qp).min(), "{codec}");
    }
}
