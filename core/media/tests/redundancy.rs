//! What comes back without being asked for: redundant audio, and parity of video.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use common::{FEC, ID, MEDIA, RTX, World, at, paced_send_plan, payload_type};
use duologue_base::{Rng, Seq16};
use duologue_media::RtpPacketInit;
use duologue_rtp::ext::{ExtensionKind, ExtensionMap};
use duologue_rtp::fec::{FlexFec, Protected, Protector, UlpFec};
use duologue_rtp::rtcp::{self, Packet};
use duologue_rtp::{ExtensionId, HeaderToSend, RtcpFeedback, Ssrc};

const FLEX: &[(u8, &str, Option<&str>)] = &[(49, "flexfec-03", Some("repair-window=10000000"))];
const ULP: &[(u8, &str, Option<&str>)] = &[
    (118, "red", None),
    (119, "rtx", Some("apt=118")),
    (120, "ulpfec", None),
];

/// A minute of frames of five packets, nothing of which comes again: of a thousand frames, so many
/// are whole; and so many packets were sent.
fn whole_frames(
    formats: &[(u8, &str, Option<&str>)],
    round_trip: u64,
    loss: u32,
) -> (usize, usize) {
    let mut world = World::new();
    world.delay = round_trip / 2;
    world.lose_repetitions = true;
    world.use_repairs(formats);
    let mut rng = Rng::from_u64(11);
    let mut lost = |_| rng.below(1_000) < loss;
    // Reports have to tell of the loss first.
    for _ in 0..150 {
        world.send(5);
        world.run(33, &mut lost);
    }
    let (begin, sent) = (world.now * 90, world.sent);
    let repeated = world.sender.stats().outbound[0].retransmitted.packets_sent;
    for _ in 0..1_800 {
        world.send(5);
        world.run(33, &mut lost);
    }
    let again = world.sender.stats().outbound[0].retransmitted.packets_sent - repeated;
    let sent = world.sent - sent - again as usize;
    world.run(1_000, |_| false);

    let mut frames: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    for packet in &world.received {
        assert_eq!(packet.payload_type, payload_type(96));
        assert_eq!(packet.payload.len(), 1_000, "as it was sent");
        let numbers = frames.entry(packet.timestamp).or_default();
        assert!(numbers.insert(packet.sequence_number), "once");
    }
    let measured = frames.range(begin as u32..);
    let whole = measured.filter(|(_, numbers)| numbers.len() == 5).count();
    (whole * 1_000 / 1_800, sent)
}

#[test]
fn flexfec_repairs_99_of_100_frames_at_300_ms_and_2_percent_of_loss() {
    let (whole, sent) = whole_frames(FLEX, 300, 20);
    assert!(whole >= 990, "{whole}");
    assert!(sent <= 9_000 * 130 / 100, "{sent}");
    let (without, sent) = whole_frames(&[], 300, 20);
    assert!(without < 920, "{without}");
    assert_eq!(sent, 9_000);
}

#[test]
fn ulpfec_repairs_as_well() {
    let (whole, sent) = whole_frames(ULP, 300, 20);
    assert!(whole >= 990, "{whole}");
    assert!(sent <= 9_000 * 130 / 100, "{sent}");
}

#[test]
fn probes_are_filled_by_padding_after_what_nothing_repeats_left_last() {
    let mut world = World::new();
    world.delay = 150;
    let mut parameters = paced_send_plan().parameters.clone();
    // Nothing is kept to be sent again.
    let feedback = &mut parameters.codecs[0].feedback;
    feedback.retain(|it| *it != RtcpFeedback::Nack);
    world.use_repairs_with(&[(118, "red", None), (120, "ulpfec", None)], parameters);
    let mut rng = Rng::from_u64(12);
    let padding = |world: &World| world.sender.stats().outbound[0].padding.packets_sent;
    for _ in 0..450 {
        world.send(5);
        world.run(33, |_| rng.below(1_000) < 20);
    }
    let before = padding(&world);
    for _ in 0..300 {
        world.send(1);
        world.run(33, |_| false);
    }
    assert!(padding(&world) > before, "{before}");
}

