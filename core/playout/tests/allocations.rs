//! What playing sound costs in allocations, in steady state.

mod common;

use common::{FIRST, PACKET, Source, ms, opus, player};
use duologue_allocations::Counting;
use duologue_playout::AudioPacket;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

#[test]
fn sound_that_is_stretched_lost_and_late_is_played_without_an_allocation() {
    let speech = Source::Speech.record(3_000);
    let mut playout = player(true);
    let mut number = 0_u64;
    let mut minute = || {
        let before = ALLOCATOR.allocations();
        for _ in 0..3_000 {
            let at = number as f64 * 20.0 + f64::from(number as u32 * 7 % 40);
            number += 1;
            if !number.is_multiple_of(13) {
                playout.handle_packet(AudioPacket {
                    payload_type: opus(),
                    sequence_number: number,
                    timestamp: FIRST.wrapping_add(number as u32 * PACKET),
                    payload: speech.packet(number).clone(),
                    received: ms(at),
                    repaired: number.is_multiple_of(5),
                });
            }
            playout.pull(ms(number as f64 * 20.0));
            playout.pull(ms(number as f64 * 20.0 + 10.0));
        }
        ALLOCATOR.allocations() - before
    };
    // The first minute makes room; the thread that runs the tests makes some of its own.
    let fewest = (0..5).map(|_| minute()).min().unwrap_or_default();
    assert_eq!(fewest, 0);
    let statistics = playout.statistics();
    assert!(statistics.concealment_events > 100, "{statistics:?}");
    assert!(
        statistics.removed_samples_for_acceleration > 1_000,
        "{statistics:?}"
    );
}
