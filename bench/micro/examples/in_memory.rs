//! Two sessions in one thread, without sockets: what the stack itself costs. Time is real.
//!
//! `cargo run --release -p duologue-bench-micro --example in_memory -- [message bytes] [seconds] [12|13]`
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::time::{Duration, Instant as Clock};

use bytes::Bytes;
use duologue_base::Instant;
use duologue_bench_micro::{Pair, Train, certificate};
use duologue_dtls::{Context, Version, Versions};

const LIMIT: usize = 1 << 20;

fn main() {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let argument = |at: usize, default| arguments.get(at).copied().unwrap_or(default);
    let bytes = argument(0, 16_384) as usize;
    let time = Duration::from_secs(argument(1, 3));
    let versions = match argument(2, 0) {
        12 => Versions::Only(Version::V12),
        13 => Versions::Only(Version::V13),
        _ => Versions::Both,
    };
    let clock = Clock::now();
    let context = Context::new().expect("the library works");
    println!("context: {:?}", clock.elapsed());
    let context = context.with_versions(versions);
    let certificates = [certificate(1), certificate(2)];

    let pairs = 200;
    let begin = Clock::now();
    for _ in 0..pairs {
        Pair::connected(&context, &certificates, 1, Instant::ZERO);
    }
    println!(
        "set-up: {:?} per pair to an open channel",
        begin.elapsed() / pairs
    );

    let mut pair = Pair::connected(&context, &certificates, 1, Instant::ZERO);
    let origin = pair.now;
    let message = Bytes::from(vec![7; bytes]);
    let mut train = Train::default();
    let begin = Clock::now();
    while begin.elapsed() < time {
        while pair.ends[0].buffered < LIMIT {
            pair.send(0, 0, message.clone());
        }
        pair.now = origin + begin.elapsed();
        pair.carry(0, &mut train);
        pair.now = origin + begin.elapsed();
        pair.carry(1, &mut train);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let megabytes = pair.ends[1].received as f64 / 1e6;
    println!(
        "{bytes} B: {:.0} MB/s, {:.0} messages/s, {:.2} CPU s/GB for both ends",
        megabytes / seconds,
        pair.ends[1].messages as f64 / seconds,
        seconds / megabytes * 1000.0,
    );
}
