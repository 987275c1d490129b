//! Two ends of one transport, with a network between them that loses what the test says.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use common::{DELAY, ID, MEDIA, RTX, World, at, payload_type, receive_plan, send_plan, video};
use duologue_base::{Seq16, TransceiverId};
use duologue_media::{MediaReport, Outlet, RtpPacketInit};
use duologue_rtp::ext::{ExtensionKind, ExtensionMap};
use duologue_rtp::rtcp::{self, Writer};
use duologue_rtp::{
    ExtensionId, HeaderToSend, RtcpFeedback, RtpParameters, SendPlan, SourceParameters, Ssrc,
    write_padding,
};

#[test]
fn every_lost_packet_comes_again_after_a_round_trip() {
    let mut world = World::new();
    for _ in 0..100 {
        world.send(10);
        world.run(33, |n| n % 20 == 7);
    }
    world.run(1_000, |_| false);
    let numbers = world.numbers();
    assert_eq!(numbers.len(), 1_000);
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));

    let repaired = world.received.iter().filter(|packet| packet.repaired);
    assert!(repaired.clone().count() > 45, "{}", repaired.count());
    let stats = world.sender.stats();
    assert_eq!(stats.outbound[0].counters.packets_sent, 1_000);
    assert!(stats.outbound[0].retransmitted.packets_sent >= 50);
    let inbound = &world.receiver.stats().inbound[0];
    let again = inbound.retransmissions.expect("it is agreed on");
    assert!(again.packets_received >= 45);
    assert_eq!(world.reports, [MediaReport::Unmuted]);
}

#[test]
fn names_end_with_the_first_report_of_the_stream() {
    let mut world = World::new();
    world.send(1);
    world.run(1, |_| false);
    let named = world.to_receiver[0].2.len();
    // A report is written as soon as the packet is there, and takes its way back.
    world.run(2 * DELAY + 2, |_| false);
    world.send(1);
    world.run(1, |_| false);
    let later = &world.to_receiver.back().expect("it is on its way").2;
    // They were the only extension.
    assert_eq!(named - later.len(), 8);
}

#[test]
fn reports_tell_the_round_trip_and_the_loss() {
    let mut world = World::new();
    for _ in 0..200 {
        world.send(5);
        world.run(20, |_| false);
    }
    let remote = world.sender.stats().outbound[0].remote;
    let trip = remote.round_trips.last.expect("it was measured");
    assert!(
        trip.abs_diff(Duration::from_millis(2 * DELAY)) < Duration::from_millis(2),
        "{trip:?}"
    );
    assert_eq!(remote.block.expect("a report came").cumulative_lost, 0);
    let reported = world.receiver.stats().inbound[0].sender_report;
    let reported = reported.expect("a sender report came");
    assert!(
        reported.packets > 800 && reported.count >= 3,
        "{reported:?}"
    );
}

#[test]
fn a_key_frame_is_asked_for_and_told_of() {
    let mut world = World::new();
    world.send(1);
    world.run(DELAY + 1, |_| false);
    for _ in 0..10 {
        world.receiver.request_key_frame(ID, 0);
        world.run(10, |_| false);
    }
    world.run(DELAY, |_| false);
    let wanted = MediaReport::KeyFrameWanted { encoding: 0 };
    let reports = world.sent_reports.iter();
    assert_eq!(reports.filter(|report| **report == wanted).count(), 1);
}

#[test]
fn a_key_frame_that_is_wanted_before_its_stream_is_asked_for_once_it_begins() {
    let mut world = World::new();
    world.receiver.request_key_frame(ID, 0);
    world.run(1_000, |_| false);
    world.send(1);
    world.run(2 * DELAY + 2, |_| false);
    let wanted = MediaReport::KeyFrameWanted { encoding: 0 };
    assert!(world.sent_reports.contains(&wanted));
    assert_eq!(world.receiver.stats().inbound[0].pli_count, 1);
}

#[test]
fn nothing_is_said_before_it_is_due() {
    let mut world = World::new();
    for n in 0..500 {
        world.send(1);
        world.run(3, |packet| packet % 50 == 7);
        let due = world.receiver.poll_rtcp_timeout();
        assert!(
            due.is_none_or(|due| due >= at(world.now - 1)),
            "{n}: {due:?}"
        );
    }
    world.run(10_000, |_| false);
    let due = world.receiver.poll_rtcp_timeout().expect("reports");
    assert!(due > at(world.now), "{due:?} at {}", world.now);
}

