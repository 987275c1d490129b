//! Sound through libopus: `cargo xtask test` installs it.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use duologue_codec::{
    AudioCodec, AudioDecoderConfig, AudioEncode, AudioEncoderConfig, CodecError, CodecSet,
};

const PACKET: usize = 960;

/// A tone in one channel, at half of the amplitude.
fn tone(hertz: f32, packet: usize) -> Vec<f32> {
    let step = hertz * std::f32::consts::TAU / 48_000.0;
    let samples = packet * PACKET..(packet + 1) * PACKET;
    samples.map(|n| (n as f32 * step).sin() / 2.0).collect()
}

/// How often it rises through zero, in hertz, and how loud it is.
fn pitch(samples: &[f32]) -> (f32, f32) {
    let rises = samples
        .windows(2)
        .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0);
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
    let seconds = samples.len() as f32 / 48_000.0;
    (
        rises.count() as f32 / seconds,
        (energy / samples.len() as f32).sqrt(),
    )
}

fn packets(encoder: &mut dyn AudioEncode, hertz: f32, count: usize) -> Vec<Vec<u8>> {
    let packets = (0..count).map(|packet| {
        let mut bytes = Vec::new();
        encoder.encode(&tone(hertz, packet), &mut bytes).unwrap();
        bytes
    });
    packets.collect()
}

fn opus() -> (CodecSet, AudioEncoderConfig) {
    (
        duologue_system::codecs(),
        AudioEncoderConfig::new(AudioCodec::Opus),
    )
}

#[test]
fn a_tone_comes_out_at_its_pitch() {
    let (codecs, config) = opus();
    for hertz in [220.0, 440.0, 1_000.0, 3_000.0] {
        let mut encoder = codecs.audio_encoder(&config).unwrap();
        let decoder = AudioDecoderConfig::new(AudioCodec::Opus);
        let mut decoder = codecs.audio_decoder(&decoder).unwrap();
        let mut sound = Vec::new();
        for packet in packets(&mut *encoder, hertz, 50) {
            let mut samples = [0.0; 5_760];
            assert_eq!(decoder.frames(&packet), Some(PACKET));
            assert_eq!(decoder.decode(&packet, &mut samples), Ok(PACKET));
            sound.extend_from_slice(&samples[..PACKET]);
        }
        let (heard, loud) = pitch(&sound[20 * PACKET..]);
        assert!((heard - hertz).abs() <= 3.0, "{hertz}: {heard}");
        assert!((0.3..0.4).contains(&loud), "{hertz}: {loud}");
    }
}

#[test]
fn the_rate_follows_what_is_asked_for_while_it_runs() {
    let (codecs, config) = opus();
    let mut encoder = codecs.audio_encoder(&config).unwrap();
    for bitrate in [64_000, 12_000, 32_000] {
        let changed = AudioEncoderConfig {
            bitrate: Some(bitrate),
            ..config.clone()
        };
        encoder.configure(&changed).unwrap();
        let packets = packets(&mut *encoder, 440.0, 100);
        let bits = packets[50..].iter().map(Vec::len).sum::<usize>() * 8;
        let rate = bits as f64 / f64::from(bitrate);
        assert!((0.5..1.2).contains(&rate), "{bitrate}: {rate}");
    }
}