#[test]
fn nothing_is_protected_where_sending_again_is_in_time_or_little_is_lost() {
    assert_eq!(whole_frames(FLEX, 100, 20).1, 9_000);
    assert_eq!(whole_frames(FLEX, 300, 0).1, 9_000);
}

/// Of a thousand packets of audio, so many came, and bytes of RTP that were sent for each.
fn heard(loss: u32) -> usize {
    let mut world = World::new();
    world.use_redundant_audio();
    let mut rng = Rng::from_u64(5);
    for n in 0..5_000_u32 {
        world.sender.send(
            at(world.now),
            ID,
            vec![RtpPacketInit {
                timestamp: n * 960,
                payload: Bytes::from(n.to_be_bytes().repeat(20)),
                ..Default::default()
            }],
        );
        world.run(20, |_| rng.below(1_000) < loss);
    }
    world.run(200, |_| false);

    let mut heard = BTreeSet::new();
    for packet in &world.received {
        let n = packet.timestamp / 960;
        assert_eq!(packet.payload, n.to_be_bytes().repeat(20));
        assert_eq!(packet.payload_type, payload_type(111));
        assert!(heard.insert(n), "once");
    }
    let repaired = world.received.iter().filter(|packet| packet.repaired);
    assert!(repaired.count() as u32 * 1_000 >= 5_000 * loss * 6 / 10);
    // What the reports lead to takes some seconds.
    heard.range(1_000..).count() * 1_000 / 4_000
}

#[test]
fn redundant_audio_repairs_5_percent_of_loss() {
    let heard = heard(50);
    assert!(heard >= 995, "{heard}");
}

#[test]
fn redundant_audio_repairs_20_percent_of_loss_by_two_copies() {
    let heard = heard(200);
    assert!(heard >= 985, "{heard}");
}

/// A packet of the stream of media with transport-wide number `number`.
fn packet(number: u16, format: u8, payload: &[u8]) -> Vec<u8> {
    write(MEDIA, number, format, payload)
}

fn write(ssrc: Ssrc, number: u16, format: u8, payload: &[u8]) -> Vec<u8> {
    let mut map = ExtensionMap::default();
    let id = |id| ExtensionId::new(id).expect("not 0");
    map.insert(id(3), ExtensionKind::TransportSequence);
    let mut header = HeaderToSend {
        payload_type: payload_type(format),
        sequence_number: Seq16(number),
        timestamp: 90,
        ssrc,
        ..Default::default()
    };
    header.extensions.transport_sequence = Some(number);
    let mut packet = Vec::new();
    header.write(&map, &mut packet);
    packet.extend_from_slice(payload);
    packet
}

impl World {
    fn receive(&mut self, packet: &[u8]) {
        let number = u64::from(u16::from_be_bytes([packet[2], packet[3]]));
        let now = at(self.now);
        self.receiver.handle_rtp(now, now, number, packet);
    }
}

impl World {
    /// The numbers from 10 on that the other end is told of as received.
    fn told_as_received(&mut self) -> Vec<u16> {
        let mut told = Vec::new();
        for ms in [0, 100] {
            let mut out = Vec::new();
            while self.receiver.poll_rtcp(at(ms), &mut out) {
                for packet in rtcp::packets(&out) {
                    if let Ok(Packet::TransportFeedback(feedback)) = packet {
                        let numbers = feedback.received().map(|it| it.sequence);
                        told.extend(numbers.filter(|number| *number >= 10));
                    }
                    assert!(!matches!(packet, Ok(Packet::Nack(_))), "it is there");
                }
                out.clear();
            }
        }
        told
    }
}

