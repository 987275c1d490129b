//! What is counted of streams, beside what was counted outside and what the other end says.

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{DELAY, ID, MEDIA, RTX, World, at, payload_type, receive_plan, send_plan, video};
use duologue_base::{TransceiverId, WallClock};
use duologue_media::{
    EncodedFrameInit, InboundStats, MediaReport, OutboundStats, Outlet, RtpPacketInit,
};
use duologue_rtp::payload::FrameSize;
use duologue_rtp::{
    Codec, CodecParameters, MediaKind, NtpTime, ReceivePlan, RtcpFeedback, RtpParameters, SendPlan,
    Ssrc,
};

fn inbound(world: &World) -> InboundStats {
    let stats = world.receiver.stats();
    assert_eq!(stats.inbound.len(), 1);
    stats.inbound[0].clone()
}

fn outbound(world: &World) -> OutboundStats {
    world.sender.stats().outbound[0].clone()
}

#[test]
fn both_ends_count_the_packets_that_went_over_the_wire() {
    let mut world = World::new();
    let mut lost = 0;
    for _ in 0..200 {
        world.send(5);
        world.run(20, |n| {
            let is_lost = n % 25 == 13;
            lost += u64::from(is_lost);
            is_lost
        });
    }
    // The last report of all of them, and its way back.
    world.run(2_000, |_| false);

    let (sent, came) = (outbound(&world), inbound(&world));
    let repeated = sent.retransmitted.packets_sent;
    assert_eq!(sent.counters.packets_sent, 1_000);
    assert_eq!(sent.counters.packets_sent + repeated, world.sent as u64);
    assert_eq!(sent.counters.bytes_sent, 1_000_000);
    assert_eq!(sent.frames_sent, 200);

    let again = came.retransmissions.expect("it is agreed on");
    let all = came.statistics.packets_received + again.packets_received;
    assert_eq!(all, world.sent as u64 - lost);
    assert_eq!(again.ssrc, Some(RTX));
    assert_eq!(
        again.bytes_received,
        again.packets_received * 1_002,
        "the number before each payload"
    );
    assert_eq!(
        came.statistics.packets_received,
        1_000 - came.statistics.packets_lost() as u64
    );

    // What the other end reported, of the media alone.
    let block = sent.remote.block.expect("a report came");
    assert_eq!(block.ssrc, MEDIA);
    assert_eq!(
        i64::from(block.cumulative_lost),
        came.statistics.packets_lost()
    );
    assert_eq!(
        sent.remote.packets_received,
        came.statistics.packets_received
    );
    let reported = came.sender_report.expect("a report came");
    assert_eq!(reported.packets, sent.counters.packets_sent);
    assert_eq!(reported.octets, sent.counters.bytes_sent);
    // One that was lost on its way was not told of.
    assert_eq!(came.nack_count, sent.remote.nacks);
}

#[test]
fn a_stream_that_was_held_goes_on_counting_and_lost_nothing_by_it() {
    let mut world = World::new();
    world.send(10);
    world.run(2 * DELAY, |_| false);
    let before = inbound(&world);
    world.receiver.stop_receive(ID);
    world.send(10);
    world.run(2_000, |_| false);
    let held = inbound(&world);
    assert_eq!(held.statistics.packets_received, 10);
    assert_eq!(held.codec, before.codec);
    let now = at(world.now);
    world
        .receiver
        .set_receive(now, ID, receive_plan(), Outlet::Packets);
    world.send(10);
    world.run(2_000, |_| false);
    let after = inbound(&world);
    assert_eq!((after.key, after.ssrc), (before.key, MEDIA));
    assert_eq!(after.statistics.packets_received, 20);
    assert_eq!((after.statistics.packets_lost(), after.nack_count), (0, 0));
    assert_eq!(world.received.len(), 20);
    let block = outbound(&world).remote.block.expect("a report came");
    assert_eq!((block.cumulative_lost, block.fraction_lost), (0, 0));
}

#[test]
fn an_ssrc_that_comes_again_is_another_stream() {
    let mut world = World::new();
    world.send(10);
    world.run(2 * DELAY, |_| false);
    let before = inbound(&world);
    world.receiver.restart();
    assert!(world.receiver.stats().inbound.is_empty());
    world.send(1);
    world.run(2 * DELAY, |_| false);
    let after = inbound(&world);
    assert_eq!(after.ssrc, before.ssrc);
    assert_ne!(after.key, before.key);
    assert_eq!(after.statistics.packets_received, 1);
}

