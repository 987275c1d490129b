//! What feedback does to a sender, and what hostile feedback does not.

mod common;

use std::sync::Arc;

use common::{ID, MEDIA, World, at, send_plan};
use duologue_base::{Instant, Rng};
use duologue_media::cc::{Bitrate, Bounds};
use duologue_media::{BandwidthFeedback, MediaReport, Outlet, SendEncoding};
use duologue_rtp::rtcp::{TransportFeedbackToSend, Writer};
use duologue_rtp::{RtcpFeedback, SendPlan, Ssrc};

fn available(world: &World) -> Option<u64> {
    world.sender.stats().available_outgoing_bitrate
}

/// Feedback of these packets and when they arrived.
fn feedback(base: u64, arrivals: &[(u64, Instant)]) -> Vec<u8> {
    let mut datagram = Vec::new();
    let head = TransportFeedbackToSend {
        sender: Ssrc(9),
        media: MEDIA,
        base_sequence: base,
        feedback_count: 0,
        max_size: 1_200,
    };
    Writer::new(&mut datagram).transport_feedback(&head, arrivals.iter().copied());
    datagram
}

fn remb(bitrate: u64, ssrcs: &[Ssrc]) -> Vec<u8> {
    let mut datagram = Vec::new();
    Writer::new(&mut datagram).receiver_estimated_max_bitrate(Ssrc(9), bitrate, ssrcs);
    datagram
}

/// A sender that was told of all that it sent.
fn settled() -> World {
    let mut world = World::paced(Outlet::Packets);
    for _ in 0..30 {
        world.send(2);
        world.run(33, |_| false);
    }
    world.run(7_000, |_| false);
    world
}

#[test]
fn feedback_of_what_was_never_sent_or_is_known_moves_nothing() {
    let mut world = settled();
    let now = at(world.now);
    let before = available(&world);
    assert!(before > Some(300_000), "{before:?}");
    let mut rng = Rng::from_u64(5);
    for n in 0..2_000_u64 {
        // Known ones, again, at other times; then some that nobody sent, near and far ahead.
        let base = if n % 2 == 0 {
            u64::from(rng.below(20))
        } else {
            2_000 + u64::from(rng.below(60_000))
        };
        let time = now + std::time::Duration::from_millis(u64::from(rng.below(5_000)));
        let arrivals: Vec<_> = (base..base + 10).map(|number| (number, time)).collect();
        world.sender.handle_rtcp(now, &feedback(base, &arrivals));
        // One that is known, and ten thousand that are said to be missing.
        let gap = [(base % 20, time), (base % 20 + 10_000, time)];
        world.sender.handle_rtcp(now, &feedback(base % 20, &gap));
    }
    assert_eq!(available(&world), before);
    // It goes on as if nothing had been.
    world.send(2);
    world.run(500, |_| false);
    assert!(available(&world) >= before.map(|rate| rate / 2));
}

#[test]
fn feedback_that_is_no_feedback_harms_nobody() {
    let mut world = settled();
    let mut rng = Rng::from_u64(6);
    let good = feedback(0, &[(0, at(1)), (3, at(2)), (9, at(3))]);
    for _ in 0..5_000 {
        let mut bad = good.clone();
        for _ in 0..3 {
            let place = 4 + rng.below(bad.len() as u32 - 4) as usize;
            bad[place] = rng.u32() as u8;
        }
        world.sender.handle_rtcp(at(world.now), &bad);
        world
            .sender
            .handle_rtcp(at(world.now), &bad[..good.len() - 4]);
    }
    world.send(5);
    world.run(1_000, |_| false);
    assert!(available(&world) >= Some(30_000));
}

#[test]
fn without_agreed_feedback_nothing_is_estimated_and_nothing_waits() {
    let mut world = World::new();
    world.send(100);
    world.run(1, |_| false);
    assert_eq!(world.sent, 100);
    let stats = world.sender.stats();
    assert_eq!(stats.feedback, BandwidthFeedback::None);
    assert_eq!(stats.available_outgoing_bitrate, None);
    // Nor does anybody who says how much he likes change that.
    let now = at(world.now);
    world.sender.handle_rtcp(now, &remb(50_000, &[MEDIA]));
    world.send(100);
    world.run(1, |_| false);
    assert_eq!(world.sent, 200);
}

