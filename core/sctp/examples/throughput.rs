//! Two associations in memory, both on one core: megabytes and messages per second.
//! `cargo run --release -p duologue-sctp --example throughput [SECONDS]`
//!
//! Packets go straight from one to the other in trains of at most 64, as a driver hands them over;
//! the clock is the processor's, so that round trips are as short as the work is.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the clock"
)]

use std::time::{Duration, Instant as Clock};

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{Association, AssociationState, Config, Ppid, SendOptions};

const TRAIN: usize = 64;
const BUFFERED: usize = 1 << 20;

struct Pair {
    origin: Clock,
    peers: [Association; 2],
    packet: Vec<u8>,
    ends: Vec<usize>,
}

impl Pair {
    fn new(config: &Config) -> Self {
        let peer = |seed| Association::new(config.clone(), Rng::from_u64(seed));
        Pair {
            origin: Clock::now(),
            peers: [peer(1), peer(2)],
            packet: Vec::with_capacity(TRAIN * 1_200),
            ends: Vec::with_capacity(TRAIN),
        }
    }

    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    /// One train from each side to the other. Returns the packets moved.
    fn exchange(&mut self) -> usize {
        let mut moved = 0;
        for from in 0..2 {
            let now = self.now();
            self.packet.clear();
            self.ends.clear();
            while self.ends.len() < TRAIN && self.peers[from].poll_packet(now, &mut self.packet) {
                self.ends.push(self.packet.len());
            }
            moved += self.ends.len();
            let now = self.now();
            let mut start = 0;
            for &end in &self.ends {
                self.peers[1 - from].handle_packet(now, &self.packet[start..end]);
                start = end;
            }
            self.peers[1 - from].handle_timeout(now);
            self.peers[from].handle_timeout(now);
        }
        moved
    }

    fn connect(&mut self) {
        for n in 0..2 {
            let now = self.now();
            self.peers[n].connect(now);
        }
        while self
            .peers
            .iter()
            .any(|peer| peer.state() != AssociationState::Connected)
        {
            self.exchange();
        }
    }
}

fn measure(name: &str, size: usize, config: &Config, time: Duration) {
    let mut pair = Pair::new(config);
    pair.connect();
    let source = vec![7_u8; size];
    let (mut bytes, mut messages, mut packets) = (0_usize, 0_u64, 0_usize);
    let mut warm = true;
    let mut start = Clock::now();
    loop {
        let elapsed = start.elapsed();
        if warm && elapsed > time / 4 {
            (bytes, messages, packets, warm) = (0, 0, 0, false);
            start = Clock::now();
        } else if !warm && elapsed > time {
            break;
        }
        let now = pair.now();
        while pair.peers[0].buffered_amount(StreamId(1)) < BUFFERED {
            // The application's own copy: one allocation and one copy per message.
            let data = Bytes::copy_from_slice(&source);
            let sent = pair.peers[0].send(now, StreamId(1), Ppid(53), data, SendOptions::default());
            if sent.is_err() {
                break;
            }
        }
        packets += pair.exchange();
        while pair.peers[0].poll_departed().is_some() {}
        while let Some(message) = pair.peers[1].poll_message() {
            bytes += message.data.len();
            messages += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let stats = pair.peers[0].stats();
    println!(
        "{name:>14} {size:>7} B: {:7.0} MB/s {:6.2} M messages/s {:6.2} M packets/s \
         {} retransmitted, {} timeouts",
        bytes as f64 / seconds / 1e6,
        messages as f64 / seconds / 1e6,
        packets as f64 / seconds / 1e6,
        stats.chunks_retransmitted,
        stats.timeouts,
    );
}

fn main() {
    let seconds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(2.0);
    let only: Option<usize> = std::env::args().nth(2).and_then(|text| text.parse().ok());
    for (name, interleaving, zero_checksum) in [
        ("CRC32c, DATA", false, false),
        ("no CRC, DATA", false, true),
        ("no CRC, I-DATA", true, true),
    ] {
        let config = Config {
            interleaving,
            zero_checksum,
            ..Config::default()
        };
        for size in [16_384, 1_000, 100, 64, 262_144] {
            if only.is_none_or(|only| only == size) {
                measure(name, size, &config, Duration::from_secs_f64(seconds));
            }
        }
    }
}
