//! What messages and datagrams cost in allocations, in steady state, through all layers of both
//! ends: what `bench/README.md` says.
#![allow(unsafe_code, reason = "counting allocations takes an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use duologue_base::Instant;
use duologue_bench_micro::{Pair, Train, certificate};
use duologue_dtls::Context;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// For the bytes of a message, at the receiver; what the sender sends is the application's.
const PER_MESSAGE: u64 = 1;

/// In the DTLS crate, sealing and opening one record. No layer of ours adds to them.
const PER_DATAGRAM: u64 = 5;

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
        ALLOCATIONS.load(Ordering::Relaxed),
        pair.ends[1].messages,
        datagrams(&pair),
    );
    for _ in 0..300 {
        round(&mut pair);
    }
    Cost {
        allocations: ALLOCATIONS.load(Ordering::Relaxed) - before.0,
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
