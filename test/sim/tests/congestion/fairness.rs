//! Several flows on one path.

use std::time::Duration;

use duologue_base::Instant;
use duologue_media::cc::Bitrate;
use duologue_sim::congestion::{Arena, Bottleneck, FlowId, MediaConfig, Pattern, jain, seconds};

use crate::table::Bound::{AtLeast, Between};
use crate::table::{check, measure};

fn kbps(n: u64) -> Bitrate {
    Bitrate::from_kbps(n)
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn from(start: f64) -> MediaConfig {
    MediaConfig {
        active: (seconds(start), seconds(1e6)),
        ..MediaConfig::default()
    }
}

fn rates(arena: &Arena, flows: &[FlowId], from: Instant, to: Instant) -> Vec<Bitrate> {
    let rate = |flow: &FlowId| arena.media(*flow).record().rate(from, to);
    flows.iter().map(rate).collect()
}

#[test]
fn rfc_8867_5_2_two_flows_and_a_varying_capacity() {
    check(
        "RFC 8867 5.2",
        [
            measure("Jain, last half", AtLeast(0.95), AtLeast(0.78)),
            measure("utilisation %", AtLeast(85.0), AtLeast(87.2)),
        ],
        |seed| {
            let link = Bottleneck::new(kbps(4_000))
                .then(seconds(25.0), kbps(2_000))
                .then(seconds(50.0), kbps(3_500))
                .then(seconds(75.0), kbps(1_000))
                .then(seconds(100.0), kbps(2_000));
            let mut arena = Arena::new(seed, link);
            let flows = [0.0, 0.0].map(|start| arena.add_media(from(start)));
            let (half, end) = (seconds(62.5), seconds(125.0));
            arena.run_until(end);
            let all = rates(&arena, &flows, seconds(0.0), end);
            let carried: f64 = all.iter().map(|rate| rate.bps() as f64 * 125.0).sum();
            let capacity = arena.link().capacity(seconds(0.0), end);
            [
                jain(&rates(&arena, &flows, half, end)),
                100.0 * carried / capacity,
            ]
        },
    );
}

#[test]
fn rfc_8867_5_3_the_feedback_path_is_congested() {
    check(
        "RFC 8867 5.3",
        [
            measure(
                "worst 5 s forward, of capacity",
                AtLeast(0.5),
                AtLeast(0.80),
            ),
            measure("worst 5 s back, of capacity", AtLeast(0.5), AtLeast(0.81)),
        ],
        |seed| {
            let forward = Bottleneck::new(kbps(2_000))
                .then(seconds(20.0), kbps(1_000))
                .then(seconds(40.0), kbps(500))
                .then(seconds(60.0), kbps(2_000));
            let back = Bottleneck::new(kbps(2_000))
                .then(seconds(35.0), kbps(800))
                .then(seconds(70.0), kbps(2_000));
            let mut arena = Arena::new(seed, forward.clone());
            arena.set_back(back.clone());
            let there = arena.add_media(MediaConfig::default());
            let here = arena.add_media(MediaConfig {
                reversed: true,
                ..MediaConfig::default()
            });
            arena.run_until(seconds(100.0));
            // Five seconds after the beginning and each change, the flows have found their rates.
            let worst = |flow: FlowId, link: &Bottleneck| {
                let stretches = [
                    5.0, 10.0, 15.0, 25.0, 30.0, 45.0, 50.0, 55.0, 65.0, 75.0, 85.0,
                ];
                let share = |begin: &f64| {
                    let (from, to) = (seconds(*begin), seconds(*begin + 5.0));
                    let rate = arena.media(flow).record().rate(from, to);
                    rate.bps() as f64 * 5.0 / link.capacity(from, to)
                };
                stretches.iter().map(share).fold(f64::INFINITY, f64::min)
            };
            [worst(there, &forward), worst(here, &back)]
        },
    );
}

#[test]
fn rfc_8867_5_4_three_flows_that_begin_one_after_the_other() {
    check(
        "RFC 8867 5.4",
        [
            measure("Jain, last half", AtLeast(0.95), AtLeast(0.90)),
            measure("utilisation %, last half", AtLeast(85.0), AtLeast(89.8)),
        ],
        |seed| {
            let mut arena = Arena::new(seed, Bottleneck::new(kbps(3_500)));
            let flows = [0.0, 20.0, 40.0].map(|start| arena.add_media(from(start)));
            let (half, end) = (seconds(60.0), seconds(120.0));
            arena.run_until(end);
            let rates = rates(&arena, &flows, half, end);
            let sum: f64 = rates.iter().map(|rate| rate.kbps()).sum();
            [jain(&rates), 100.0 * sum / 3_500.0]
        },
    );
}

#[test]
fn rfc_8867_5_5_five_flows_with_different_round_trips() {
    check(
        "RFC 8867 5.5",
        [measure("Jain, last half", AtLeast(0.85), AtLeast(0.86))],
        |seed| {
            let mut arena = Arena::new(seed, Bottleneck::new(kbps(4_000)));
            let delays = [10, 25, 50, 100, 150].into_iter().zip(0_u32..);
            let flows: Vec<FlowId> = delays
                .map(|(delay, index)| {
                    arena.add_media(MediaConfig {
                        delay: ms(delay),
                        ..from(10.0 * f64::from(index))
                    })
                })
                .collect();
            let (half, end) = (seconds(150.0), seconds(300.0));
            arena.run_until(end);
            [jain(&rates(&arena, &flows, half, end))]
        },
    );
}

#[test]
fn rfc_8867_5_6_beside_a_long_flow_of_cubic() {
    check(
        "RFC 8867 5.6",
        [
            measure("share, 20–120 s", Between(0.3, 0.6), Between(0.17, 0.6)),
            measure("worst 10 s", AtLeast(0.15), AtLeast(0.11)),
        ],
        |seed| {
            let mut arena = Arena::new(seed, Bottleneck::new(kbps(2_000)));
            arena.add_cross(Pattern::Long(seconds(0.0), seconds(120.0)), ms(50));
            let flow = arena.add_media(from(5.0));
            arena.run_until(seconds(120.0));
            let share = |from: f64, to: f64| {
                let rate = arena.media(flow).record().rate(seconds(from), seconds(to));
                rate.kbps() / 2_000.0
            };
            let worst = (2..12).map(|n| share(f64::from(n) * 10.0, f64::from(n) * 10.0 + 10.0));
            [share(20.0, 120.0), worst.fold(1.0, f64::min)]
        },
    );
}

#[test]
fn rfc_8867_5_7_beside_short_flows_of_cubic() {
    check(
        "RFC 8867 5.7",
        [
            measure("worst 5 s, of the mean", AtLeast(0.5), AtLeast(0.38)),
            measure("Jain of the two", AtLeast(0.85), AtLeast(0.78)),
        ],
        |seed| {
            let mut arena = Arena::new(seed, Bottleneck::new(kbps(2_000)));
            let flows = [0.0, 0.0].map(|_| arena.add_media(from(5.0)));
            for _ in 0..10 {
                arena.add_cross(Pattern::Short, ms(50));
            }
            let (begin, end) = (seconds(30.0), seconds(150.0));
            arena.run_until(end);
            let sum = |from: Instant, to: Instant| -> f64 {
                let rates = rates(&arena, &flows, from, to);
                rates.iter().map(|rate| rate.kbps()).sum()
            };
            let stretches = (0..24).map(|n| begin + ms(5_000) * n);
            let worst = stretches.map(|from| sum(from, from + ms(5_000)));
            let worst = worst.fold(f64::INFINITY, f64::min);
            [
                worst / sum(begin, end),
                jain(&rates(&arena, &flows, begin, end)),
            ]
        },
    );
}

#[test]
fn rfc_8867_5_8_a_flow_pauses_and_resumes() {
    check(
        "RFC 8867 5.8",
        [
            measure("3 s after, of its fair share", AtLeast(0.8), AtLeast(0.45)),
            measure("Jain, 65–120 s", AtLeast(0.95), AtLeast(0.75)),
        ],
        |seed| {
            let mut arena = Arena::new(seed, Bottleneck::new(kbps(3_500)));
            let pause = Some((seconds(40.0), seconds(60.0)));
            let flows = [None, pause, None].map(|pause| {
                arena.add_media(MediaConfig {
                    pause,
                    ..MediaConfig::default()
                })
            });
            arena.run_until(seconds(120.0));
            let record = arena.media(flows[1]).record();
            let back = record.rate(seconds(63.0), seconds(65.0));
            let all = rates(&arena, &flows, seconds(65.0), seconds(120.0));
            [back.kbps() / (3_500.0 / 3.0), jain(&all)]
        },
    );
}
