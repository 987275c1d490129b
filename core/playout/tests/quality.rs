//! What is heard, beside what was said.

mod common;

use common::{Call, Heard, Repair, Source, roughest};
use duologue_playout::Operation;

/// 440 Hz: five packets have 44 periods.
const TONE: Source = Source::Tone(440.0);

#[test]
fn a_tone_stays_a_tone_while_time_is_stretched() {
    // The delay goes up with the jitter and down to it from the start.
    for (jitter_ms, limit) in [(0.0, 0.001), (30.0, 0.001), (80.0, 0.002)] {
        let call = Call {
            jitter_ms,
            ..Call::CLEAN
        };
        let heard = call.make(&TONE.record(5), true);
        let stretched =
            heard.count(Operation::Accelerate) + heard.count(Operation::PreemptiveExpand);
        assert!(stretched >= 2, "{:?}", heard.operations);
        assert!((common::hertz(&heard.samples) - 440.0).abs() < 0.5);
        // The tone itself has 0.00083.
        let rough = roughest(&heard.samples);
        assert!(rough < limit, "{jitter_ms} ms: {rough}");
    }
}

#[test]
fn a_tone_with_losses_has_no_step() {
    let call = Call {
        loss: 0.1,
        ..Call::CLEAN
    };
    let heard = call.make(&TONE.record(5), true);
    assert!(heard.count(Operation::Conceal) > 300);
    assert!((common::hertz(&heard.samples) - 440.0).abs() < 2.0);
    // A step of a tenth of the loudness would have 0.025.
    let rough = roughest(&heard.samples);
    assert!(rough < 0.006, "{rough}");
}

#[test]
fn speech_gets_no_rougher_than_it_is() {
    let speech = Source::Speech.record(3_000);
    let said = roughest(&speech.samples());
    let rough = |call: Call| roughest(&call.make(&speech, true).samples);
    let clean = Call::CLEAN;
    for (call, limit) in [
        (clean, 1.05),
        (
            Call {
                jitter_ms: 50.0,
                ..clean
            },
            1.25,
        ),
        (
            Call {
                loss: 0.05,
                ..clean
            },
            1.5,
        ),
        (
            Call {
                loss: 0.05,
                repair: Repair::Red(1),
                ..clean
            },
            1.25,
        ),
    ] {
        let rough = rough(call) / said;
        assert!(rough < limit, "{call:?}: {rough}");
    }
}

#[test]
fn the_sound_of_a_clean_network_is_what_was_said() {
    let speech = Source::Speech.record(500);
    let heard: Heard = Call {
        seconds: 10,
        ..Call::CLEAN
    }
    .make(&speech, true);
    // Once it has come down from the delay of the start, nothing is spliced.
    let heard = &heard.samples[2 * 48_000..9 * 48_000];
    let said = speech.samples();
    let probe = &heard[..4_800];
    let at = said.windows(4_800).position(|it| it == probe);
    let at = at.expect("it was said");
    assert!(said[at..at + heard.len()] == *heard);
}
