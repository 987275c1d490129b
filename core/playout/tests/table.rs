//! The jitter buffer on many networks. `cargo test -p duologue-playout --test table -- --nocapture`
//! prints the rows of bench/README.md.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod common;

use common::{Call, Heard, Repair, Source};
use duologue_playout::Operation;

/// What is to be reached, of medians of five calls.
struct Row {
    name: String,
    call: Call,
    /// `concealedSamples`, in percent of all.
    concealed: f64,
    /// `jitterBufferDelay`, in milliseconds.
    delay: f64,
}

#[test]
fn sound_stays_whole_and_is_not_held_back_for_long() {
    println!(
        "| network | concealed %: at most | reached | delay ms: at most | reached | mouth to ear | stretched % |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let speech = Source::Speech.record(3_000);
    let mut missed = Vec::new();
    for row in rows() {
        let calls: Vec<Heard> = (1..=5)
            .map(|seed| Call { seed, ..row.call }.make(&speech, false))
            .collect();
        let concealed = median(calls.iter().map(Heard::concealed));
        let delay = median(calls.iter().map(Heard::delay_ms));
        let late = median(calls.iter().map(|it| it.late_ms));
        let stretched = median(calls.iter().map(|it| {
            let it = it.statistics;
            let moved = it.removed_samples_for_acceleration + it.inserted_samples_for_deceleration;
            100.0 * moved as f64 / it.total_samples_received as f64
        }));
        println!(
            "| {} | {} | {concealed:.2} | {} | {delay:.1} | {late:.1} | {stretched:.2} |",
            row.name, row.concealed, row.delay
        );
        if concealed > row.concealed || delay > row.delay {
            missed.push(row.name);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

fn rows() -> Vec<Row> {
    let row = |name: &str, concealed, delay, call| Row {
        name: name.into(),
        call,
        concealed,
        delay,
    };
    let clean = Call::CLEAN;
    let jitter = |jitter_ms| Call { jitter_ms, ..clean };
    let queue = |jitter_ms| Call {
        in_order: true,
        ..jitter(jitter_ms)
    };
    let loss = |loss, repair| Call {
        loss,
        repair,
        jitter_ms: 5.0,
        ..clean
    };
    let mut rows = vec![
        row("clean", 0.0, 40.0, clean),
        row("jitter 5 ms", 0.1, 40.0, jitter(5.0)),
        row("jitter 30 ms", 0.5, 70.0, jitter(30.0)),
        row("jitter 50 ms", 0.5, 110.0, jitter(50.0)),
        row("jitter 150 ms", 1.0, 300.0, jitter(150.0)),
        row("jitter 30 ms, in order", 0.5, 70.0, queue(30.0)),
        row("jitter 150 ms, in order", 1.0, 300.0, queue(150.0)),
        row("loss 1 %, RED", 0.2, 60.0, loss(0.01, Repair::Red(1))),
        row("loss 5 %, RED", 1.0, 60.0, loss(0.05, Repair::Red(1))),
        row("loss 5 %, FEC", 1.0, 60.0, loss(0.05, Repair::Fec)),
        row("loss 10 %, RED", 2.0, 60.0, loss(0.1, Repair::Red(1))),
        row("loss 10 %, FEC", 2.0, 60.0, loss(0.1, Repair::Fec)),
        row("loss 20 %, RED(2)", 6.0, 90.0, loss(0.2, Repair::Red(2))),
    ];
    for (jitter_ms, delay, concealed) in [
        (5.0, 25.0, [1.1, 5.8, 10.8]),
        (50.0, 75.0, [1.2, 4.8, 9.0]),
        (150.0, 175.0, [2.1, 6.6, 11.6]),
    ] {
        for (percent, concealed) in [1.0, 5.0, 10.0].into_iter().zip(concealed) {
            rows.push(Row {
                name: format!("jitter {jitter_ms} ms, loss {percent} %"),
                call: Call {
                    jitter_ms,
                    loss: percent / 100.0,
                    ..clean
                },
                concealed,
                delay,
            });
        }
    }
    rows
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn an_hour_of_a_clock_that_is_off_is_not_heard() {
    // Five packets have 44 periods.
    let tone = Source::Tone(440.0).record(5);
    for drift_ppm in [200.0, -200.0] {
        let call = Call {
            drift_ppm,
            seconds: 3_600,
            ..Call::CLEAN
        };
        let heard = call.make(&tone, true);
        let statistics = heard.statistics;
        let pitch = common::hertz(&heard.samples);
        let rough = common::roughest(&heard.samples);
        println!(
            "drift {drift_ppm} ppm: concealed {}, delay {:.1} ms, {:.1} ms at the end, {} splices, \
             {pitch:.2} Hz, roughest {rough:.5}",
            statistics.concealed_samples,
            heard.delay_ms(),
            heard.late_at_end_ms,
            heard.count(Operation::Accelerate) + heard.count(Operation::PreemptiveExpand),
        );
        assert_eq!(statistics.concealed_samples, 0);
        assert!(heard.delay_ms() <= 40.0);
        // 0.72 s in an hour, by pieces of at most 15 ms.
        let moved = statistics.removed_samples_for_acceleration
            + statistics.inserted_samples_for_deceleration;
        assert!((0.6..1.0).contains(&(moved as f64 / 48_000.0)), "{moved}");
        assert!((pitch - 440.0).abs() < 0.2, "{pitch}");
        // What quantising and a cross-fade of neighbouring phases make: a tone has 0.00083 itself.
        assert!(rough < 0.0012, "{rough}");
    }
}
