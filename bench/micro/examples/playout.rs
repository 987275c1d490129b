//! `cargo run --release -p duologue-bench-micro --example playout`: nanoseconds that ten milliseconds of
//! sound take, decoding left out, by what is done for them; and what a frame of video takes.

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng};
use duologue_playout::{
    AudioCodec, AudioDecoder, AudioPacket, AudioPlayout, Damaged, FrameInfo, VideoPlayout,
};
use duologue_rtp::PayloadType;

/// A call of a minute, again and again; the fastest counts: a busy machine only ever makes one slower.
const ROUNDS: usize = 10;
const PACKETS: u32 = 3_000;

fn main() {
    println!("| network | 10 ms of mono | of stereo |");
    println!("|---|---:|---:|");
    for (name, network) in [
        (
            "clean",
            Network {
                jitter_ms: 0,
                lost_each: 0,
            },
        ),
        (
            "jitter 30 ms",
            Network {
                jitter_ms: 60,
                lost_each: 0,
            },
        ),
        (
            "one packet of ten lost",
            Network {
                jitter_ms: 0,
                lost_each: 10,
            },
        ),
    ] {
        let [mono, stereo] = [1, 2].map(|channels| network.measure(channels));
        println!("| {name} | {} ns | {} ns |", mono.mean, stereo.mean);
        if network.lost_each > 0 {
            println!("\n| operation | mono, median | stereo, median |\n|---|---:|---:|");
            for (operation, ns) in &mono.medians {
                let stereo = stereo.medians.get(operation).copied().unwrap_or_default();
                println!("| {operation} | {ns} ns | {stereo} ns |");
            }
        }
    }
    println!("\na frame of video: {} ns", video());
}

#[derive(Clone, Copy)]
struct Network {
    jitter_ms: u32,
    lost_each: u32,
}

#[derive(Default)]
struct Cost {
    mean: u64,
    medians: BTreeMap<String, u64>,
}

impl Network {
    fn measure(self, channels: u8) -> Cost {
        let mut best = Cost {
            mean: u64::MAX,
            ..Cost::default()
        };
        let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for _ in 0..ROUNDS {
            best.mean = best.mean.min(self.call(channels, &mut times));
        }
        for (operation, mut times) in times {
            times.sort_unstable();
            best.medians.insert(operation, times[times.len() / 2]);
        }
        best
    }

    /// The mean of one call.
    fn call(self, channels: u8, times: &mut BTreeMap<String, Vec<u64>>) -> u64 {
        let opus = PayloadType::from_low_bits(111);
        let mut rng = Rng::from_u64(1);
        let mut playout = AudioPlayout::new(rng.fork());
        let decoder = Box::new(Voice { channels, at: 0 });
        let codec = AudioCodec::Sound {
            clock_rate: 48_000,
            decoder,
        };
        playout.set_codec(opus, codec).expect("it can be played");
        let payload = Bytes::from_static(&[0; 80]);
        let mut packets: Vec<_> = (0..PACKETS)
            .map(|n| (20 * n + rng.below(self.jitter_ms.max(1)), n))
            .collect();
        packets.sort_unstable();

        let mut next = packets.into_iter().peekable();
        let mut sum = Duration::ZERO;
        for tick in 0..PACKETS * 2 {
            let now = Instant::from_origin(Duration::from_millis(u64::from(tick) * 10));
            let begin = std::time::Instant::now();
            while let Some((at, n)) = next.next_if(|(at, _)| *at <= tick * 10) {
                if self.lost_each > 0 && n % self.lost_each == 0 {
                    continue;
                }
                playout.handle_packet(AudioPacket {
                    payload_type: opus,
                    sequence_number: n.into(),
                    timestamp: n * 960,
                    payload: payload.clone(),
                    received: Instant::from_origin(Duration::from_millis(at.into())),
                    repaired: false,
                });
            }
            let operation = playout.pull(now).operation;
            let took = begin.elapsed();
            sum += took;
            let times = times.entry(format!("{operation:?}")).or_default();
            times.push(took.as_nanos() as u64);
        }
        (sum.as_nanos() / u128::from(PACKETS * 2)) as u64
    }
}

fn video() -> u64 {
    let round = || {
        let mut playout = VideoPlayout::new(90_000);
        let begin = std::time::Instant::now();
        for n in 0..100_000_u32 {
            let received = Instant::from_origin(Duration::from_millis(1_000 + u64::from(n) * 33));
            let info = FrameInfo {
                timestamp: n.wrapping_mul(2_970),
                key: n == 0,
                bytes: 5_000,
                first_received: received,
                received,
                repaired: false,
                playout_delay: None,
            };
            playout.handle_frame((), info);
            let due = playout.poll_timeout().unwrap_or(received);
            while let Some(due) = playout.poll_frame(due) {
                let took = Duration::from_millis(3);
                playout.handle_decoded(Some(due.timestamp), took, received);
                playout.handle_rendered(due.render_at);
            }
        }
        begin.elapsed().as_nanos() as u64 / 100_000
    };
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

/// A voice of 140 Hz that costs next to nothing to decode.
struct Voice {
    channels: u8,
    at: u32,
}

impl AudioDecoder for Voice {
    fn sample_rate(&self) -> u32 {
        48_000
    }

    fn channels(&self) -> u8 {
        self.channels
    }

    fn duration(&self, _: &[u8]) -> Option<u32> {
        Some(960)
    }

    fn decode(&mut self, _: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
        let channels = usize::from(self.channels);
        for frame in out[..960 * channels].chunks_exact_mut(channels) {
            // A saw tooth of two slopes.
            let phase = (self.at % 343) as f32 / 343.0;
            frame.fill(if phase < 0.2 {
                phase
            } else {
                (1.0 - phase) * 0.25
            });
            self.at += 1;
        }
        Ok(960)
    }
}