#[test]
fn a_sender_that_stopped_tells_what_it_sent() {
    let mut world = World::new();
    world.send(10);
    world.run(2 * DELAY, |_| false);
    let before = outbound(&world);
    let paused = world.sender.stop_send(ID).expect("it sent");
    assert_eq!(paused.stats(), [before]);
    assert!(world.sender.stats().outbound.is_empty());
}

#[test]
fn a_key_frame_is_asked_for_by_fir_where_that_alone_is_agreed_on() {
    let mut world = World::new();
    let mut plan = ReceivePlan::clone(&receive_plan());
    plan.parameters.codecs[0].feedback = vec![RtcpFeedback::Fir];
    let now = at(0);
    world
        .receiver
        .set_receive(now, ID, Arc::new(plan), Outlet::Packets);
    world.send(1);
    world.run(2 * DELAY, |_| false);
    for _ in 0..2 {
        world.receiver.request_key_frame(ID, 0);
        world.run(500, |_| false);
    }
    let came = inbound(&world);
    assert_eq!((came.fir_count, came.pli_count), (2, 0));
    let remote = outbound(&world).remote;
    assert_eq!((remote.firs, remote.plis), (2, 0));
    let wanted = MediaReport::KeyFrameWanted { encoding: 0 };
    let reports = world.sent_reports.iter();
    assert_eq!(reports.filter(|report| **report == wanted).count(), 2);
}

/// A frame of VP8 (RFC 6386 §9.1): bit 0 is clear in key frames, which have their size.
fn vp8(key: bool, len: usize) -> Bytes {
    let mut frame = vec![0; len];
    frame[0] = u8::from(!key);
    frame[3..10].copy_from_slice(&[0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
    frame.into()
}

#[test]
fn frames_are_counted_with_the_time_they_took() {
    let mut world = World::with(Outlet::Frames);
    for n in 0..4 {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            // The last one fits a packet.
            data: vp8(n == 0, if n == 3 { 500 } else { 5_000 }),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        // The second one's first packet is lost, and comes a round trip later.
        world.run(33, |at| at == 5);
    }
    world.run(1_000, |_| false);
    assert_eq!(world.frames.len(), 4);
    let sent = outbound(&world);
    assert_eq!(sent.frames_sent, 4);
    let size = FrameSize {
        width: 640,
        height: 480,
    };
    assert_eq!(sent.size, Some(size));

    let frames = inbound(&world).frames.expect("frames are taken");
    assert_eq!((frames.frames_received, frames.key_frames_received), (4, 1));
    assert_eq!(frames.frames_dropped, 0);
    assert_eq!(frames.frames_assembled_from_multiple_packets, 3);
    // The first one's packets came together; the second waited for its first packet, and the two
    // behind it for the second.
    let late = |ms| Duration::from_millis(ms);
    let assembly = frames.total_assembly_time;
    assert!(
        assembly >= late(2 * DELAY) && assembly < late(2 * DELAY + 40),
        "{assembly:?}"
    );
    let waited = frames.jitter_buffer_delay;
    assert!(waited > assembly && waited < late(6 * DELAY), "{waited:?}");
}

#[test]
fn packets_that_come_after_they_were_given_up_are_discarded() {
    let mut world = World::with(Outlet::Frames);
    world.lose_repetitions = true;
    let frame = |n: u32| EncodedFrameInit {
        timestamp: n * 3_000,
        data: vp8(n == 0 || n == 2, 5_000),
        ..Default::default()
    };
    world.sender.send_frames(at(world.now), ID, vec![frame(0)]);
    world.run(33, |_| false);
    // A packet of the second frame stays on its way until a key frame has made it needless.
    world.sender.send_frames(at(world.now), ID, vec![frame(1)]);
    world.run(1, |_| false);
    let at_fault = world.to_receiver.iter().rposition(|it| !it.1);
    let late = world
        .to_receiver
        .remove(at_fault.expect("it is on its way") - 1);
    world.run(32, |_| false);
    world.sender.send_frames(at(world.now), ID, vec![frame(2)]);
    world.run(200, |_| false);
    assert_eq!(inbound(&world).packets_discarded, 0);
    let (_, rtcp, packet) = late.expect("it was there");
    world.to_receiver.push_front((world.now, rtcp, packet));
    world.run(10, |_| false);
    let came = inbound(&world);
    assert_eq!(came.packets_discarded, 1);
    assert_eq!(came.frames.expect("frames are taken").frames_dropped, 1);
}

#[test]
fn a_frame_that_is_much_larger_than_those_before_is_a_huge_one() {
    let mut world = World::with(Outlet::Frames);
    for (n, len) in (0..).zip([9_000, 1_000, 2_000, 12_000, 1_000]) {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n == 0, len),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| false);
    }
    world.run(200, |_| false);
    let sent = outbound(&world);
    assert_eq!((sent.frames_sent, sent.huge_frames_sent), (5, 1));
}