/// Chromium 156 and Firefox 153 never send again what feedback told of, whatever is asked for.
#[test]
fn what_no_stream_took_is_not_told_of_as_received() {
    let mut world = World::new();
    world.use_repairs(FLEX);
    world.receive(&packet(10, 96, &[1; 9]));
    // Of a stream that nobody knows, and cut off on the way.
    world.receive(&write(Ssrc(999), 11, 77, &[1; 9]));
    world.receive(&packet(11, 96, &[1; 9]));
    let mut cut_off = packet(13, 96, &[1; 9]);
    cut_off.truncate(13);
    world.receive(&cut_off);
    world.receive(&write(Ssrc(999), 12, 77, &[1; 9]));
    assert_eq!(world.told_as_received(), [10, 11]);
}

#[test]
fn what_only_parity_gave_is_not_told_of_as_received() {
    let mut world = World::new();
    world.use_repairs(FLEX);
    let packets: Vec<_> = (10..14).map(|n| packet(n, 96, &[n as u8; 9])).collect();
    let mut protector = Protector::default();
    for packet in &packets {
        let protected = Protected::packet(packet).expect("a packet");
        protector.add(protected, FlexFec::MAX_SPAN);
    }
    let mut parity = Vec::new();
    protector.write_flex(MEDIA, &mut parity);

    // The first parity of a stream is where its packets begin to be kept.
    world.receive(&write(FEC, 7, 49, &parity));
    for n in [0, 1, 3] {
        world.receive(&packets[n]);
    }
    assert_eq!(world.told_as_received(), [10, 11, 13]);
    world.run(1, |_| false);
    assert_eq!(world.numbers(), [10, 11, 12, 13]);
    let lost = world.received.iter().find(|it| it.sequence_number == 12);
    let lost = lost.expect("it came back");
    assert!(lost.repaired && lost.payload == [12; 9].as_slice());
    let stats = &world.receiver.stats().inbound[0];
    assert_eq!(stats.statistics.packets_lost(), 1);
}

#[test]
fn video_in_red_is_what_it_carries_and_so_are_its_repetitions() {
    let mut world = World::new();
    world.use_repairs(ULP);
    world.receive(&packet(1, 118, &[96, 1, 1]));
    world.receive(&packet(3, 118, &[96, 3, 3]));
    // RFC 4588 §4: the original number, then the original payload, RED.
    world.receive(&write(RTX, 1, 119, &[0, 2, 96, 2, 2]));
    // Padding in RED's payload type, and RED without a payload.
    world.receive(&packet(4, 118, &[]));
    world.receive(&packet(5, 118, &[96]));
    world.run(1, |_| false);
    let received = world.received.iter();
    let received: Vec<_> = received
        .map(|it| (it.sequence_number, it.payload_type.get(), &it.payload[..]))
        .collect();
    let expected: [(u64, u8, &[u8]); 3] = [(1, 96, &[1, 1]), (3, 96, &[3, 3]), (2, 96, &[2, 2])];
    assert_eq!(received, expected);
    assert_eq!(world.receiver.counters().malformed, 0);
}

#[test]
fn ulpfec_in_the_stream_gives_a_lost_packet_and_is_no_frame() {
    let mut world = World::new();
    world.use_repairs(ULP);
    let packets: Vec<_> = (1..4).map(|n| packet(n, 118, &[96, n as u8, 7])).collect();
    let mut protector = Protector::default();
    for packet in &packets {
        let protected = Protected::without_red(packet).expect("a packet");
        protector.add(protected, UlpFec::MAX_SPAN);
    }
    let mut parity = vec![120];
    protector.write_ulp(&mut parity);
    world.receive(&packet(0, 118, &parity));
    for n in [0, 2] {
        world.receive(&packets[n]);
    }
    world.run(1, |_| false);
    assert_eq!(world.numbers(), [1, 2, 3]);
    let lost = world.received.iter().find(|it| it.sequence_number == 2);
    let lost = lost.expect("it came back");
    assert_eq!(
        (lost.payload_type.get(), &lost.payload[..]),
        (96, &[2, 7][..])
    );
    assert_eq!(world.receiver.counters().malformed, 0);
}
