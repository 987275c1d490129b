//! Sound through the codecs, and against other people's.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use duologue_codec::{AudioCodec, AudioDecode, AudioDecoderConfig, AudioEncoderConfig, CodecSet};
use duologue_g7xx::{g711, g722};

const CODECS: [AudioCodec; 3] = [AudioCodec::G722, AudioCodec::Pcmu, AudioCodec::Pcma];

fn codecs() -> CodecSet {
    let mut codecs = CodecSet::new();
    duologue_g7xx::add_to(&mut codecs);
    codecs
}

/// Packets of 20 ms of a tone at half of the amplitude.
fn packets(codec: AudioCodec, hertz: f32, count: usize) -> Vec<Vec<u8>> {
    let config = AudioEncoderConfig::new(codec);
    let mut encoder = codecs().audio_encoder(&config).unwrap();
    let (len, rate) = (config.packet_frames(), codec.sample_rate() as f32);
    let packets = (0..count).map(|packet| {
        let samples = packet * len..(packet + 1) * len;
        let samples =
            samples.map(|n| (n as f32 * hertz * std::f32::consts::TAU / rate).sin() / 2.0);
        let mut bytes = Vec::new();
        encoder
            .encode(&samples.collect::<Vec<f32>>(), &mut bytes)
            .unwrap();
        bytes
    });
    packets.collect()
}

fn decoder(codec: AudioCodec, channels: u8) -> Box<dyn AudioDecode> {
    let config = AudioDecoderConfig {
        channels,
        ..AudioDecoderConfig::new(codec)
    };
    codecs().audio_decoder(&config).unwrap()
}

/// How often it rises through zero, in hertz, and how loud it is.
fn pitch(samples: &[f32], rate: u32) -> (f32, f32) {
    let rises = samples
        .windows(2)
        .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0);
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
    let seconds = samples.len() as f32 / rate as f32;
    (
        rises.count() as f32 / seconds,
        (energy / samples.len() as f32).sqrt(),
    )
}

#[test]
fn a_tone_comes_out_at_its_pitch() {
    for codec in CODECS {
        for hertz in [220.0, 1_000.0, 3_000.0] {
            let mut decoder = decoder(codec, 1);
            let mut sound = Vec::new();
            for packet in packets(codec, hertz, 50) {
                let mut out = [0.0; 320];
                let frames = decoder.decode(&packet, &mut out).unwrap();
                assert_eq!(decoder.frames(&packet), Some(frames));
                sound.extend_from_slice(&out[..frames]);
            }
            assert_eq!(sound.len(), codec.sample_rate() as usize);
            // Its predictors begin with silence.
            let settled = &sound[sound.len() / 5..];
            let (heard, loud) = pitch(settled, codec.sample_rate());
            assert!((heard - hertz).abs() <= 2.0, "{codec} {hertz}: {heard}");
            assert!((0.34..0.37).contains(&loud), "{codec} {hertz}: {loud}");
        }
    }
}

#[test]
fn a_lost_packet_goes_on_at_the_same_pitch_and_many_fade_out() {
    for codec in CODECS {
        let rate = codec.sample_rate();
        let mut decoder = decoder(codec, 2);
        for packet in packets(codec, 220.0, 10) {
            decoder.decode(&packet, &mut [0.0; 640]).unwrap();
        }
        let mut lost = vec![0.0; 2 * rate as usize / 50];
        let mut heard = Vec::new();
        for _ in 0..4 {
            decoder.conceal(&mut lost);
            heard.push(lost.iter().step_by(2).copied().collect::<Vec<f32>>());
        }
        let (hertz, loud) = pitch(&heard[0], rate);
        assert!(
            (hertz - 220.0).abs() <= 30.0 && loud > 0.2,
            "{codec}: {hertz} {loud}"
        );
        assert!(heard[3].iter().all(|it| *it == 0.0), "{codec}");
        assert!(!decoder.recover(&[0; 160], &mut lost));
    }
}

/// Sixteen bits of everything: a rising tone, noise, silence and overload.
fn signal() -> Vec<i16> {
    let mut chance = 1_u32;
    let samples = (0..16_000).map(|n: i64| {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (chance >> 16) as i16;
        match n / 4_000 {
            // A triangle whose period falls from 200 samples to 4.
            0 => ((n * (n + 80) / 80 % 200 - 100) * 200) as i16,
            1 => noise / 16,
            2 => 0,
            _ => noise,
        }
    });
    samples.collect()
}

/// Fowler, Noll and Vo's hash, of 64 bits.
fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let bytes = bytes.into_iter();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn hash_of_samples(samples: impl IntoIterator<Item = i16>) -> u64 {
    hash(samples.into_iter().flat_map(i16::to_le_bytes))
}

#[test]
fn bytes_and_samples_are_those_of_ffmpeg() {
    // Hashes of what FFmpeg 5.1.9 makes: of the same 16,000 samples bytes of G.722, of those bytes
    // samples, and of all bytes samples by both laws.
    const CODED: u64 = 0x75f2_face_c53d_f5dd;
    const DECODED: u64 = 0x7426_c710_ff2d_9149;
    const MU: u64 = 0xb91e_65d6_8481_a1a8;
    const A: u64 = 0x693a_40ca_62a3_d2a5;
    let samples = signal();
    let mut encoder = g722::Encoder::new();
    let pairs = samples.chunks_exact(2);
    let coded: Vec<u8> = pairs
        .map(|pair| encoder.encode([pair[0], pair[1]]))
        .collect();
    let mut decoder = g722::Decoder::new();
    let decoded: Vec<i16> = coded
        .iter()
        .flat_map(|byte| decoder.decode(*byte))
        .collect();
    assert_eq!((hash(coded), hash_of_samples(decoded)), (CODED, DECODED));
    let all = || 0..=u8::MAX;
    assert_eq!(hash_of_samples(all().map(g711::decode_mu)), MU);
    assert_eq!(hash_of_samples(all().map(g711::decode_a)), A);
}