/// An SFU sends and receives more streams than one datagram has room to tell of.
#[test]
fn of_sixty_streams_each_is_reported_of_every_second() {
    let mut world = World::new();
    for n in 0..60 {
        let id = TransceiverId(n + 10);
        let mut plan = SendPlan::clone(&send_plan());
        plan.streams[0].source = SourceParameters {
            ssrc: Ssrc(10_000 + n),
            rtx: None,
            fec: None,
        };
        plan.mid = format!("m{n}").parse().expect("a mid");
        world.sender.set_send(at(0), id, Arc::new(plan));
        let packet = RtpPacketInit::default();
        world.sender.send(at(world.now), id, vec![packet]);
    }
    let mut reported = HashMap::<Ssrc, u32>::new();
    for ms in 0..11_000 {
        let mut out = Vec::new();
        while world.sender.poll_rtp(at(ms), 1_200, &mut out).is_some() {
            out.clear();
        }
        while world.sender.poll_rtcp(at(ms), &mut out) {
            assert!(out.len() <= 1_200, "{} bytes", out.len());
            let reports = duologue_rtp::rtcp::packets(&out).filter_map(Result::ok);
            for report in reports {
                if let rtcp::Packet::SenderReport(report) = report {
                    *reported.entry(report.sender).or_default() += 1;
                }
            }
            out.clear();
        }
    }
    assert_eq!(reported.len(), 60);
    assert!(
        reported.values().all(|count| (8..=14).contains(count)),
        "{reported:?}"
    );
}

#[test]
fn a_sender_is_told_of_few_of_many_requests_for_key_frames() {
    let mut world = World::new();
    let mut wanted = 0;
    for ms in (0..1_000).step_by(10) {
        let mut datagram = Vec::new();
        Writer::new(&mut datagram).picture_loss_indication(Ssrc(9), MEDIA);
        world.sender.handle_rtcp(at(ms), &datagram);
        let reports = std::iter::from_fn(|| world.sender.poll_report());
        let told = reports.filter(|(_, it)| matches!(it, MediaReport::KeyFrameWanted { .. }));
        wanted += told.count();
    }
    assert_eq!(wanted, 4);
    assert_eq!(world.sender.stats().outbound[0].remote.plis, 100);
}

/// Browsers probe with packets of padding alone, on the RTX stream before any media and on the stream
/// of media where there is none (Chromium 156 and Firefox 153, measured).
#[test]
fn padding_is_no_packet_of_the_application_and_no_loss() {
    let mut world = World::new();
    let header = |number, ssrc, payload_type| HeaderToSend {
        payload_type,
        sequence_number: Seq16(number),
        ssrc,
        padded: true,
        ..Default::default()
    };
    let mut map = ExtensionMap::default();
    map.insert(ExtensionId::new(1).expect("not 0"), ExtensionKind::Mid);
    for (number, ssrc, payload_type) in [
        (1, RTX, payload_type(97)),
        (500, MEDIA, payload_type(96)),
        (501, MEDIA, payload_type(96)),
    ] {
        let mut packet = Vec::new();
        let mut header = header(number, ssrc, payload_type);
        header.extensions.mid = Some("v");
        header.write(&map, &mut packet);
        write_padding(255, &mut packet);
        world
            .receiver
            .handle_rtp(at(0), at(0), u64::from(number), &packet);
    }
    world.run(300, |_| false);
    assert!(world.received.is_empty() && world.reports.is_empty());
    let stats = world.receiver.stats();
    assert_eq!(stats.inbound.len(), 1);
    assert_eq!(stats.inbound[0].nack_count, 0);
    assert_eq!(stats.inbound[0].statistics.packets_received, 2);
    assert_eq!(stats.inbound[0].statistics.bytes_received, 0);
}

#[test]
fn what_comes_before_its_description_waits_for_it() {
    let mut world = World::new();
    world.receiver.stop_receive(ID);
    world.send(3);
    world.run(DELAY + 5, |_| false);
    assert_eq!(world.receiver.counters().unclaimed, 3);
    let now = at(world.now);
    world
        .receiver
        .set_receive(now, ID, receive_plan(), Outlet::Packets);
    world.run(1, |_| false);
    assert_eq!(world.received.len(), 3);
    assert_eq!(world.receiver.counters().unclaimed, 0);
}

