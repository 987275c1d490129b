//! What a message costs in allocations, in steady state: none for packets, one at the receiver for
//! the message itself (and one at the sender that the application makes).

use std::time::Duration;

use bytes::Bytes;
use duologue_allocations::Counting;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{Association, Config, Ppid, SendOptions};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Allocations for `count` messages of `size` bytes, after as many to warm up.
fn allocations(size: usize, count: u64) -> u64 {
    let mut peers = [1, 2].map(|seed| Association::new(Config::default(), Rng::from_u64(seed)));
    let mut now = Instant::ZERO;
    for peer in &mut peers {
        peer.connect(now);
    }
    let data = Bytes::from(vec![7; size]);
    let mut train = Vec::with_capacity(100_000);
    let (mut sent, mut received, mut before) = (0, 0, 0);
    while received < 2 * count {
        while sent < 2 * count && peers[0].buffered_amount(StreamId(1)) < 200_000 {
            let options = SendOptions::default();
            peers[0]
                .send(now, StreamId(1), Ppid(53), data.clone(), options)
                .expect("accepted");
            sent += 1;
        }
        for from in 0..2 {
            let mut ends = [0; 64];
            let mut packets = 0;
            while packets < ends.len() && peers[from].poll_packet(now, &mut train) {
                ends[packets] = train.len();
                packets += 1;
            }
            let mut start = 0;
            for &end in &ends[..packets] {
                peers[1 - from].handle_packet(now, &train[start..end]);
                start = end;
            }
            train.clear();
        }
        now += Duration::from_micros(100);
        for peer in &mut peers {
            peer.handle_timeout(now);
            while peer.poll_departed().is_some() {}
        }
        while peers[1].poll_message().is_some() {
            received += 1;
            if received == count {
                before = ALLOCATOR.allocations();
            }
        }
    }
    ALLOCATOR.allocations() - before
}

#[test]
fn a_message_costs_one_allocation_and_packets_none() {
    for size in [64, 1_000, 16_384, 262_144] {
        let count = 2_000_000 / (size as u64 + 200);
        let total = allocations(size, count);
        // A ring may still grow once or twice.
        assert!(total <= count + 16, "{size}: {total} for {count} messages");
    }
}
