//! Paths with a queue for L4S (RFC 9330), and paths without.

use std::time::Duration;

use duologue_media::cc::Bitrate;
use duologue_sim::congestion::{
    Arena, Bottleneck, CoDel, ControllerKind, DualPi2, MediaConfig, Queue, seconds,
};

use crate::table::Bound::{AtLeast, AtMost};
use crate::table::{check, measure};

fn config(rtt: u64) -> MediaConfig {
    MediaConfig {
        delay: Duration::from_millis(rtt / 2),
        controller: ControllerKind::Selector,
        feedback: Duration::from_millis(25),
        ..MediaConfig::default()
    }
}

/// The share of the rate that is used from 3 to 20 s, and the 99 % quantile of the queue in ms.
fn run(seed: u64, rate: Bitrate, queue: Queue, config: MediaConfig) -> [f64; 2] {
    let mut arena = Arena::new(seed, Bottleneck::new(rate).queue(queue));
    let flow = arena.add_media(config);
    arena.run_until(seconds(20.0));
    let record = arena.media(flow).record();
    let (from, to) = (seconds(3.0), seconds(20.0));
    [
        100.0 * (record.rate(from, to) / rate),
        record.queue(from, to, 0.99).as_secs_f64() * 1e3,
    ]
}

#[test]
fn a_path_of_l4s_is_used_with_hardly_a_queue() {
    for (rate, rtt, (used, queue)) in [
        (600, 20, (72.0, 42.0)),
        (600, 100, (62.0, 60.0)),
        (2_000, 20, (83.0, 15.0)),
        (2_000, 100, (82.0, 22.0)),
        (10_000, 20, (79.0, 2.5)),
        (10_000, 100, (80.0, 4.5)),
        (50_000, 20, (79.0, 2.0)),
        (50_000, 100, (72.0, 4.0)),
    ] {
        check(
            &format!("L4S, {rate} kbit/s, RTT {rtt} ms"),
            [
                measure("utilisation %", AtLeast(85.0), AtLeast(used)),
                measure("queue p99 ms", AtMost(5.0), AtMost(queue)),
            ],
            |seed| {
                let queue = Queue::DualPi2(DualPi2::default());
                run(seed, Bitrate::from_kbps(rate), queue, config(rtt))
            },
        );
    }
}

#[test]
fn a_queue_that_marks_by_codel_is_used_too() {
    check(
        "CoDel, 2 Mbit/s, RTT 50 ms",
        [
            measure("utilisation %", AtLeast(80.0), AtLeast(80.0)),
            measure("queue p99 ms", AtMost(50.0), AtMost(62.0)),
        ],
        |seed| {
            let queue = Queue::CoDel(CoDel::default());
            run(seed, Bitrate::from_kbps(2_000), queue, config(50))
        },
    );
}

#[test]
fn reports_of_rfc_8888_serve_gcc_as_transport_cc_does() {
    check(
        "GCC by RFC 8888, 2 Mbit/s, RTT 50 ms",
        [
            measure("utilisation %", AtLeast(85.0), AtLeast(86.0)),
            measure("queue p99 ms", AtMost(100.0), AtMost(75.0)),
        ],
        |seed| {
            let config = MediaConfig {
                controller: ControllerKind::GccByReports,
                feedback: Duration::from_millis(50),
                ..config(50)
            };
            let queue = Queue::TailDrop(Duration::from_millis(300));
            run(seed, Bitrate::from_kbps(2_000), queue, config)
        },
    );
}
