//! Opus of libopus behind the jitter buffer: `cargo xtask test` installs it.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]
#![allow(clippy::print_stdout, reason = "what was measured is to be seen")]

use std::f32::consts::TAU;
use std::time::Duration;

use duologue_base::{Instant, Rng};
use duologue_codec::{AudioCodec, AudioDecoderConfig, AudioEncoderConfig, Played};
use duologue_playout::{AudioCodec as Plays, AudioPacket, AudioPlayout, AudioStatistics};
use duologue_rtp::PayloadType;

const PACKET: usize = 960;
/// Half a minute.
const PACKETS: usize = 1_500;

/// A voice of syllables, four a second.
fn voice(at: usize) -> f32 {
    let seconds = at as f32 / 48_000.0;
    let syllable = (seconds * 4.0) as usize;
    let loud = (seconds * 4.0 * TAU / 2.0).sin().powi(2);
    let base = 110.0 + 10.0 * (syllable % 5) as f32;
    let phase = (seconds % 0.25) * base * TAU;
    let partials = (1..=12).map(|n| (phase * n as f32).sin() / n as f32);
    0.25 * loud * partials.sum::<f32>()
}

/// A call that loses packets, each of which is late by up to so many milliseconds.
fn call(loss: f64, late: u32, in_band_fec: bool) -> (AudioStatistics, Vec<f32>) {
    let codecs = duologue_system::codecs();
    let config = AudioEncoderConfig {
        bitrate: Some(24_000),
        in_band_fec,
        packet_loss: 0.2,
        ..AudioEncoderConfig::new(AudioCodec::Opus)
    };
    let mut encoder = codecs.audio_encoder(&config).unwrap();
    let config = AudioDecoderConfig::new(AudioCodec::Opus);
    let decoder = codecs.audio_decoder(&config).unwrap();
    let mut rng = Rng::from_u64(7);
    let mut playout = AudioPlayout::new(rng.fork());
    let opus = PayloadType::new(111).unwrap();
    let codec = Plays::Sound {
        clock_rate: 48_000,
        decoder: Box::new(Played::new(decoder, config)),
    };
    playout.set_codec(opus, codec).unwrap();

    let mut heard = Vec::new();
    for number in 0..PACKETS {
        let samples: Vec<f32> = (number * PACKET..(number + 1) * PACKET)
            .map(voice)
            .collect();
        let mut payload = Vec::new();
        encoder.encode(&samples, &mut payload).unwrap();
        let sent = Instant::from_origin(Duration::from_millis(20 * number as u64));
        if rng.unit() >= loss {
            playout.handle_packet(AudioPacket {
                payload_type: opus,
                sequence_number: number as u64,
                timestamp: (number * PACKET) as u32,
                payload: payload.into(),
                received: sent + Duration::from_millis(rng.below(late).into()),
                repaired: false,
            });
        }
        for half in [19, 29] {
            let block = playout.pull(sent + Duration::from_millis(half));
            heard.extend_from_slice(block.samples);
        }
    }
    (*playout.statistics(), heard)
}

fn percent(samples: u64, statistics: &AudioStatistics) -> f64 {
    100.0 * samples as f64 / statistics.total_samples_received as f64
}

/// The largest second difference: what a step makes audible.
fn roughest(samples: &[f32]) -> f32 {
    let bends = samples.windows(3);
    let bends = bends.map(|it| (it[0] - 2.0 * it[1] + it[2]).abs());
    bends.fold(0.0, f32::max)
}

#[test]
fn what_is_lost_comes_out_of_the_next_packet_or_is_made_up_by_the_decoder() {
    let (clean, sound) = call(0.0, 20, true);
    assert_eq!((clean.concealed_samples, clean.packets_damaged), (0, 0));
    let smooth = roughest(&sound);
    for (loss, late, in_band_fec, concealed, recovered) in [
        (0.05, 20, true, 1.0, 3.0),
        (0.05, 20, false, 6.0, 0.0),
        // Here the delay has room for leaving some of a gap out.
        (0.05, 60, false, 5.0, 0.0),
        (0.2, 20, true, 7.0, 10.0),
    ] {
        let (statistics, sound) = call(loss, late, in_band_fec);
        let share = percent(statistics.concealed_samples, &statistics);
        let by_copy = percent(statistics.recovered_samples, &statistics);
        let rough = roughest(&sound) / smooth;
        let delay = statistics.jitter_buffer_delay.as_secs_f64() * 1e3
            / statistics.jitter_buffer_emitted_count as f64;
        println!(
            "loss {loss}, late {late} ms, FEC {in_band_fec}: concealed {share:.2} %, recovered {by_copy:.2} %, \
             {delay:.1} ms, {rough:.2} times as rough"
        );
        assert!(share <= concealed, "{share}");
        assert!(by_copy >= recovered, "{by_copy}");
        assert!(rough < 2.0, "{rough}");
        assert!(delay < 60.0, "{delay}");
    }
}
