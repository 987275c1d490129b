//! Paths that lose packets for no reason of ours.

use std::time::Duration;

use duologue_media::cc::Bitrate;
use duologue_sim::Burst;
use duologue_sim::congestion::{Arena, Bottleneck, Impairments, MediaConfig, seconds};

use crate::table::Bound::{AtLeast, AtMost};
use crate::table::{check, measure};

/// The share of a path of 2 Mbit/s that is used over the second half of a minute, what is lost
/// counting as used, and how far the target goes up and down around its mean.
fn run(seed: u64, impairments: Impairments) -> [f64; 2] {
    let link = Bottleneck::new(Bitrate::from_kbps(2_000)).impairments(impairments);
    let mut arena = Arena::new(seed, link);
    let flow = arena.add_media(MediaConfig {
        delay: Duration::from_millis(50),
        ..MediaConfig::default()
    });
    arena.run_until(seconds(60.0));
    let record = arena.media(flow).record();
    let (from, to) = (seconds(30.0), seconds(60.0));
    let (least, most, mean) = record.targets(from, to);
    let carried = record.rate(from, to).kbps() / (1.0 - record.loss(from, to));
    let swing = (most - mean).max(mean - least) / mean;
    [100.0 * carried / 2_000.0, 100.0 * swing]
}

fn random(loss: f64) -> Impairments {
    Impairments {
        loss,
        ..Impairments::default()
    }
}

#[test]
fn random_losses_cost_little_of_the_rate() {
    for (name, loss, goal, (used, swing)) in [
        ("1 % random loss", 0.01, 90.0, (86.0, 12.0)),
        ("5 % random loss", 0.05, 80.0, (79.0, 28.0)),
        ("10 % random loss", 0.1, 60.0, (64.0, 66.0)),
    ] {
        check(
            name,
            [
                measure("of 2 Mbit/s, %", AtLeast(goal), AtLeast(used)),
                measure("swing %", AtMost(20.0), AtMost(swing)),
            ],
            |seed| run(seed, random(loss)),
        );
    }
}

#[test]
fn bursts_of_losses_cost_little_of_the_rate() {
    check(
        "bursts of 8, 1 %",
        [
            measure("of 2 Mbit/s, %", AtLeast(90.0), AtLeast(86.0)),
            measure("swing %", AtMost(20.0), AtMost(18.0)),
        ],
        |seed| {
            let burst = Some(Burst {
                enter: 0.01 / 8.0,
                leave: 1.0 / 8.0,
            });
            run(
                seed,
                Impairments {
                    burst,
                    ..Impairments::default()
                },
            )
        },
    );
}
