use duologue_codec::{VideoDecoderConfig, VideoEncoderConfig, pattern};

use super::*;

const SIZE: (u32, u32) = (320, 240);

/// A picture of the test pattern, which moves.
fn picture(number: u16) -> VideoFrame {
    let at = Duration::from_millis(33 * u64::from(number));
    pattern::draw(number, SIZE.0, SIZE.1).unwrap().at(at)
}

fn chunk(key: bool, of: &VideoFrame) -> EncodedVideoChunk {
    EncodedVideoChunk {
        data: Default::default(),
        key,
        timestamp: of.timestamp,
        qp: Some(20),
        temporal: None,
        discardable: false,
    }
}

#[test]
fn the_sequence_is_haltons() {
    let twos: Vec<f64> = (0..6).map(|number| halton(number, 2)).collect();
    assert_eq!(twos, [0.0, 0.5, 0.25, 0.75, 0.125, 0.625]);
    let threes: Vec<f64> = (0..5).map(|number| halton(number, 3)).collect();
    let expected = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0 / 9.0, 4.0 / 9.0];
    let off = threes.iter().zip(expected).map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f64::max) < 1e-12);
}

#[test]
fn places_lie_in_all_planes_and_within_them() {
    for (width, height) in [(320, 240), (17, 9), (1, 1)] {
        let picture = VideoFrame::black(width, height).unwrap();
        let mut seen = [0; 3];
        for number in 0..NUMBERS {
            let place = Place::of(number, &picture);
            seen[place.plane] += 1;
            // It does not panic.
            if number % 64 == 0 {
                place.sample(&picture, 40.0);
            }
        }
        assert!(
            seen.iter().all(|&count| count > usize::from(NUMBERS) / 8),
            "{seen:?}"
        );
    }
}

#[test]
fn a_blurred_sample_is_the_mean_of_what_is_around_it() {
    let flat = VideoFrame::black(64, 64).unwrap();
    let place = Place {
        plane: 0,
        x: 0,
        y: 63,
    };
    let alone = place.sample(&flat, 0.0);
    for std_dev in [0.5, 3.0, 40.0] {
        assert!((place.sample(&flat, std_dev) - alone).abs() < 1e-9);
    }
}

#[test]
fn key_frames_and_one_picture_a_second_are_sampled_and_both_ends_have_the_same_numbers() {
    let (mut sampler, mut checker) = (Sampler::default(), Checker::default());
    let mut told = Vec::new();
    for number in 0..100 {
        let picture = picture(number);
        let chunk = chunk(number == 0 || number == 50, &picture);
        let Some(message) = sampler.sample(&picture, VideoCodec::Vp8, &chunk) else {
            continue;
        };
        let samples = checker.read(message).unwrap();
        assert!(samples.compare(&picture).unwrap() < 1e-3, "{number}");
        told.push((number, message.index, samples.first));
    }
    let expected = [
        (0, SampleIndex::Upper(0), 0),
        (31, SampleIndex::Lower(13), 13),
        (50, SampleIndex::Upper(1), 128),
        (81, SampleIndex::Lower(13), 141),
    ];
    assert_eq!(told, expected);
}

#[test]
fn samples_are_compared_with_the_picture_of_their_frame_alone() {
    let (mut sampler, mut checker) = (Sampler::default(), Checker::default());
    let mut samples = |of: &VideoFrame| {
        let message = sampler.sample(of, VideoCodec::Vp8, &chunk(true, of));
        checker.read(message.unwrap()).unwrap()
    };
    let [first, second, third] = [0, 12, 24].map(picture);
    assert!(samples(&first).compare(&second).unwrap() > 0.1);

    // The decoder returns a picture when it is given the next frame.
    let mut awaited = Awaited::default();
    awaited.expect(first.timestamp, samples(&first));
    assert!(awaited.compare(&[]).is_empty());
    awaited.expect(second.timestamp, samples(&second));
    let one = awaited.compare(std::slice::from_ref(&first));
    // Of the last one there are no samples.
    let other = awaited.compare(&[second, third]);
    assert_eq!((one.len(), other.len()), (1, 1));
    assert!(one[0] < 1e-3 && other[0] < 1e-3, "{one:?} {other:?}");
    // Each is compared once.
    assert!(awaited.compare(&[first]).is_empty());
}