#[test]
fn what_was_reported_of_a_stream_stays_however_many_others_are_sent() {
    let mut world = World::new();
    let mut receives = ReceivePlan::clone(&receive_plan());
    receives.parameters.codecs[0].feedback = vec![RtcpFeedback::Ccfb];
    world
        .receiver
        .set_receive(at(0), ID, Arc::new(receives), Outlet::Packets);
    let mut sends = SendPlan::clone(&send_plan());
    sends.parameters.codecs[0].feedback = vec![RtcpFeedback::Ccfb];
    world.sender.set_send(at(0), ID, Arc::new(sends.clone()));
    for n in 0..5 {
        world.send(2);
        world.run(20, |sent| sent == 3 && n == 1);
    }
    world.run(1_000, |_| false);
    let lost = |world: &World| {
        let stats = world.sender.stats();
        let mut streams = stats.outbound.iter();
        let stream = streams.find(|stream| stream.ssrc == MEDIA);
        stream.and_then(|it| it.reported).map(|told| told.lost)
    };
    assert_eq!(lost(&world), Some(1));

    // More than are told apart, after a time in which all that was under way is forgotten.
    world.now += 11_000;
    for n in 0..300_u32 {
        let id = TransceiverId(10 + n);
        sends.streams[0].source.ssrc = Ssrc(10_000 + n);
        sends.streams[0].source.rtx = None;
        let now = at(world.now);
        world.sender.set_send(now, id, Arc::new(sends.clone()));
        let packet = RtpPacketInit {
            marker: true,
            payload: Bytes::from_static(&[0x10, 0, 0]),
            ..Default::default()
        };
        world.sender.send(now, id, vec![packet]);
    }
    world.run(500, |_| true);
    assert!(world.sent >= 310);
    world.send(1);
    world.run(500, |_| false);
    assert_eq!(lost(&world), Some(1));
}

/// Opus, which both ends prefer, and PCMU.
fn two_clocks() -> RtpParameters {
    let codec = |number, name: &str, rate| {
        let codec = Codec::new(MediaKind::Audio, name, rate);
        CodecParameters::new(payload_type(number), codec)
    };
    RtpParameters {
        codecs: vec![codec(111, "opus", 48_000), codec(0, "PCMU", 8_000)],
        ..video()
    }
}

/// 20 ms of sound every 20 ms, for a second. Time stamps are as old as the world.
fn talk(world: &mut World, number: u8, ticks_a_ms: u64) {
    for _ in 0..50 {
        let packet = RtpPacketInit {
            payload_type: Some(payload_type(number)),
            timestamp: (world.now * ticks_a_ms) as u32,
            payload: Bytes::from_static(&[7; 160]),
            ..Default::default()
        };
        world.sender.send(at(world.now), ID, vec![packet]);
        world.run(20, |_| false);
    }
}

#[test]
fn sender_reports_are_by_the_clock_of_what_is_sent_and_not_of_what_is_preferred() {
    let mut world = World::new();
    world.agree(two_clocks(), Outlet::Packets);
    let origin = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
    for (number, ticks_a_ms) in [(0, 8), (111, 48)] {
        (0..8).for_each(|_| talk(&mut world, number, ticks_a_ms));
        let report = inbound(&world).sender_report.expect("one came");
        let moment = report.ntp.since(origin).as_millis() as u64;
        let off = u64::from(report.rtp).abs_diff(moment * ticks_a_ms);
        assert!(off <= ticks_a_ms, "{number}: {off}");
    }
}

#[test]
fn jitter_is_by_the_clock_of_what_comes_and_not_of_what_came_first() {
    let mut world = World::new();
    world.agree(two_clocks(), Outlet::Packets);
    for (number, ticks_a_ms) in [(0, 8), (111, 48), (0, 8)] {
        talk(&mut world, number, ticks_a_ms);
        let statistics = inbound(&world).statistics;
        assert_eq!(statistics.jitter(), Duration::ZERO, "{number}");
    }
    world.run(100, |_| false);
    assert_eq!(inbound(&world).statistics.packets_received, 150);
}
