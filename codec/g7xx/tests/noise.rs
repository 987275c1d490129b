//! Noise as it is described here is what a player makes of the description.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use duologue_base::{Instant, Rng};
use duologue_g7xx::ComfortNoise;
use duologue_playout::{AudioCodec, AudioPacket, AudioPlayout};
use duologue_rtp::PayloadType;

/// How alike samples are to those before them, from -1 to 1.
fn colour(samples: &[f32]) -> f32 {
    let product: f32 = samples.windows(2).map(|pair| pair[0] * pair[1]).sum();
    product / samples.iter().map(|it| it * it).sum::<f32>()
}

/// Two seconds of what a player makes of a packet of comfort noise.
fn played(payload: Vec<u8>) -> Vec<f32> {
    let mut playout = AudioPlayout::new(Rng::from_u64(1));
    let noise = PayloadType::new(13).unwrap();
    let codec = AudioCodec::ComfortNoise { clock_rate: 8_000 };
    playout.set_codec(noise, codec).unwrap();
    playout.handle_packet(AudioPacket {
        payload_type: noise,
        sequence_number: 1,
        timestamp: 0,
        payload: payload.into(),
        received: Instant::ZERO,
        repaired: false,
    });
    let ms = |ms: u64| Instant::from_nanos(ms * 1_000_000);
    let pulls = (0..200).map(|tick| playout.pull(ms(10 * tick)).samples.to_vec());
    let samples: Vec<Vec<f32>> = pulls.skip(50).collect();
    samples.concat()
}

#[test]
fn dull_noise_is_dull_and_hissing_noise_hisses_at_the_other_end() {
    let mut rng = Rng::from_u64(7);
    for by in [0.8, -0.8] {
        let mut last = 0.0;
        let source = (0..8_000).map(|_| {
            last = by * last + (rng.u32() as f32 / u32::MAX as f32 - 0.5) / 10.0;
            last
        });
        let source: Vec<f32> = source.collect();
        let mut payload = Vec::new();
        ComfortNoise::of(&source).write(&mut payload);
        let heard = colour(&played(payload));
        assert!((heard - colour(&source)).abs() < 0.1, "{by}: {heard}");
    }
}