#[test]
fn samples_whose_pictures_never_come_are_forgotten() {
    let message =
        CorruptionDetection::new(SampleIndex::Upper(0), SampleFilter::default(), &[0; 13]);
    let samples = Checker::default().read(message).unwrap();
    let mut awaited = Awaited::default();
    for number in 0..=AWAITED_SAMPLES as u16 {
        awaited.expect(picture(number).timestamp, samples);
    }
    assert!(awaited.compare(&[picture(0)]).is_empty());
    assert_eq!(awaited.compare(&[picture(1)]).len(), 1);
}

#[test]
fn numbers_are_found_again_after_a_loss_and_at_their_end() {
    let filter = SampleFilter::default();
    let message = |index| CorruptionDetection::new(index, filter, &[0; 13]);
    let mut checker = Checker::default();
    let mut first = |index| checker.read(message(index)).unwrap().first;
    assert_eq!(first(SampleIndex::Upper(3)), 384);
    // Nine messages were lost.
    assert_eq!(first(SampleIndex::Lower(2)), 512 + 2);
    assert_eq!(first(SampleIndex::Upper(127)), 16_256);
    assert_eq!(first(SampleIndex::Lower(120)), 16_376);
    // It has passed the last number.
    assert_eq!(first(SampleIndex::Lower(5)), 5);
    // Without samples only the number counts.
    let alone = CorruptionDetection::new(SampleIndex::Upper(9), filter, &[]);
    assert!(checker.read(alone).is_none());
    assert_eq!(checker.next, 9 * 128);
}

#[test]
fn a_picture_that_may_be_dropped_is_not_sampled() {
    let picture = picture(0);
    let mut sampler = Sampler::default();
    let dropped = EncodedVideoChunk {
        discardable: true,
        ..chunk(false, &picture)
    };
    assert_eq!(sampler.sample(&picture, VideoCodec::Vp8, &dropped), None);
    // Nor one that became another chunk.
    let later = chunk(true, &self::picture(1));
    assert_eq!(sampler.sample(&picture, VideoCodec::Vp8, &later), None);
}

/// Of each codec that is here, at a rate at which pictures are coarse and at one at which they are not.
#[test]
fn what_codecs_do_is_allowed_and_a_picture_that_is_black_instead_is_found() {
    let codecs = crate::found_codecs();
    let mut tried = 0;
    for codec in VideoCodec::ALL {
        for bitrate in [100_000, 1_000_000] {
            let config = VideoEncoderConfig {
                bitrate,
                ..VideoEncoderConfig::new(codec, SIZE.0, SIZE.1)
            };
            let (Ok(mut encoder), Ok(mut decoder)) = (
                codecs.video_encoder(&config),
                codecs.video_decoder(&VideoDecoderConfig::new(codec)),
            ) else {
                continue;
            };
            tried += 1;
            let (mut clean, mut broken) = (Vec::new(), Vec::new());
            for number in 0..12 {
                let picture = picture(number);
                let (mut chunks, mut decoded) = (Vec::new(), Vec::new());
                encoder.encode(&picture, number == 0, &mut chunks).unwrap();
                let [chunk] = &chunks[..] else { continue };
                decoder
                    .decode(&chunk.data, chunk.timestamp, &mut decoded)
                    .unwrap();
                let [decoded] = &decoded[..] else { continue };
                // Each is looked at as if it were the first.
                let message = Sampler::default().sample(&picture, codec, chunk).unwrap();
                let samples = Checker::default().read(message).unwrap();
                clean.push(samples.compare(decoded).unwrap());
                broken.push(
                    samples
                        .compare(&VideoFrame::black(SIZE.0, SIZE.1).unwrap())
                        .unwrap(),
                );
            }
            let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
            assert!(clean.len() > 5);
            assert!(mean(&clean) < 0.05, "{codec:?} at {bitrate}: {clean:?}");
            assert!(mean(&broken) > 0.9, "{codec:?} at {bitrate}: {broken:?}");
        }
    }
    assert!(tried > 0);
}