#[test]
fn the_estimate_of_the_other_end_counts_where_it_is_agreed_on() {
    let mut world = World::new();
    let mut plan = SendPlan::clone(&send_plan());
    plan.parameters.codecs[0].feedback.push(RtcpFeedback::Remb);
    world.sender.set_send(at(0), ID, Arc::new(plan));
    world.send(1);
    world.run(10, |_| false);
    assert_eq!(
        world.sender.stats().feedback,
        BandwidthFeedback::ReceiverEstimate
    );
    assert_eq!(available(&world), Some(300_000));

    // The first word counts at once, as in Chromium 156.
    let now = at(world.now);
    world.sender.handle_rtcp(now, &remb(1 << 21, &[MEDIA]));
    assert_eq!(available(&world), Some(1 << 21));
    world.sender.handle_rtcp(now, &remb(1 << 17, &[MEDIA]));
    assert_eq!(available(&world), Some(1 << 17));
    // Not less than what keeps a stream alive.
    world.sender.handle_rtcp(now, &remb(1, &[MEDIA]));
    assert_eq!(available(&world), Some(30_000));
    // Of which streams it is said makes no difference: it is about the path.
    world.sender.handle_rtcp(now, &remb(1 << 18, &[]));
    assert_eq!(available(&world), Some(1 << 18));
    world.sender.handle_rtcp(now, &remb(1 << 16, &[Ssrc(77)]));
    assert_eq!(available(&world), Some(1 << 16));
}

#[test]
fn an_estimate_begins_and_stays_where_the_application_says() {
    let mut world = World::new();
    let kbps = Bitrate::from_kbps;
    let mut bounds = Bounds {
        min: kbps(1_000),
        start: kbps(4_000),
        max: kbps(6_000),
    };
    world.sender.set_bitrate_bounds(at(0), bounds);
    let mut plan = SendPlan::clone(&send_plan());
    plan.parameters.codecs[0].feedback.push(RtcpFeedback::Remb);
    world.sender.set_send(at(0), ID, Arc::new(plan));
    world.send(1);
    world.run(10, |_| false);
    assert_eq!(available(&world), Some(4_000_000));

    let now = at(world.now);
    world.sender.handle_rtcp(now, &remb(1 << 17, &[MEDIA]));
    assert_eq!(available(&world), Some(1_000_000));
    world.sender.handle_rtcp(now, &remb(9_000_000, &[MEDIA]));
    assert!(available(&world) <= Some(6_000_000));

    // They may be others while it sends.
    bounds.max = kbps(2_000);
    world.sender.set_bitrate_bounds(now, bounds);
    assert!(available(&world) <= Some(2_000_000));
}

#[test]
fn encoders_are_told_what_they_may_make() {
    let mut world = World::paced(Outlet::Packets);
    let mut encoding = SendEncoding::new(true);
    encoding.max_bitrate = Some(500_000);
    world.sender.set_encodings(ID, vec![encoding]);
    for _ in 0..60 {
        world.send(2);
        world.run(33, |_| false);
    }
    let told = |world: &World| {
        let reports = world.sent_reports.iter().rev();
        let mut targets = reports.filter_map(|report| match report {
            MediaReport::TargetBitrates(targets) => Some(targets.clone()),
            _ => None,
        });
        targets.next()
    };
    let target = told(&world).expect("it was told")[0];
    assert!((450_000..=500_000).contains(&target), "{target}");
    assert_eq!(
        world.sender.stats().outbound[0].target_bitrate,
        Some(target)
    );

    world
        .sender
        .set_encodings(ID, vec![SendEncoding::new(false)]);
    world.run(1_000, |_| false);
    assert_eq!(told(&world), Some(vec![0]));
}
