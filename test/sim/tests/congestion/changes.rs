//! One flow and a path that changes.

use std::time::Duration;

use duologue_media::cc::{Bitrate, Bounds};
use duologue_sim::congestion::{Arena, Bottleneck, FlowId, MediaConfig, Queue, seconds};

use crate::table::Bound::{AtLeast, AtMost, Between};
use crate::table::{check, measure};

fn kbps(n: u64) -> Bitrate {
    Bitrate::from_kbps(n)
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn run(seed: u64, link: Bottleneck, config: MediaConfig, until: f64) -> (Arena, FlowId) {
    let mut arena = Arena::new(seed, link);
    let flow = arena.add_media(config);
    arena.run_until(seconds(until));
    (arena, flow)
}

fn queue_ms(arena: &Arena, flow: FlowId, from: f64, to: f64, quantile: f64) -> f64 {
    let record = arena.media(flow).record();
    record
        .queue(seconds(from), seconds(to), quantile)
        .as_secs_f64()
        * 1e3
}

fn target(arena: &Arena, flow: FlowId, at: f64) -> f64 {
    arena.media(flow).record().target(seconds(at)).kbps()
}

fn loss(arena: &Arena, flow: FlowId, from: f64, to: f64) -> f64 {
    let record = arena.media(flow).record();
    100.0 * record.loss(seconds(from), seconds(to))
}

#[test]
fn a_path_of_500_kbit_then_800_then_100_with_a_longer_delay() {
    check(
        "500, 800, 100 kbit/s; RTT 200, 400 ms",
        [
            measure("target least, 6–25 s", AtLeast(460.0), AtLeast(388.0)),
            measure("target most, 6–25 s", AtMost(500.0), AtMost(581.0)),
            measure(
                "target mean, 6–25 s",
                Between(460.0, 500.0),
                Between(434.0, 513.0),
            ),
            measure("queue p95 ms, 6–25 s", AtMost(40.0), AtMost(78.9)),
            measure("target 5 s after 800", AtLeast(720.0), AtLeast(683.0)),
            measure(
                "target 4 s after 100",
                Between(80.0, 100.0),
                Between(47.0, 100.0),
            ),
            measure("queue ms 3 s after 100", AtMost(100.0), AtMost(0.05)),
            measure(
                "target mean, 60–90 s",
                Between(80.0, 100.0),
                Between(83.0, 100.0),
            ),
        ],
        |seed| {
            let link = Bottleneck::new(kbps(500))
                .then(seconds(25.0), kbps(800))
                .then(seconds(45.0), kbps(100));
            let config = MediaConfig {
                delay: ms(100),
                later_delay: Some((seconds(45.0), ms(200))),
                bounds: Bounds {
                    min: kbps(10),
                    start: kbps(300),
                    max: kbps(1_500),
                },
                ..MediaConfig::default()
            };
            let (arena, flow) = run(seed, link, config, 95.0);
            let record = arena.media(flow).record();
            let (least, most, mean) = record.targets(seconds(6.0), seconds(25.0));
            let (.., late) = record.targets(seconds(60.0), seconds(90.0));
            [
                least.kbps(),
                most.kbps(),
                mean.kbps(),
                queue_ms(&arena, flow, 6.0, 25.0, 0.95),
                target(&arena, flow, 30.0),
                target(&arena, flow, 49.0),
                queue_ms(&arena, flow, 48.0, 48.5, 0.5),
                late.kbps(),
            ]
        },
    );
}

#[test]
fn a_path_of_600_kbit() {
    check(
        "600 kbit/s, RTT 100 ms",
        [
            measure("target least, 4–30 s", AtLeast(500.0), AtLeast(459.0)),
            measure("target most, 4–30 s", AtMost(600.0), AtMost(705.0)),
            measure("loss %", AtMost(0.5), AtMost(0.05)),
        ],
        |seed| {
            let (arena, flow) = run(
                seed,
                Bottleneck::new(kbps(600)),
                MediaConfig::default(),
                30.0,
            );
            let record = arena.media(flow).record();
            let (least, most, _) = record.targets(seconds(4.0), seconds(30.0));
            [least.kbps(), most.kbps(), loss(&arena, flow, 0.0, 29.0)]
        },
    );
}

#[test]
fn a_path_of_2_mbit() {
    check(
        "2 Mbit/s, RTT 50 ms",
        [
            measure("target least, 3–30 s", AtLeast(1_700.0), AtLeast(1_470.0)),
            measure("target most, 3–30 s", AtMost(2_000.0), AtMost(2_330.0)),
        ],
        |seed| {
            let config = MediaConfig {
                delay: ms(25),
                ..MediaConfig::default()
            };
            let (arena, flow) = run(seed, Bottleneck::new(kbps(2_000)), config, 30.0);
            let record = arena.media(flow).record();
            let (least, most, _) = record.targets(seconds(3.0), seconds(30.0));
            [least.kbps(), most.kbps()]
        },
    );
}

#[test]
fn a_path_that_becomes_ten_times_as_fast() {
    check(
        "500 kbit/s, 5 Mbit/s at 5 s",
        [measure(
            "target 4 s later",
            AtLeast(4_000.0),
            AtLeast(3_430.0),
        )],
        |seed| {
            let link = Bottleneck::new(kbps(500)).then(seconds(5.0), kbps(5_000));
            let (arena, flow) = run(seed, link, MediaConfig::default(), 9.5);
            [target(&arena, flow, 9.0)]
        },
    );
}

#[test]
fn the_first_second_of_a_fast_path() {
    check(
        "50 Mbit/s, RTT 20 ms",
        [
            measure("target at 0.4 s", AtLeast(2_500.0), AtLeast(44_000.0)),
            measure("target at 1 s", AtLeast(8_000.0), AtLeast(44_570.0)),
        ],
        |seed| {
            let config = MediaConfig {
                delay: ms(10),
                ..MediaConfig::default()
            };
            let (arena, flow) = run(seed, Bottleneck::new(kbps(50_000)), config, 1.5);
            [target(&arena, flow, 0.4), target(&arena, flow, 1.0)]
        },
    );
}

#[test]
fn a_fast_path_that_falls_to_500_kbit_and_comes_back() {
    check(
        "20 Mbit/s, 500 kbit/s, 20 Mbit/s",
        [
            measure("s until below 500 kbit/s", AtMost(1.0), AtMost(0.55)),
            measure("target 5 s after", AtLeast(3_000.0), AtLeast(6_400.0)),
        ],
        |seed| {
            let link = Bottleneck::new(kbps(20_000))
                .then(seconds(10.0), kbps(500))
                .then(seconds(25.0), kbps(20_000))
                .queue(Queue::TailDrop(ms(60_000)));
            let mut config = MediaConfig {
                delay: ms(10),
                ..MediaConfig::default()
            };
            config.encoder.max = kbps(3_500);
            let (arena, flow) = run(seed, link, config, 31.0);
            let record = arena.media(flow).record();
            let fallen = record.time_until(seconds(10.0), |rate| rate < kbps(500));
            [
                fallen.map_or(99.0, |time| time.as_secs_f64()),
                target(&arena, flow, 30.0),
            ]
        },
    );
}

#[test]
fn rfc_8867_5_1_one_flow_and_a_varying_capacity() {
    check(
        "RFC 8867 5.1",
        [
            measure("utilisation %", AtLeast(85.0), AtLeast(83.4)),
            measure("queue p95 ms", AtMost(60.0), AtMost(47.4)),
            measure("loss %", AtMost(1.0), AtMost(0.76)),
        ],
        |seed| {
            let link = Bottleneck::new(kbps(1_000))
                .then(seconds(40.0), kbps(2_500))
                .then(seconds(60.0), kbps(600))
                .then(seconds(80.0), kbps(1_000));
            let (arena, flow) = run(seed, link, MediaConfig::default(), 100.0);
            let record = arena.media(flow).record();
            let carried = record.rate(seconds(0.0), seconds(100.0)).bps() as f64 * 100.0;
            let capacity = arena.link().capacity(seconds(0.0), seconds(100.0));
            let after_drops = [(seconds(60.0), seconds(63.0))];
            let queue = record.queue_outside(seconds(0.0), seconds(100.0), &after_drops, 0.95);
            [
                100.0 * carried / capacity,
                queue.as_secs_f64() * 1e3,
                loss(&arena, flow, 0.0, 99.0),
            ]
        },
    );
}