#[test]
fn ten_thousand_streams_take_no_more_than_the_bound() {
    let mut world = World::new();
    let mut map = ExtensionMap::default();
    map.insert(ExtensionId::new(1).expect("not 0"), ExtensionKind::Mid);
    for ssrc in 0..10_000 {
        let mut header = HeaderToSend {
            payload_type: payload_type(96),
            ssrc: Ssrc(ssrc),
            ..Default::default()
        };
        header.extensions.mid = Some("v");
        let mut packet = Vec::new();
        header.write(&map, &mut packet);
        packet.push(1);
        world.receiver.handle_rtp(at(0), at(0), 0, &packet);
    }
    assert!(world.receiver.stats().inbound.len() <= 256);
}

/// VP8 whose lost packets are asked for again, without a stream of repetitions.
fn without_rtx() -> RtpParameters {
    let mut parameters = video();
    parameters.codecs.truncate(1);
    parameters
}

#[test]
fn without_a_stream_of_repetitions_lost_packets_come_again_as_they_went() {
    let mut world = World::new();
    let mut parameters = without_rtx();
    let feedback = &mut parameters.codecs[0].feedback;
    feedback.push(RtcpFeedback::TransportCc);
    world.agree(parameters, Outlet::Packets);
    for _ in 0..100 {
        world.send(10);
        world.run(33, |n| n % 20 == 7);
    }
    world.run(2_000, |_| false);
    let numbers = world.numbers();
    assert_eq!(numbers.len(), 1_000);
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));

    let again = &world.as_they_went;
    assert!(again.len() >= 50, "{}", again.len());
    for packet in again {
        assert_eq!(packet[8..12], MEDIA.0.to_be_bytes(), "in its own stream");
    }
    let stats = world.sender.stats();
    let outbound = &stats.outbound[0];
    let repeated = outbound.retransmitted.packets_sent;
    assert_eq!(repeated, again.len() as u64);
    assert_eq!(outbound.counters.packets_sent, 1_000);
}

#[test]
fn what_went_with_other_keys_does_not_go_again() {
    let mut world = World::new();
    // Nothing is paced: all leave at once.
    world.agree(without_rtx(), Outlet::Packets);
    world.send(10);
    world.run(30, |n| n == 4);
    world.sender.handle_new_keys();
    world.run(1_000, |_| false);
    assert_eq!(world.numbers().len(), 9);
    assert!(world.as_they_went.is_empty());
}

#[test]
fn another_peer_is_told_whose_streams_come_and_may_ask_as_the_one_before_did() {
    let mut world = World::new();
    world.delay = 20;
    let length = |world: &mut World| {
        world.send(1);
        world.run(1, |_| false);
        world.to_receiver.back().expect("it is on its way").2.len()
    };
    let ask = |world: &mut World| {
        let mut datagram = Vec::new();
        Writer::new(&mut datagram).full_intra_request(Ssrc(9), &[(MEDIA, 1)]);
        world.sender.handle_rtcp(at(world.now), &datagram);
        world.run(1, |_| false);
        world.sent_key_frame_requests()
    };
    let named = length(&mut world);
    world.run(3_000, |_| false);
    let known = length(&mut world);
    assert_eq!(named - known, 8, "names end with a report");
    assert_eq!((ask(&mut world), ask(&mut world)), (1, 1), "one command");
    assert!(world.sender.round_trip() < Duration::from_millis(50));

    world.sender.restart();
    assert_eq!(length(&mut world), named);
    assert_eq!(
        ask(&mut world),
        2,
        "of another peer, which counts for itself"
    );
    assert_eq!(world.sender.round_trip(), Duration::from_millis(100));
    assert_eq!(world.sender.stats().outbound[0].remote.block, None);

    world.run(3_000, |_| false);
    assert_eq!(length(&mut world), known);
    let paused = world.sender.stop_send(ID).expect("it sent");
    world.sender.resume_send(paused);
    world.sender.set_send(at(world.now), ID, send_plan());
    assert_eq!(
        length(&mut world),
        named,
        "it may go on on another transport"
    );
}

#[test]
fn numbers_of_lost_repetitions_are_not_taken_for_those_of_the_media() {
    let mut world = World::new();
    world.send(20);
    world.run(1, |_| false);
    let numbers = world.to_receiver.iter();
    let numbers = numbers.map(|(_, _, packet)| u16::from_be_bytes([packet[2], packet[3]]));
    let mut datagram = Vec::new();
    Writer::new(&mut datagram).nack(Ssrc(9), RTX, numbers);
    world.sender.handle_rtcp(at(world.now), &datagram);
    world.run(1, |_| false);
    assert_eq!(world.sent, 20);
    assert_eq!(world.sender.stats().outbound[0].remote.nacks, 0);
}
