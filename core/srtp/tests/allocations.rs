//! What a packet costs in allocations, in steady state: none, whatever the profile.
#![allow(unsafe_code, reason = "counting allocations takes an allocator")]
#![allow(
    clippy::disallowed_types,
    reason = "an allocator is called by every thread"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use common::{PROFILES, pair, rtcp};
use duologue_srtp::Cryptex;

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

#[test]
fn a_packet_costs_no_allocation() {
    for (profile, cryptex) in PROFILES.into_iter().zip([false, true, true, false]) {
        let (mut sender, mut receiver) = pair(profile);
        sender.set_cryptex(cryptex);
        receiver.set_cryptex(Cryptex::Accepted);
        let report = rtcp(1);
        let mut train = Vec::with_capacity(65_535);
        let mut round = |number: u16| {
            train.clear();
            for ssrc in 0..3 {
                let at = train.len();
                train.extend([0x91, 96]);
                train.extend(number.to_be_bytes());
                train.extend([0, 0, 0, 9, 0, 0, 0, ssrc, 1, 2, 3, 4, 0xbe, 0xde, 0, 0]);
                train.resize(at + 1_200, 0x5a);
                sender.protect_rtp(&mut train, at).expect("protected");
                receiver.open_rtp(&mut train[at..]).expect("opened");
            }
            let at = train.len();
            train.extend_from_slice(&report);
            sender.protect_rtcp(&mut train, at).expect("protected");
            receiver.open_rtcp(&mut train[at..]).expect("opened");
            // What is forged costs none either, known stream or not.
            let mut forged = [0x5a; 100];
            for first in [0x80, 0x8f] {
                forged[0] = first;
                receiver.open_rtp(&mut forged).expect_err("forged");
                receiver.open_rtcp(&mut forged).expect_err("forged");
            }
        };
        (0..100).for_each(&mut round);
        // The thread that runs the tests makes some of its own, now and then.
        let fewest = (1..6).map(|window| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            (window * 400..(window + 1) * 400).for_each(&mut round);
            ALLOCATIONS.load(Ordering::Relaxed) - before
        });
        assert_eq!(fewest.min(), Some(0), "{profile:?}");
    }
}
