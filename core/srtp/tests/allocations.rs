//! What a packet costs in allocations, in steady state: none, whatever the profile.

mod common;

use common::{PROFILES, pair, rtcp};
use duologue_allocations::Counting;
use duologue_srtp::Cryptex;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

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
            let before = ALLOCATOR.allocations();
            (window * 400..(window + 1) * 400).for_each(&mut round);
            ALLOCATOR.allocations() - before
        });
        assert_eq!(fewest.min(), Some(0), "{profile:?}");
    }
}