#[test]
fn two_channels_stay_apart_and_one_is_heard_on_both() {
    let (codecs, config) = opus();
    let stereo = AudioEncoderConfig {
        channels: 2,
        ..config.clone()
    };
    let mut encoder = codecs.audio_encoder(&stereo).unwrap();
    let of = |channels| AudioDecoderConfig {
        channels,
        ..AudioDecoderConfig::new(AudioCodec::Opus)
    };
    let mut decoder = codecs.audio_decoder(&of(2)).unwrap();
    let mut sides = [Vec::new(), Vec::new()];
    for packet in 0..50 {
        let pairs = tone(440.0, packet).into_iter().zip(tone(1_000.0, packet));
        let samples: Vec<f32> = pairs.flat_map(|(left, right)| [left, right]).collect();
        let mut bytes = Vec::new();
        encoder.encode(&samples, &mut bytes).unwrap();
        let mut out = [0.0; 2 * PACKET];
        assert_eq!(decoder.decode(&bytes, &mut out), Ok(PACKET));
        for pair in out.chunks(2) {
            sides[0].push(pair[0]);
            sides[1].push(pair[1]);
        }
    }
    for (side, hertz) in sides.iter().zip([440.0, 1_000.0]) {
        let (heard, _) = pitch(&side[20 * PACKET..]);
        assert!((heard - hertz).abs() <= 5.0, "{hertz}: {heard}");
    }

    let mut mono = codecs.audio_encoder(&config).unwrap();
    let mut both = codecs.audio_decoder(&of(2)).unwrap();
    for packet in packets(&mut *mono, 440.0, 10) {
        let mut out = [0.0; 2 * PACKET];
        both.decode(&packet, &mut out).unwrap();
        assert!(out.chunks(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-4));
    }
}

#[test]
fn a_lost_packet_is_recovered_from_the_next_one_or_concealed() {
    let (codecs, config) = opus();
    let with_copies = AudioEncoderConfig {
        in_band_fec: true,
        packet_loss: 0.2,
        bitrate: Some(24_000),
        ..config
    };
    let mut encoder = codecs.audio_encoder(&with_copies).unwrap();
    let packets = packets(&mut *encoder, 440.0, 60);
    let decoder = || {
        codecs
            .audio_decoder(&AudioDecoderConfig::new(AudioCodec::Opus))
            .unwrap()
    };
    let (mut recovering, mut concealing) = (decoder(), decoder());
    let (mut recovered, mut concealed) = ([0.0; PACKET], [0.0; PACKET]);
    let mut copies = 0;
    for (number, packet) in packets.iter().enumerate() {
        let mut out = [0.0; PACKET];
        if number % 10 == 5 && number > 20 {
            concealing.conceal(&mut concealed);
            if recovering.recover(&packets[number + 1], &mut recovered) {
                copies += 1;
                let (heard, loud) = pitch(&recovered);
                assert!((heard - 440.0).abs() <= 60.0, "{heard}");
                assert!((0.2..0.5).contains(&loud), "{loud}");
            } else {
                recovering.conceal(&mut recovered);
            }
            assert!(pitch(&concealed).1 > 0.1, "it goes on");
            continue;
        }
        recovering.decode(packet, &mut out).unwrap();
        concealing.decode(packet, &mut out).unwrap();
    }
    assert!(copies >= 3, "{copies}");

    // Without copies there is nothing to recover, and nothing is made up.
    let mut plain = codecs
        .audio_encoder(&AudioEncoderConfig::new(AudioCodec::Opus))
        .unwrap();
    let mut bytes = Vec::new();
    plain.encode(&tone(440.0, 0), &mut bytes).unwrap();
    assert!(!recovering.recover(&bytes, &mut recovered));
}

#[test]
fn what_is_no_packet_is_refused_and_the_next_one_is_heard() {
    let (codecs, config) = opus();
    let mut encoder = codecs.audio_encoder(&config).unwrap();
    let mut decoder = codecs
        .audio_decoder(&AudioDecoderConfig::new(AudioCodec::Opus))
        .unwrap();
    let mut out = [0.0; 5_760];
    // Nothing; a packet of three frames that are not there; one with no room for it.
    let three = [0x7b, 0xc3];
    for packet in [&[][..], &three] {
        let refused = decoder.decode(packet, &mut out);
        assert!(
            matches!(refused, Err(CodecError::Damaged(..))),
            "{refused:?}"
        );
    }
    assert_eq!(decoder.frames(&[]), None);
    let packets = packets(&mut *encoder, 440.0, 2);
    assert!(decoder.decode(&packets[0], &mut out[..480]).is_err());
    assert_eq!(decoder.decode(&packets[1], &mut out), Ok(PACKET));
    assert!(encoder.encode(&[0.0; 100], &mut Vec::new()).is_err());
}
