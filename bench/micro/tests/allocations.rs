//! What messages and datagrams cost in allocations, in steady state, through all layers of both
//! ends: what `bench/README.md` says.

use std::time::Duration;

use bytes::Bytes;
use duologue_allocations::Counting;
use duologue_base::Instant;
use duologue_bench_micro::{Pair, Train, certificate};
use duologue_dtls::Context;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// For the bytes of a message, at the receiver; what the sender sends is the application's.
const PER_MESSAGE: u64 = 1;

/// Records are opened where they lie and sealed into the train.
const PER_DATAGRAM: u64 = 0;

struct Cost {
    allocations: u64,
    messages: u64,
    datagrams: u64,
}

/// A transfer of messages of `size` bytes, after as many to warm up.
fn transfer(size: usize) -> Cost {
    let context = Context::for_simulation(1).expect("the library passes its tests");
    let certificates = [certificate(1), certificate(2)];
    let mut pair = Pair::connected(&context, &certificates, 1, Instant::ZERO);
    let message = Bytes::from(vec![7; size]);
    let mut train = Train::default();
    let mut round = |pair: &mut Pair| {
        while pair.ends[0].buffered < 256 << 10 {
            pair.send(0, 0, message.clone());
        }
        pair.carry(0, &mut train);
        pair.carry(1, &mut train);
        pair.now += Duration::from_micros(100);
    };
    let datagrams = |pair: &Pair| {
        let sent = pair.ends.each_ref().map(|end| end.session.counters());
        sent.iter()
            .map(|counters| counters.datagrams_sent)
            .sum::<u64>()
    };
    for _ in 0..300 {
        round(&mut pair);
    }
    let before = (
        ALLOCATOR.allocations(),
        pair.ends[1].messages,
        datagrams(&pair),
    );
    for _ in 0..300 {
        round(&mut pair);
    }
    Cost {
        allocations: ALLOCATOR.allocations() - before.0,
        messages: (pair.ends[1].messages - before.1) as u64,
        datagrams: datagrams(&pair) - before.2,
    }
}

#[test]
fn messages_and_datagrams_cost_the_documented_allocations() {
    for size in [64, 1_000, 16_384, 262_144] {
        let cost = transfer(size);
        let Cost {
            allocations,
            messages,
            datagrams,
        } = cost;
        let text =
            format!("{size} bytes: {allocations} for {messages} messages, {datagrams} datagrams");
        assert!(messages > 200, "{text}");
        let expected = messages * PER_MESSAGE + datagrams * PER_DATAGRAM;
        // The last message may be half way, and a ring may still grow.
        assert!(allocations.abs_diff(expected) <= 16, "{text}");
    }
}
